"""Training of sequence classifiers: the schedule, the order of the examples, and going on where one stood."""

from types import SimpleNamespace

import numpy as np
import pytest

from refmem.ops import linear
from refmem.storage import FileRefused

from reference_models.training import checkpoint, sequences
from reference_models.training.adam import Adam
from reference_models.training.sequences import Schedule, SequenceTraining, measured


class Plane:
    """A linear classifier."""

    def __init__(self, seed=0, classes=3):
        rng = np.random.default_rng(seed)
        self.params = {"w": rng.standard_normal((4, classes)), "b": np.zeros(classes)}

    def forward(self, x):
        return linear.forward(x, self.params["w"], self.params["b"])

    def backward(self, d_logits, cache):
        _, d_w, d_b = linear.backward(d_logits, cache)
        return {"w": d_w, "b": d_b}


def examples(count=60):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((count, 4))
    return SimpleNamespace(labels=(x @ rng.standard_normal((4, 3))).argmax(axis=1), rows=lambda which: x[which])


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    monkeypatch.setattr(sequences, "STRETCH", 10)


def test_the_rate_is_held_and_then_falls_to_zero():
    schedule = Schedule(100, hold=0.4)
    assert [schedule.factor(update) for update in (0, 40, 70, 100)] == pytest.approx([1, 1, 0.5, 0])
    assert schedule.stretches == 10 and Schedule(101).stretches == 11


def test_it_learns_and_measures():
    model, data = Plane(), examples()
    before = measured(model, data)
    training = SequenceTraining("plane", model, data, Schedule(60, batch=20, adam=Adam(rate=0.1)), seed=0)
    while training.update < 60:
        figures = training.advance(0.0)
    assert figures["images"] == 200
    assert measured(model, data)["nll"] < 0.5 * before["nll"]
    assert measured(model, data, 7)["error"] * 7 == pytest.approx(round(measured(model, data, 7)["error"] * 7))


def test_each_pass_shows_every_example_once_in_an_order_of_its_own():
    training = SequenceTraining("plane", Plane(), examples(60), Schedule(60, batch=20), seed=0)
    passes = [np.concatenate([training._batch(3 * p + i) for i in range(3)]) for p in range(2)]
    assert all(sorted(rows) == list(range(60)) for rows in passes)
    assert not (passes[0] == passes[1]).all()


def test_a_run_that_was_stopped_takes_the_same_steps(tmp_path):
    whole = SequenceTraining("plane", Plane(), examples(), Schedule(40, batch=20), seed=0)
    for _ in range(4):
        whole.advance(0.0)
    first = SequenceTraining("plane", Plane(), examples(), Schedule(40, batch=20), seed=0)
    first.advance(0.0)
    checkpoint.save(tmp_path / "run.npz", first.snapshot({}))
    rest = SequenceTraining("plane", Plane(seed=5), examples(), Schedule(40, batch=20), seed=0)
    rest.resume(checkpoint.load(tmp_path / "run.npz", "plane"))
    for _ in range(3):
        rest.advance(0.0)
    for name, w in whole.model.params.items():
        np.testing.assert_array_equal(rest.model.params[name], w)


def test_what_does_not_fit_is_refused():
    training = SequenceTraining("plane", Plane(), examples(), Schedule(10, batch=20), seed=0)
    with pytest.raises(FileRefused, match="weights of another network"):
        SequenceTraining("plane", Plane(classes=4), examples(), Schedule(10, batch=20), seed=0).resume(
            training.snapshot({}))
    with pytest.raises(ValueError, match="a batch has 100 examples, and there are only 60"):
        SequenceTraining("plane", Plane(), examples(), Schedule(10, batch=100), seed=0)
    with pytest.raises(ValueError, match="updates and batch must be at least 1"):
        Schedule(0)
    with pytest.raises(ValueError, match=r"hold must lie in \[0, 1\], got 2"):
        Schedule(10, hold=2)
