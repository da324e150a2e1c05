"""The Extended Neural GPU on the synthetic task: it learns, asks its memory, resumes bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from reference_models.neural_gpu.extended import ExtendedSize
from reference_models.tasks.synthetic import Synthetic
from reference_models.training.synthetic_neural_gpu import NO_MEMORY, PAPER, RECIPE, Recipe, SyntheticNeuralGPU, recipe
from reference_models.training.synthetic_seq2seq import COPY, EVERYTHING, Stage
from refmem.storage import FileRefused

TASK = Synthetic(largest=40, longest=9)
SMALL = replace(RECIPE, size=ExtendedSize(maps=6, rows=2), strings=16, memory_size=4096, search="exact",
                stages=(Stage(COPY, 8, 0.0), Stage(4, 4, 0.6)))


def a_run(recipe=SMALL, rounds=0, seed=0, **options):
    training = SyntheticNeuralGPU(recipe, TASK.train(60), seed=seed, **options)
    for _ in range(rounds):
        training.curve.append(dict(training.advance(0.0)))
    return training


def test_the_stages_follow_and_the_figures_are_there():
    training = a_run(rounds=6)
    assert [point["numbers"] for point in training.curve] == [COPY] * 4 + [4, 4]
    assert "memory_loss" not in training.curve[0]
    assert {"loss", "accuracy", "images", "memory_loss", "digit_hits", "confidence"} <= training.curve[-1].keys()
    assert (training.model.memory.state.values >= 0).any()
    assert training.curve[5]["loss"] < training.curve[0]["loss"]


def test_in_the_end_the_memory_holds_the_training_set_and_can_be_zeroed():
    training = a_run(rounds=5)
    training.finish()
    state = training.model.memory.state
    assert len(state.values) == 4096 and (state.values >= 0).sum() > 50
    before = state.keys.copy()
    right, known = training.right(TASK.test(10))
    blank, nothing = training.right(TASK.test(10), zeroed=True)
    assert right.shape == blank.shape == (10,) and known["confidence"] > 0 and nothing["confidence"] == 0
    np.testing.assert_array_equal(training.model.memory.state.keys, before)


@pytest.mark.parametrize("memory", [True, False])
def test_a_resumed_run_takes_the_same_steps(memory):
    chosen = SMALL if memory else replace(SMALL, memory=False, stages=(Stage(EVERYTHING, 8),))
    whole, first = a_run(chosen, 6), a_run(chosen, 5)
    saved = first.snapshot({})
    second = SyntheticNeuralGPU(Recipe.from_facts(saved.settings["recipe"]), TASK.train(60), seed=0)
    second.resume(saved)
    second.advance(0.0)
    for name, array in whole.model.params.items():
        np.testing.assert_array_equal(second.model.params[name], array)


def test_without_a_memory_shards_change_nothing_but_rounding():
    chosen = replace(SMALL, memory=False, stages=(Stage(EVERYTHING, 8),))
    one, two = (a_run(chosen, shards=shards) for shards in (1, 2))
    some = one.examples.take(np.arange(8))
    results = [run._gradients(some.inputs, some.outputs, some.lengths, True) for run in (one, two)]
    assert results[1][0]["loss"] == pytest.approx(results[0][0]["loss"], rel=1e-5)
    for name, gradient in results[0][1].items():
        np.testing.assert_allclose(results[1][1][name], gradient, atol=1e-4 * np.abs(gradient).max())


def test_the_weights_of_another_network_are_refused():
    saved = a_run().snapshot({})
    with pytest.raises(FileRefused, match="weights of another network"):
        a_run(replace(SMALL, size=ExtendedSize(maps=5, rows=2))).resume(saved)


def test_recipes_by_what_was_asked():
    assert recipe(memory=True) is RECIPE and recipe(memory=True, faithful=True) is PAPER
    assert recipe(memory=False) is NO_MEMORY and recipe(memory=True, search="exact").search == "exact"
    assert Recipe.from_facts(RECIPE.as_facts()) == RECIPE
    with pytest.raises(ValueError, match="--query is a choice of seq2seq"):
        recipe(memory=True, query="context")
