"""The training loop: when it ends, what it records, and what Ctrl-C does to it."""

import os
import signal

import pytest

from reference_models.training import loop
from reference_models.training.interrupts import Interrupts
from reference_models.training.schedule import Budget, Counters


class Work:
    """Counts its episode batches and saves."""

    def __init__(self, accuracy=lambda n: 0.0, at=None):
        self.counters, self.curve, self.spent, self.saves = Counters(), [], [], []
        self.accuracy, self.at = accuracy, at or {}

    def advance(self, spent):
        self.spent.append(spent)
        self.at.get(len(self.spent), lambda: None)()
        return {"loss": 0.5, "accuracy": self.accuracy(len(self.spent)), "images": 10}

    def run(self, budget, **options):
        return loop.run(self.advance, counters=self.counters, budget=budget, curve=self.curve,
                        save=lambda: self.saves.append(self.counters.episodes), **options)


def test_it_trains_for_as_many_episodes_as_the_budget_has_and_saves_at_the_end():
    work = Work()
    assert work.run(Budget(episodes=4)) == "budget"
    assert work.spent == [0, 0.25, 0.5, 0.75]
    assert (work.counters.episodes, work.counters.images, work.saves) == (4, 40, [4])
    assert [point["episode"] for point in work.curve] == [1, 2, 3, 4] and "images" not in work.curve[0]


def test_a_run_whose_budget_is_spent_does_nothing():
    work = Work()
    work.counters.episodes = 4
    work.run(Budget(episodes=4))
    assert work.spent == []


def test_seconds_count_training_only(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])

    def train():
        now[0] += 2

    def watch():
        now[0] += 100
        return {"unseen": 0.5}

    work = Work(at={n: train for n in range(1, 10)})
    work.counters.seconds = 3.0  # from before it was resumed
    work.run(Budget(seconds=8.0), watch=watch, watch_every=1, save_every=1e9)
    assert work.counters.seconds == 9.0 and len(work.spent) == 3
    assert work.spent == pytest.approx([3 / 8, 5 / 8, 7 / 8])
    assert all(point["unseen"] == 0.5 for point in work.curve)


def test_it_saves_every_so_often(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])

    def train():
        now[0] += 25

    work = Work(at={n: train for n in range(1, 8)})
    work.run(Budget(episodes=7), save_every=60)
    assert work.saves == [3, 6, 7]


def test_a_goal_ends_it_once_the_mean_of_twenty_reaches_it():
    work = Work(accuracy=lambda n: float(n > 10))
    assert work.run(Budget(episodes=100), goal=0.9) == "goal"
    assert work.counters.episodes == 28 and work.saves == [28]  # 18 of the last 20
    assert work.run(Budget(episodes=100), goal=0.9) == "goal" and work.counters.episodes == 28  # resumed: still there


def test_the_goal_is_a_mean_of_as_many_batches_as_asked_for():
    work = Work(accuracy=lambda n: float(n > 10))
    assert work.run(Budget(episodes=100), goal=0.9, smoothing=4) == "goal" and work.counters.episodes == 14


def test_ctrl_c_ends_the_episode_batch_saves_and_says_so(capfd):
    work = Work(at={3: lambda: os.kill(os.getpid(), signal.SIGINT)})
    with pytest.raises(loop.Interrupted):
        work.run(Budget(episodes=9))
    assert work.counters.episodes == 3 and work.saves == [3]
    assert "stopping" in capfd.readouterr().err


def test_a_second_ctrl_c_does_not_wait():
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    work = Work(at={2: twice})
    with pytest.raises(KeyboardInterrupt):
        work.run(Budget(episodes=9))
    assert work.counters.episodes == 1 and work.saves == []


def test_the_handler_that_was_there_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
