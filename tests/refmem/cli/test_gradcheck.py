"""`refmem gradcheck`: what it prints, what it exits with."""

import json
import subprocess
import sys

import numpy as np
import pytest

from support.standin import standin

from refmem.cli.gradcheck_targets import TARGETS
from refmem.cli.main import main
from refmem.gradcheck import GradReport, Row, Verdict

OURS = """
import numpy as np
from refmem.gradcheck import from_vjp

def right():
    return np.sin, lambda w, x: w * np.cos(x), [np.array([0.1, 0.7])]

def wrong():
    return from_vjp(np.sin, lambda w, x: w * np.sin(x), [np.array([0.1, 0.7])])

def several(dtype):
    x = np.array([0.1, 0.7], dtype)
    return [from_vjp(np.sin, lambda w, x: w * np.cos(x), x), from_vjp(np.exp, lambda w, x: w * np.exp(x), x)]

def blurred():
    x = np.array([0.1, 0.7], np.float32)
    return from_vjp(lambda x: np.float32(1e6) + x * x, lambda w, x: 2 * w * x, x)

def two_gradients():
    return np.sin, lambda w, x: (w, w), [np.array([0.1])]

def bad_shape():
    return np.sin, lambda w, x: w[:1], [np.array([0.1, 0.2])]

def integers():
    return np.negative, lambda w, x: -w, [np.arange(3)]

def not_a_number():
    return np.log, lambda w, x: w / x, [-np.ones(3)]

def raises():
    raise RuntimeError("not today")

def raises_inside():
    return lambda x: 1 / 0, lambda w, x: w, [np.ones(3)]

def nonsense():
    return 3
"""


@pytest.fixture
def ours(tmp_path, monkeypatch):
    (tmp_path / "ours_to_check.py").write_text(OURS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ours_to_check", raising=False)
    return "ours_to_check"


def test_json_of_one_operation(capsys):
    assert main(["gradcheck", "l2_normalize", "--json"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["failed"] == 0 and report["inconclusive"] == 0
    assert {row["dtype"] for row in report["rows"]} == {"float64", "float32"}
    assert "2 problems:" in printed.err and "evaluations, about" in printed.err


def test_the_table_and_the_rows(capsys):
    assert main(["gradcheck", "linear", "--dtype", "float64", "--all-rows"]) == 0
    printed = capsys.readouterr().out
    assert "caught from" in printed and "gradient output <- weights: would have caught an error of" in printed


def test_list_names_everything(capsys):
    assert main(["gradcheck", "--list"]) == 0
    assert capsys.readouterr().out.split() == list(TARGETS)


def test_a_users_function(ours, capsys):
    assert main(["gradcheck", f"{ours}:right"]) == 0
    assert main(["gradcheck", f"{ours}:several"]) == 0
    assert capsys.readouterr().err.split("\n")[1].startswith("4 problems")
    assert main(["gradcheck", f"{ours}:wrong"]) == 1
    assert "FAIL" in capsys.readouterr().out


def test_inconclusive_fails_only_where_that_is_asked_for(ours, capsys):
    assert main(["gradcheck", f"{ours}:blurred"]) == 0
    assert "float32 rounding" in capsys.readouterr().out
    assert main(["gradcheck", f"{ours}:blurred", "--strict"]) == 1


@pytest.mark.parametrize("name, sentence", [
    ("conv3d", "there is nothing called 'conv3d'"), ("OURS:missing", "has no function called 'missing'"),
    ("no_such_module_here:f", "no_such_module_here cannot be imported"),
    ("OURS:two_gradients", "returned 2 gradients for 1 argument"), ("OURS:bad_shape", "gradient of shape (1,)"),
    ("OURS:integers", "is int64"), ("OURS:not_a_number", "is nan at index [0]"),
    ("OURS:raises", "raised RuntimeError: not today"), ("OURS:raises_inside", "raised ZeroDivisionError"),
    ("OURS:nonsense", "must return a Problem or (function, vjp, arguments)")])
def test_bad_input_is_one_sentence_and_exit_code_2(ours, capsys, name, sentence):
    assert main(["gradcheck", name.replace("OURS", ours)]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.err.startswith("error: ") and printed.err.count("\n") == 1
    assert printed.out == ""


@pytest.mark.parametrize("option", [["--sensitivity", "2"], ["--sensitivity", "much"], ["--budget", "0s"],
                                    ["--budget", "soon"], ["--dtype", "int8"], ["--problems", "x"]])
def test_bad_options_exit_with_2(capsys, option):
    with pytest.raises(SystemExit) as caught:
        main(["gradcheck", "relu", *option])
    assert caught.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_gpu_without_cupy_is_a_sentence(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["gradcheck", "relu", "--device", "gpu"]) == 2
    assert "refmem[gpu]" in capsys.readouterr().err


def test_a_gpu_gets_what_can_run_there(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", standin)
    assert main(["gradcheck", "linear", "memory.paper", "--device", "gpu", "--dtype", "float64"]) == 0
    assert main(["gradcheck", "conv2d_winograd", "--device", "gpu"]) == 2
    assert "runs on the CPU only" in capsys.readouterr().err


def test_the_plot_is_written(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "sweep.png"
    assert main(["gradcheck", "softmax", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert main(["gradcheck", "softmax", "--plot", str(tmp_path / "no" / "sweep.png")]) == 2


def test_a_budget_leaves_the_rest_open(ours, capsys):
    assert main(["gradcheck", "conv2d", "--budget", "0.000001s", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inconclusive"] > 0


def test_the_self_test(capsys):
    assert main(["gradcheck", "--self-test", "--problems", "12", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["problems"] == 24
    assert result["false_alarms"] == result["misses"] == 0 and "inconclusive" in result
    assert main(["gradcheck", "--self-test", "--problems", "4"]) == 0
    assert "0 false alarms, 0 misses" in capsys.readouterr().out
    assert main(["gradcheck", "--self-test", "--problems", "0"]) == 2


def test_the_self_test_fails_where_it_must(capsys, monkeypatch):
    def blind(problem, seed):
        outputs = problem.linearize(problem.arguments)[0]
        w = np.ones_like(outputs[0] if isinstance(outputs, tuple) else outputs)
        return GradReport([Row(problem.name, "float64", "gradient", Verdict.PASS, name, floor=1e-12, scale=1.0,
                               cotangent=w) for name in problem.names])

    monkeypatch.setattr("refmem.gradcheck.self_test.check_problem", blind)
    assert main(["gradcheck", "--self-test", "--problems", "6", "--dtype", "float64", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["misses"] == 3


def test_python_m_refmem():
    done = subprocess.run([sys.executable, "-m", "refmem", "gradcheck", "relu", "--dtype", "float64"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and "PASS" in done.stdout
