"""The command `omniglot` when someone stops it: where it stood, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from support.small_run import TINY, same_bits

from reference_models.cli.main import main
from reference_models.training import checkpoint
from reference_models.training.one_shot.classifier import OneShotTraining


def test_a_run_stopped_after_any_episode_resumes_to_the_same_bits(monkeypatch, capsys):
    assert main(TINY + ["--out", "whole"]) == 0
    advance, stops = OneShotTraining.advance, iter([1, 2, 3])

    def stopped(self, spent):
        figures = advance(self, spent)
        if self.counters.episodes + 1 == stop:
            os.kill(os.getpid(), signal.SIGINT)
        return figures

    monkeypatch.setattr(OneShotTraining, "advance", stopped)
    stop = next(stops)
    assert main(TINY + ["--out", "cut"]) == 130
    for stop in (*stops, -1):
        assert checkpoint.load("cut/checkpoint.npz", "omniglot").counters.episodes < 4
        assert main(["omniglot", "--resume", "--out", "cut", *TINY[3:]]) == (130 if stop > 0 else 0)
    assert "go on with: python -m reference_models omniglot --resume --out cut" in capsys.readouterr().err
    same_bits(Path("whole"), Path("cut"))


def test_ctrl_c_in_a_real_process_at_various_moments_leaves_a_run_that_ends_in_the_same_bits(tmp_path, capsys):
    long = ["omniglot", "--episodes", "60", *TINY[3:]]
    tests = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}

    def start(*arguments):
        program = "import sys; from support.small_run import main; sys.exit(main())"
        return subprocess.Popen([sys.executable, "-c", program, *arguments, "--out", "cut"], env=environment,
                                stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    process = start(*long)
    stops = 0
    for wait in (0.3, 0.9):
        process.stderr.readline()  # "output goes to cut": it has begun
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        if process.returncode == 0:
            break  # a fast machine was done before
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        stops += 1
        held = (tmp_path / "cut" / "checkpoint.npz").exists()
        process = start("omniglot", "--resume", *TINY[3:]) if held else start(*long)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert not list((tmp_path / "cut").glob("*.part")) and not list((tmp_path / "cut").glob(".*"))
    assert main([*long, "--out", "whole"]) == 0
    same_bits(Path("whole"), Path("cut"))


def test_resume_finds_the_latest_run_and_may_extend_its_budget(capsys):
    assert main(TINY) == 0
    before = checkpoint.load("runs/omniglot-1/checkpoint.npz", "omniglot")
    assert main(["omniglot", "--resume", "--episodes", "5", *TINY[3:]]) == 0
    after = checkpoint.load("runs/omniglot-1/checkpoint.npz", "omniglot")
    assert (before.counters.episodes, after.counters.episodes) == (4, 5)
    assert after.counters.seconds > before.counters.seconds


def test_resuming_a_finished_run_only_measures_again(capsys):
    assert main(TINY + ["--out", "run", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["omniglot", "--resume", "--out", "run", *TINY[3:], "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert first == second
