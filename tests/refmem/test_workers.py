"""Work that is shared out comes to the same: in any order, by processes, and by a cluster that loses a worker."""

import json
import os
import signal
import subprocess
import sys

import pytest
from support import dask_cluster

from refmem import workers
from refmem.cli.main import main
from refmem.conformance import fuzz
from refmem.conformance.case import find, load_all
from refmem.conformance.reference import Reference

WRONG = """
from refmem.conformance.mutants import all_mutants

(mutant,) = [mutant for mutant in all_mutants() if mutant.id == "age-kept-when-right"]
memory = mutant.implementation()
"""

SLOW = """
import os, time
import numpy as np

def problems():
    open(os.environ["STARTED"], "a").write("x")
    time.sleep(0.7)
    return lambda x: 2 * x, lambda w, x: 2 * w, (np.arange(1.0, 4.0),)

one = two = three = four = problems
"""


def backwards(function, things):
    """A way that does the last thing first."""
    for place in reversed(range(len(things))):
        yield workers._placed(function, place, things[place])


def squared(x):
    if x < 0:
        raise ValueError(f"{x} has no root")
    return x * x


def checked(capsys, *arguments):
    """What `refmem gradcheck` reports, without the seconds."""
    code = main(["gradcheck", *arguments, "--json"])
    report = json.loads(capsys.readouterr().out)
    for part in (report, *report.get("by_dtype", {}).values()):
        part.pop("seconds", None)
    return code, report


def fuzzed(capsys, folder, *arguments):
    """What `refmem conform --fuzz` finds in a memory that is wrong: exit code, and the case that it keeps."""
    code = main(["conform", "wrong:memory", "--only", "relu/forward*", "--fuzz", "60", "--save", str(folder), "--json",
                 *arguments])
    capsys.readouterr()
    return code, [case.id for case in load_all(folder)]


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    """A folder with modules of the user's, which is the current one."""
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_results_come_in_order_and_the_first_failure_is_raised():
    assert workers.in_order(backwards, squared, [3, 1, 2]) == [9, 1, 4]
    with pytest.raises(ValueError, match="^-1 has no root"):
        workers.in_order(backwards, squared, [3, -1, -2])


def test_processes_of_this_machine(capsys):
    pytest.importorskip("joblib")
    names = ["relu", "tanh", "--dtype", "float64", "--seed", "3"]
    assert checked(capsys, *names, "--jobs", "2") == checked(capsys, *names)
    assert main(["gradcheck", "nothing", "--jobs", "2"]) == 2
    assert "there is nothing called 'nothing' to check" in capsys.readouterr().err


def test_the_self_test_is_the_same_when_it_is_shared_out(capsys, monkeypatch):
    alone = checked(capsys, "--self-test", "--problems", "30", "--dtype", "float64")
    monkeypatch.setattr(workers, "on_cores", lambda jobs: backwards)
    assert checked(capsys, "--self-test", "--problems", "30", "--dtype", "float64", "--jobs", "3") == alone


def test_the_first_generated_case_counts_whoever_finds_one(tmp_path, monkeypatch):
    """Three shares of 50 and one of 20, two of which find something."""
    first, second = (find(f"memory/{name}") for name in ("paper.read.answer.float64", "paper.loss.margin.float64"))
    searched = []

    def search(implementation, share):
        searched.append(share)
        return {1: first, 2: second}.get(share.number)

    monkeypatch.setattr(fuzz, "search", search)
    source = fuzz.Source("refmem.conformance.reference:Reference", None, 10.0)
    for way, shares in ((None, [0, 1]), (backwards, [3, 2, 1, 0])):
        searched.clear()
        result = fuzz.fuzz(Reference(), 170, 5, tmp_path, way=way, source=source)
        assert result.case is first
        assert searched == [fuzz.Share(number, 20 if number == 3 else 50, 5) for number in shares]


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["gradcheck", "relu", "--jobs", "0"], "--jobs must be at least 1, got 0"),
    (["gradcheck", "relu", "--jobs", "2"], "work side by side needs joblib: pip install 'refmem[cluster]'"),
    (["gradcheck", "relu", "--dask", "tcp://x:1"], "--dask needs Dask: pip install 'refmem[cluster]'"),
    (["conform", "a:B", "--dask", "tcp://x:1"], "say how many with --fuzz N"),
    (["conform", "refmem.conformance.reference:Reference", "--only", "relu/forward*", "--fuzz", "1",
      "--dask", "tcp://x:1"], "--dask needs Dask"),
])
def test_what_is_missing_is_a_sentence(arguments, sentence, monkeypatch, capsys):
    monkeypatch.setattr(workers, "find_spec", lambda name: None)
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_budget_is_not_shared_out(monkeypatch, capsys):
    monkeypatch.setattr(workers, "on_cores", lambda jobs: backwards)
    assert main(["gradcheck", "relu", "--jobs", "2", "--budget", "1s"]) == 2
    assert "--budget is the time of one process" in capsys.readouterr().err


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_finds_the_same(wrong, capsys):
    """One of three workers is killed while all are at work."""
    pytest.importorskip("distributed")
    import distributed

    names = [*(f"slow:{name}" for name in ("one", "two", "three", "four")), "relu", "--dtype", "float64"]
    alone = checked(capsys, *names), fuzzed(capsys, wrong / "alone")
    (wrong / "started").unlink()
    with dask_cluster.started(wrong, 3) as (address, processes):
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(3, timeout=60)
        killer = subprocess.Popen([sys.executable, "-c", "import os, sys, time\n"
                                   "while not os.path.exists(sys.argv[2]): time.sleep(0.02)\n"
                                   "time.sleep(0.2); os.kill(int(sys.argv[1]), 9)",
                                   str(processes[0].pid), os.environ["STARTED"]])
        shared = checked(capsys, *names, "--dask", address)
        killer.wait()
        assert processes[0].wait(timeout=10) == -signal.SIGKILL
        assert (shared, fuzzed(capsys, wrong / "shared", "--dask", address)) == alone
