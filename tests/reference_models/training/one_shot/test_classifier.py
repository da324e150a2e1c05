"""One episode batch of training: what is shown, what is learnt from, and that it learns."""

import copy
import dataclasses

import numpy as np
import pytest
from support import small_run

from refmem.storage import FileRefused
from reference_models.tasks.one_shot.characters import Characters
from reference_models.training import checkpoint
from reference_models.training.adam import Adam
from reference_models.training.one_shot.classifier import OneShotTraining
from reference_models.training.one_shot.recipes import RECIPE, RECIPES, RELEASED


@pytest.fixture
def train(monkeypatch):
    small_run.shrink(monkeypatch.setattr, monkeypatch.setitem)
    return small_run.small_glyphs().train


def calls_of(training, monkeypatch):
    """What `advance` calls: the images and labels of each forward, and how many steps were taken."""
    forwards, steps = [], []
    forward, step = training.classifier.forward, training._step

    def watched(images, labels, **named):
        forwards.append((images, labels, named, training.classifier.memory.state.values.copy()))
        return forward(images, labels, **named)

    def counted(gradients, factor):
        steps.append(factor)
        step(gradients, factor)

    monkeypatch.setattr(training.classifier, "forward", watched)
    monkeypatch.setattr(training, "_step", counted)
    return forwards, steps


def test_the_first_round_only_fills_an_empty_memory(train, monkeypatch):
    recipe = dataclasses.replace(RECIPE, labels=7, more_labels=9, presentations=4)
    training = OneShotTraining(recipe, train, seed=0)
    forwards, steps = calls_of(training, monkeypatch)
    for spent, before, labels in ((0.0, 0.9, 7), (0.5, 0.2, 7), (0.5, 0.9, 9)):
        training.curve = [{"accuracy": before}] * 3
        forwards.clear()
        steps.clear()
        figures = training.advance(spent)
        assert len(forwards) == 4 and len(steps) == 3
        assert all(sorted(told) == list(range(labels)) for _, told, _, _ in forwards)
        assert (forwards[0][3] == -1).all() and (forwards[1][3] >= 0).sum() == labels
        assert figures["images"] == 4 * labels and 0 <= figures["accuracy"] <= 1
        assert steps == [pytest.approx(1 - 0.98 * spent)] * 3
        assert forwards[0][0].max() <= 1 and np.median(forwards[0][0]) == 0  # ink on an empty background


def test_the_released_episode_batch(train, monkeypatch):
    """16 episodes of 5 ways side by side: 30 calls of 16 drawings, each learnt from, in pixels 0 to 255."""
    training = OneShotTraining(dataclasses.replace(RELEASED, memory_size=256), train, seed=0)
    forwards, steps = calls_of(training, monkeypatch)
    figures = training.advance(0.5)
    assert len(forwards) == len(steps) == 30 and figures["images"] == 480
    for images, told, named, _ in forwards:
        assert images.shape == (16, 28, 28, 1) and np.median(images) == 255
        assert (told // 5 == np.arange(16)).all()  # each episode has labels of its own
        assert named["training"] and named["update"]
    assert set(steps) == {1.0}
    assert training.classifier.memory.profile.recent_hint  # in training


def test_it_learns(train):
    """Six blots with much noise: the loss falls away, and nearly every second drawing is recognised."""
    rng = np.random.default_rng(0)
    blots = rng.integers(0, 2, (6, 1, 7, 7)).repeat(4, axis=2).repeat(4, axis=3) * 120
    drawings = Characters((blots + rng.integers(0, 136, (6, 12, 28, 28))).astype(np.uint8), ("Blots",) * 6, ("",) * 6)
    recipe = dataclasses.replace(RECIPES["paper"], labels=6, more_labels=6, affine=False)
    training = OneShotTraining(recipe, drawings, seed=0)
    losses = [training.advance(0.0)["loss"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.2 * np.mean(losses[:5])
    assert np.mean([training.advance(0.0)["accuracy"] for _ in range(5)]) > 0.9


def test_gradients_are_clipped_where_the_recipe_says_so(train, monkeypatch):
    moved = {}
    for clip in (None, 1e-6):
        recipe = dataclasses.replace(RECIPES["paper"], clip=clip, adam=Adam(epsilon=1.0))
        training = OneShotTraining(recipe, train, seed=0)
        before = {name: w.copy() for name, w in training.classifier.params.items()}
        training.advance(0.0)
        moved[clip] = max(np.abs(w - before[name]).max() for name, w in training.classifier.params.items())
    assert 0 < moved[1e-6] < 1e-3 * moved[None]


def test_too_few_classes_for_an_episode_batch(train):
    recipe = dataclasses.replace(RECIPE, more_labels=train.classes + 1)
    with pytest.raises(ValueError, match=f"needs {train.classes + 1} different classes, and there are only"):
        OneShotTraining(recipe, train, seed=0)


def test_a_snapshot_resumes_to_the_same_bits(train):
    whole = OneShotTraining(RECIPES["tf2017"], train, seed=3)  # with dropout and age noise
    whole.advance(0.0)
    saved = whole.snapshot({"data": None})
    assert saved.settings["seed"] == 3
    saved = copy.deepcopy(saved)
    other = OneShotTraining(RECIPES["tf2017"], train, seed=8)
    other.resume(saved)
    assert whole.advance(0.5) == other.advance(0.5)
    for name, w in whole.classifier.params.items():
        np.testing.assert_array_equal(w, other.classifier.params[name])


def test_weights_of_another_network_are_refused(train):
    training = OneShotTraining(RECIPES["paper"], train, seed=0)
    with pytest.raises(FileRefused, match="another network"):
        checkpoint.put_params(training.classifier.params, {"w": np.ones(3)})
