"""Sweeps: every point once, killed runs again, interrupted sweeps go on; on cores, and on a real Dask cluster."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import dask_cluster

from refmem import workers

from reference_models.cli.main import main
from reference_models.cli.sweep import command, job, points

ROOT = Path(__file__).parents[3]
CONFIG = 'command = "sums"\n[fixed]\ntimes = 2\n[grid]\nseed = [1, 2, 3]\nfast = [true, false]\n'

STAND_IN = """
import json, os, sys, time
words = sys.argv[1:]
open(os.environ["SWEEP_LOG"], "a").write(f"{os.getpid()} {' '.join(words)}\\n")
seed = int(words[words.index("--seed") + 1])
os.makedirs(words[words.index("--out") + 1])
trap = os.environ.get("SWEEP_TRAP", "") + f"-{seed}"
if os.path.exists(trap):
    os.remove(trap)
    os.kill(os.getpid(), 9)
time.sleep(float(os.environ.get("SWEEP_SECONDS", "0")))
if seed == 13:
    sys.exit("error: thirteen is out of range")
print(json.dumps({"square": seed ** 2, "fast": "--fast" in words}))
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A `python -m reference_models` that takes no time, and a log of what was started."""
    package = tmp_path / "stand_in" / "reference_models"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    monkeypatch.setenv("SWEEP_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("SWEEP_TRAP", str(tmp_path / "trap"))
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    monkeypatch.chdir(tmp_path)  # or `-m` would find the real one first
    (tmp_path / "sums.toml").write_text(CONFIG)
    return tmp_path


def logged(folder):
    """(what was asked for, the folder of its own) of every run that was started."""
    for line in (folder / "log").read_text().splitlines():
        words = line.split(" ")[1:]
        out = words.index("--out")
        yield " ".join(words[:out] + words[out + 2:]), words[out + 1]


def started(folder):
    return sorted(asked for asked, _ in logged(folder))


def folders(folder):
    return sorted(own for _, own in logged(folder))


def sweep(folder, capsys, *more, code=0):
    assert main(["sweep", str(folder / "sums.toml"), "--json", *more]) == code
    return json.loads(capsys.readouterr().out)


def test_every_point_runs_once_and_a_second_sweep_runs_nothing(stand_in, capsys):
    pytest.importorskip("joblib")
    report = sweep(stand_in, capsys, "--jobs", "2")
    assert report["done"] == report["ran_now"] == 6
    assert [row["point"] for row in report["runs"]] == [{"seed": seed, "fast": fast} for seed in (1, 2, 3)
                                                        for fast in (True, False)]
    assert [row["result"] for row in report["runs"]] == [{"square": seed ** 2, "fast": fast} for seed in (1, 2, 3)
                                                         for fast in (True, False)]
    assert len(set(started(stand_in))) == len(started(stand_in)) == 6
    assert len(set(folders(stand_in))) == 6  # side by side, and none in the way of another
    assert sweep(stand_in, capsys)["ran_now"] == 0
    results = stand_in / "sums" / job.RESULTS
    results.write_bytes(results.read_bytes()[:-3])  # as a crash would leave it
    assert sweep(stand_in, capsys)["ran_now"] == 1
    assert main(["sweep", str(stand_in / "sums.toml")]) == 0
    assert "square" in capsys.readouterr().out


def test_a_killed_run_is_tried_again_and_a_failed_one_is_a_result(stand_in, capsys):
    pytest.importorskip("joblib")
    (stand_in / "sums.toml").write_text('command = "sums"\n[grid]\nseed = [1, 13]\n')
    (stand_in / "trap-1").touch()
    report = sweep(stand_in, capsys, "--jobs", "1", code=2)
    one, thirteen = report["runs"]
    assert one["result"]["square"] == 1 and one["error"] is None
    assert thirteen["error"] == "thirteen is out of range"
    assert started(stand_in).count("sums --seed 1 --json") == 2
    assert started(stand_in).count("sums --seed 13 --json") == 1
    (stand_in / "trap-1").touch()
    point = points.load(stand_in / "sums.toml").points[0]
    assert "killed by SIGKILL, 1 times" in job.tried(point, 0, stand_in / "sums")["error"]
    own = [Path(folder).name for folder in folders(stand_in) if point.id in folder]
    assert own == [point.id, f"{point.id}-2", f"{point.id}-3"]


def test_a_figure_that_some_runs_lack_leaves_a_gap(capsys):
    command.show({"command": "x", "done": 2, "runs": [
        {"point": {"seed": 0}, "result": {"square": 4}, "error": None},
        {"point": {"seed": 1}, "result": {"square": None}, "error": None},
        {"point": {"seed": 2}, "result": None, "error": "a table [grid]"}]})
    out = capsys.readouterr().out
    assert "square" in out and "4" in out and "None" not in out and "a table [grid]" in out


def test_two_sweeps_cannot_share_a_folder(stand_in, capsys):
    pytest.importorskip("joblib")
    pytest.importorskip("fcntl")
    with job.Folder(stand_in / "sums"):
        assert main(["sweep", str(stand_in / "sums.toml")]) == 2
    assert "another sweep is at work in" in capsys.readouterr().err


def test_the_same_point_has_the_same_name_and_comes_once(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text('command = "x"\n[fixed]\nways = [5, 20]\n[grid]\nseed = [1, 1]\nlife_long = [true]\n')
    [point] = points.load(file).points
    assert point.arguments == ["x", "--life-long", "--seed", "1", "--ways", "5", "20"]
    file.write_text('command = "x"\n[fixed]\nlife_long = true\nseed = 1\n[grid]\nways = [[5, 20]]\n')
    assert points.load(file).points[0].id == point.id


@pytest.mark.parametrize(("text", "sentence"), [
    ("command = ", "is not TOML"),
    ("command = 3\n[grid]\nseed = [1]", "must name a command, got 3"),
    ('command = "x"', "must have a table [grid]"),
    ('command = "x"\n[grid]\nseed = 3', "seed of the grid must be a list that is not empty, got 3"),
    ('command = "x"\n[grid]\nseed = []', "must be a list that is not empty"),
    ('command = "x"\n[grid]\nseed = [{a = 1}]', "seed must be text, a number"),
    ('command = "x"\n[fixed]\nseed = 1\n[grid]\nseed = [1]', "cannot be both fixed and in the grid"),
    ('command = "x"\n[grid]\nout = ["a"]', "out is for the sweep itself to say"),
    ('command = "x"\nspeed = 1\n[grid]\nseed = [1]', "a key that means nothing here: speed"),
])
def test_what_is_no_grid_is_a_sentence(text, sentence, tmp_path, capsys):
    (tmp_path / "a.toml").write_text(text)
    assert main(["sweep", str(tmp_path / "a.toml")]) == 2
    assert sentence in capsys.readouterr().err


def test_no_scheduler_no_extra_and_foreign_results_are_sentences(stand_in, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "find_spec", lambda name: None)
    for more in ((), ("--dask", "tcp://127.0.0.1:1")):
        assert main(["sweep", str(stand_in / "sums.toml"), *more]) == 2
        assert "refmem[cluster]" in capsys.readouterr().err
    (stand_in / "sums" / job.RESULTS).write_text("{}\n")
    assert main(["sweep", str(stand_in / "sums.toml")]) == 2
    assert "is not the result of a run" in capsys.readouterr().err


@pytest.fixture
def cluster(stand_in):
    """Three workers; what they start takes its time."""
    pytest.importorskip("distributed")
    with dask_cluster.started(stand_in, 3, SWEEP_SECONDS="0.5") as (address, workers):
        yield address, workers


@pytest.mark.slow
def test_a_cluster_loses_a_worker_and_no_run(cluster, stand_in, capsys):
    """One of three workers is killed while all are at work; each point has one result."""
    import distributed

    address, workers = cluster
    with distributed.Client(address, timeout=60) as client:
        client.wait_for_workers(3, timeout=60)
        client.run(lambda first: __import__("sys").path.insert(0, first), str(stand_in / "stand_in"))
    (stand_in / "sums.toml").write_text('command = "sums"\n[grid]\nseed = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n')
    killer = subprocess.Popen([sys.executable, "-c", "import os, sys, time\n"
                               "while not os.path.exists(sys.argv[2]): time.sleep(0.02)\n"
                               "time.sleep(0.2); os.kill(int(sys.argv[1]), 9)",
                               str(workers[0].pid), str(stand_in / "log")])
    report = sweep(stand_in, capsys, "--dask", address)
    killer.wait()
    assert workers[0].wait(timeout=10) == -signal.SIGKILL
    assert [row["result"]["square"] for row in report["runs"]] == [seed ** 2 for seed in range(1, 10)]
    lines = (stand_in / "sums" / job.RESULTS).read_text().splitlines()
    assert len(lines) == len({json.loads(line)["id"] for line in lines}) == 9
    runs = started(stand_in)
    assert len(set(runs)) == 9 and len(runs) in (9, 10)  # what the dead worker had in hand ran again
    assert sweep(stand_in, capsys, "--dask", address)["ran_now"] == 0
