"""Deviations, exit codes, reports: what a run says and how it is written down."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from refmem.cli.main import main
from refmem.conformance import deviations
from refmem.conformance.case import FOLDER, load_all
from refmem.conformance.reference import Reference
from refmem.conformance.report import html, junit, lines
from refmem.conformance.runner import conform, described
from refmem.conformance.verdict import Verdict

RELU = [case for case in load_all() if case.group == "relu"]


class Leaky(Reference):
    """A relu that leaks."""

    def describe(self):
        return {"name": "leaky", "groups": ["relu"]}

    def relu(self, task):
        (step,) = task.steps
        out = {"y": np.where(step.x > 0, step.x, step.x * step.x.dtype.type(0.01))}
        if step.d_y is not None:
            out["d_x"] = np.where(step.x > 0, step.d_y, step.d_y * step.x.dtype.type(0.01))
        return out


def known(tmp_path, text):
    path = tmp_path / "refmem-deviations.toml"
    path.write_text(text)
    return deviations.load(path)


def test_a_known_failure_is_expected_and_a_stale_entry_is_not(tmp_path):
    file = known(tmp_path, '[[deviation]]\ncase = "relu/*"\nstatus = "xfail"\nreason = "it leaks on purpose"\n')
    run = conform(Leaky(), RELU, deviations=file)
    assert run.count(Verdict.XFAIL) == len(RELU) and run.exit_code == 0

    sound = conform(Reference(), RELU, deviations=file)
    assert sound.count(Verdict.XPASS) == len(RELU) and sound.exit_code == 3
    assert sound.stale == ["'relu/*' is expected to fail, but nothing that it matches does"]

    file = known(tmp_path, '[[deviation]]\ncase = "softplus/*"\nstatus = "skip"\nreason = "none"\n')
    run = conform(Reference(), RELU, deviations=file)
    assert run.exit_code == 3 and "matches no case" in run.stale[0]


@pytest.mark.parametrize(("text", "words"), [
    ('[[deviation]]\ncase = "relu/*"\nstatus = "xfail"\n', "gives no reason"),
    ('[[deviation]]\ncase = "relu/*"\nstatus = "ok"\nreason = "x"\n', "must have the status"),
    ('[[deviation]]\nstatus = "xfail"\nreason = "x"\n', "names no case"),
    ('[[deviation]]\ncase = "a"\nstatus = "skip"\nreason = "x"\nuntil = 3\n', "means nothing here: until"),
    ("[[deviation", "is not TOML"),
])
def test_a_deviations_file_is_checked(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        known(tmp_path, text)


def test_a_leaky_relu_is_told_so():
    run = conform(Leaky(), RELU)
    assert run.exit_code == 1 and run.suspects[0].startswith("relu.")
    result = next(r for r in run.results if r.case.id == "relu/forward.float64")
    assert "relu-leaky" in result.hints
    problem = result.outcome.problem
    assert problem.output == "y" and problem.ours == 0.0 and problem.theirs < 0


def test_an_implementation_that_writes_into_its_inputs_harms_only_itself():
    class Writes(Reference):
        def relu(self, task):
            task.steps[0]["x"][...] = 1.0
            return {"y": task.steps[0]["x"], "d_x": task.steps[0]["x"]}

    before = RELU[0].steps[0]["x"].copy()
    assert conform(Writes(), RELU[:1]).exit_code == 1
    np.testing.assert_array_equal(RELU[0].steps[0]["x"], before)


def test_describe_must_describe():
    with pytest.raises(TypeError, match="describe"):
        described(object())


def test_reports_hold_every_case(tmp_path):
    run = conform(Leaky(), RELU)
    records = [json.loads(line) for line in lines.lines(run, {"seed": 0})]
    assert [r["record"] for r in records] == ["header", *["case"] * len(RELU), "footer"]
    suite = ElementTree.fromstring(junit.junit(run))
    assert int(suite.get("tests")) == len(RELU) and int(suite.get("failures")) == run.count(Verdict.FAIL) > 0
    page = html.report(run)
    assert all(case.id in page for case in RELU)
    assert "http://" not in page and "https://" not in page and "<script" not in page


class Refuses(Reference):
    """Ends the process where it should answer."""

    def relu(self, task):
        raise SystemExit(3)


class CannotBeMade:
    def __init__(self):
        raise RuntimeError("no GPU")


class CannotDescribe:
    def describe(self):
        raise RuntimeError("no GPU")


class DescribesNothing:
    def describe(self):
        return {"groups": 3}


@pytest.mark.parametrize("broken", [Refuses, CannotBeMade, CannotDescribe, DescribesNothing])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_an_implementation_that_does_not_answer_has_its_own_exit_code(broken, how, monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.chdir(tmp_path)
    assert main(["conform", f"{__name__}:{broken.__name__}", "--only", "relu/*", *how]) == 4


REFERENCE = "refmem.conformance.reference:Reference"


@pytest.mark.parametrize(("arguments", "code"), [
    ([REFERENCE, "--only", "relu/*"], 0),
    ([f"{__name__}:Leaky", "--only", "relu/*"], 1),
    (["no colon"], 2),
    ([], 2),
    (["refmem.conformance.reference:Nothing"], 2),
    ([REFERENCE, "--only", "nothing/*"], 5),
    ([REFERENCE, "--only", "relu/*", "--tol-scale", "0"], 2),
    (["--exec", "false", "--only", "relu/*"], 4),
])
def test_exit_codes(arguments, code, monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.chdir(tmp_path)
    assert main(["conform", *arguments]) == code


def test_the_commands_say_what_they_must(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["spec", "coverage", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"rules": said["rules"], "complete": True, "missing": []}
    assert main(["mutants", "--json", "--rule", "relu.at-zero"]) == 0
    assert json.loads(capsys.readouterr().out) == {"total": 2, "killed": 2, "alive": []}
    assert main(["spec", "show", "memory.update.age-reset"]) == 0
    assert "A[n] <- 0" in capsys.readouterr().out
    assert main(["spec", "html", "spec.html"]) == 0
    assert "memory.update.age-reset" in (tmp_path / "spec.html").read_text()
    for form in ("json", "safetensors"):
        assert main(["vectors", "export", "--format", form, form]) == 0
    assert len(list((tmp_path / "json").glob("*/*.json"))) == len(list((tmp_path / "safetensors").glob("*/*"))) > 200
    assert main(["conform", REFERENCE, "--only", "relu/*", "--output", "a.jsonl"]) == 0
    assert main(["report", "summary", "a.jsonl"]) == 0
    assert main(["report", "diff", "a.jsonl", "a.jsonl"]) == 0
    assert main(["vectors", "show", "relu/nothing"]) == 2


def test_a_reproduction_runs(capsys):
    assert main(["repro", "relu/at-zero.float64", "--impl", REFERENCE]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 15
    exec(compile(text, "repro", "exec"), {})
    assert capsys.readouterr().out.endswith("it passes\n")


@pytest.mark.parametrize("kind", ["numpy", "torch", "jax", "tensorflow"])
def test_a_skeleton_runs_as_it_is(kind, tmp_path, monkeypatch, capsys):
    if kind != "numpy":
        pytest.importorskip(kind)
    monkeypatch.chdir(tmp_path)
    name = f"skeleton_{kind}"
    assert main(["adapter", "new", kind, f"{name}.py"]) == 0
    monkeypatch.syspath_prepend(tmp_path)
    code = main(["conform", f"{name}:Adapter", "--only", "*read.answer*", "--only", "relu/*"])
    assert code == 0, capsys.readouterr().out
    assert main(["adapter", "new", kind, f"{name}.py"]) == 2


def test_the_skeleton_of_a_runner_runs_as_it_is(tmp_path, monkeypatch):
    import sys

    monkeypatch.chdir(tmp_path)
    assert main(["adapter", "new", "exec", "mine.py"]) == 0
    assert main(["conform", "--exec", f"{sys.executable} mine.py", "--only", "relu/*"]) == 0


def test_every_line_of_a_report_fits_the_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((FOLDER.parents[1] / "schema" / "report.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    file = known(tmp_path, '[[deviation]]\ncase = "relu/*"\nstatus = "xfail"\nreason = "it leaks on purpose"\n')
    for run in (conform(Leaky(), RELU), conform(Reference(), RELU, deviations=file), conform(Refuses(), RELU)):
        for line in lines.lines(run, {"seed": 0}):
            validator.validate(json.loads(line))


def test_a_stale_deviation_has_its_own_exit_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refmem-deviations.toml").write_text(
        '[[deviation]]\ncase = "relu/*"\nstatus = "xfail"\nreason = "it leaked"\n')
    assert main(["conform", REFERENCE, "--only", "relu/*"]) == 3


def test_a_run_that_is_stopped_keeps_what_it_did(tmp_path, monkeypatch, capsys):
    import sys

    class Stopped(Reference):
        def relu(self, task):
            if task.id == RELU[3].id:
                raise KeyboardInterrupt
            return super().__getattr__("relu")(task)

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(sys.modules[__name__], "Stopped", Stopped, raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["conform", f"{__name__}:Stopped", "--only", "relu/*", "--output", "a.jsonl"]) == 130
    assert f"stopped after 3 of {len(RELU)} cases" in capsys.readouterr().err
    assert main(["report", "summary", "a.jsonl"]) == 2
    assert "stopped after 3 cases" in capsys.readouterr().err
