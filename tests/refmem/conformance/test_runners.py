"""Implementations in other processes: a C program that conforms, and runners that misbehave."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refmem.conformance import parallel
from refmem.conformance.adapters import protocol
from refmem.conformance.case import FOLDER, find, load_all
from refmem.conformance.verdict import Verdict

EXAMPLES = Path(__file__).parents[2] / "examples"
RELU = [case for case in load_all() if case.group == "relu"]
BAD = "relu/forward.float64"

HOW = {  # what the runner does: (verdict, words of the reason, exit code)
    "crash": (Verdict.ERROR, "crashed: it ended with code 7; it wrote to stderr: out of memory", 4),
    "hang": (Verdict.ERROR, "hung: no reply within 1 s", 4),
    "rubbish": (Verdict.ERROR, "rubbish, not a JSON object: 'Segmentation fault?", 4),
    "not-an-array": (Verdict.ERROR, "y is not an object with dtype, shape and data", 4),
    "error": (Verdict.ERROR, "no kernel for this", 4),
    "shape": (Verdict.FAIL, "y should have shape (3, 4), got (4, 3)", 1),
    "dtype": (Verdict.FAIL, "y should be float64, got float32", 1),
    "nan": (Verdict.FAIL, "y[0, 1] is nan, which is not finite", 1),
    "missing": (Verdict.FAIL, "y was not returned", 1),
}


@pytest.mark.parametrize("how", HOW)
def test_a_runner_that_misbehaves_is_reported_and_the_run_goes_on(how):
    verdict, words, code = HOW[how]
    command = shlex.join([sys.executable, str(EXAMPLES / "naughty.py"), how, BAD])
    run = parallel.conform(command, RELU, jobs=1, timeout=1.0 if how == "hang" else 30.0)
    by_id = {result.case.id: result for result in run.results}
    assert len(by_id) == len(RELU)
    bad = by_id.pop(BAD)
    assert bad.verdict is verdict and words in bad.reason
    assert {result.verdict for result in by_id.values()} == {Verdict.PASS}
    assert run.exit_code == code


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
