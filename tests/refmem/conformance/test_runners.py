"""Implementations in other processes: a C program that conforms, and runners that misbehave."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from refmem.conformance import parallel
from refmem.cli.main import main
from refmem.conformance.adapters import protocol, runner
from refmem.conformance.case import FOLDER, find, load_all
from refmem.conformance.verdict import Verdict

EXAMPLES = Path(__file__).parents[2] / "examples"
RELU = [case for case in load_all() if case.group == "relu"]
BAD = "relu/forward.float64"

HOW = {  # what the runner does: (verdict, words of the reason, exit code)
    "crash": (Verdict.ERROR, "crashed: it ended with code 7; it wrote to stderr: out of memory", 4),
    "hang": (Verdict.ERROR, "hung: no reply within 5 s", 4),
    "rubbish": (Verdict.ERROR, "rubbish, not a JSON object: 'Segmentation fault?", 4),
    "not-an-array": (Verdict.ERROR, "y is not an object with dtype, shape and data", 4),
    "error": (Verdict.ERROR, "no kernel for this", 4),
    "shape": (Verdict.FAIL, "y should have shape (3, 4), got (4, 3)", 1),
    "dtype": (Verdict.FAIL, "y should be float64, got float32", 1),
    "nan": (Verdict.FAIL, "y[0, 1] is nan, which is not finite", 1),
    "missing": (Verdict.FAIL, "y was not returned", 1),
    "long-line": (Verdict.ERROR, "a line of more than", 4),
    "endless": (Verdict.ERROR, "hung: no reply within 5 s; it wrote to stderr:", 4),
    "deep": (Verdict.ERROR, "rubbish, not a JSON object: '[[[[", 4),
    "negative-shape": (Verdict.ERROR, "its shape is [-1]", 4),
    "data-is-text": (Verdict.ERROR, "y must have its shape and data in arrays", 4),
    "does-not-read": (Verdict.ERROR, "hung: no reply within 5 s", 4),
    "too-many-steps": (Verdict.ERROR, "more than the 1 steps", 4),
    "leaves-after-reply": (Verdict.PASS, "", 0),
}
SLOW = ("hang", "endless", "does-not-read")


@pytest.mark.parametrize("how", HOW)
def test_a_runner_that_misbehaves_is_reported_and_the_run_goes_on(how, monkeypatch):
    verdict, words, code = HOW[how]
    monkeypatch.setattr(runner, "LONGEST", 100_000)
    command = shlex.join([sys.executable, str(EXAMPLES / "naughty.py"), how, BAD])
    run = parallel.conform(command, RELU, jobs=1, timeout=5.0 if how in SLOW else 60.0)
    by_id = {result.case.id: result for result in run.results}
    assert len(by_id) == len(RELU)
    bad = by_id.pop(BAD)
    assert bad.verdict is verdict and words in bad.reason
    assert {result.verdict for result in by_id.values()} == {Verdict.PASS}
    assert run.exit_code == code


def test_a_line_that_nobody_asked_for_is_reported_and_the_run_goes_on():
    command = shlex.join([sys.executable, str(EXAMPLES / "naughty.py"), "chatty", BAD])
    run = parallel.conform(command, RELU, jobs=1, timeout=60.0)
    reasons = [result.reason for result in run.results if result.verdict is Verdict.ERROR]
    # The line is found before the next request, or, where it comes later, in the place of the reply.
    assert len(reasons) == 1 and "'done, and proud of it" in reasons[0]
    assert "a line that nobody asked for" in reasons[0] or "not a JSON object" in reasons[0]
    assert run.count(Verdict.PASS) == len(RELU) - 1


def test_what_a_runner_started_ends_with_it(tmp_path):
    """A shell that starts the program that hangs."""
    mark = tmp_path / "alive"
    script = tmp_path / "runner.sh"
    script.write_text(f"(sleep 4; touch {mark}) &\nread line\nsleep 100\n")
    it = runner.Runner(f"sh {script}", timeout=1.0)
    with pytest.raises(protocol.ProtocolError, match="hung"):
        it.describe()
    time.sleep(4)
    assert not mark.exists()


BROKEN = '''
class Raises:
    def __init__(self):
        print("a word on stdout")
        raise RuntimeError("no GPU here")

class Mute:
    pass
'''


@pytest.mark.parametrize(("name", "code", "words"), [
    ("broken_adapter:Raises", 4, "broken_adapter:Raises cannot be made: RuntimeError: no GPU here"),
    ("broken_adapter:Mute", 4, "describe"), ("broken_adapter:Nobody", 2, "broken_adapter has no Nobody"),
    ("broken_adapters:Raises", 2, "No module named 'broken_adapters'")])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_cannot_be_run_is_one_sentence(name, code, words, jobs, tmp_path, monkeypatch, capfd):
    (tmp_path / "broken_adapter.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])]))
    assert main(["conform", name, "--only", "relu/*", "--jobs", jobs]) == code
    said = capfd.readouterr().err.strip()
    assert words in said and said.count("\n") == 0 and "Traceback" not in said


def test_a_c_program_conforms(tmp_path):
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    subprocess.run([compiler, "-O1", "-o", tmp_path / "runner", EXAMPLES / "runner.c"], check=True)
    run = parallel.conform(str(tmp_path / "runner"), load_all(), jobs=1, timeout=30.0)
    assert run.count(Verdict.PASS) == len(RELU) and run.exit_code == 0
    assert run.count(Verdict.SKIP) == len(run.results) - len(RELU)


def test_two_jobs_give_what_one_gives():
    target = "refmem.conformance.reference:Reference"
    cases = [case for case in load_all() if case.level == "L2"]
    run = parallel.conform(parallel.command_for(target), cases, jobs=2, timeout=60.0)
    assert [result.case.id for result in run.results] == [case.id for case in cases]
    assert run.count(Verdict.PASS) == len(cases)


def test_a_command_that_does_not_exist_is_one_sentence():
    with pytest.raises(FileNotFoundError):
        parallel.conform("./no-such-runner", RELU, jobs=1, timeout=1.0)


@pytest.mark.parametrize("array", [
    np.array([[1.5, -0.0], [np.pi, 5e-324]]), np.array([np.nan, np.inf, -np.inf]), np.array(3.0, np.float32),
    np.array([0.1, 1e30], np.float32), np.zeros((0, 3)), np.array([True, False]), np.array([-1, 2**62])])
def test_arrays_go_through_json_unchanged(array):
    back = protocol.decoded(json.loads(json.dumps(protocol.encoded(array))), "x")
    assert back.dtype == array.dtype and back.shape == array.shape
    assert back.tobytes() == array.tobytes() or np.isnan(array).any()


def test_requests_and_replies_fit_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((FOLDER.parents[1] / "schema" / "protocol.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for case_id in ("memory/tf2017.update.age-noise.float32", "conv2d/gradient.float64"):
        task = protocol.encoded_task(find(case_id))
        validator.validate({"command": "run", "task": task})
        again = protocol.decoded_task(task)
        assert again.steps[0].keys() == find(case_id).steps[0].keys()
