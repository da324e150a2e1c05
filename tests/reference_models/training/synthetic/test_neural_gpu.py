"""The Extended Neural GPU on the synthetic task: it learns, asks its memory, resumes bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from reference_models.neural_gpu.extended_size import ExtendedSize
from reference_models.tasks.synthetic import Synthetic, digits
from reference_models.training.synthetic.episodes import AT_ONCE, COPY, EVERYTHING, Stage
from reference_models.training.synthetic.neural_gpu import (
    NO_MEMORY,
    PAPER,
    RECIPE,
    Recipe,
    SyntheticNeuralGPU,
    of_one_length,
    recipe,
)
from refmem.storage import FileRefused

TASK = Synthetic(largest=40, longest=9)
SIZE = ExtendedSize(maps=6, rows=2, query_rows="all", query_width=8, query_norm=True)
SMALL = replace(RECIPE, size=SIZE, strings=16, memory_size=4096, search="exact", shown=None,
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


def test_where_a_stage_cuts_strings_a_batch_is_of_one_length():
    task = Synthetic(largest=40, longest=30)
    stages = (Stage(COPY, 8, 0.0, longest=12), Stage(EVERYTHING, 8, longest=12))
    training = SyntheticNeuralGPU(replace(SMALL, stages=stages), task.train(60), seed=0)
    for stage in stages:
        for some in [training._some(stage) for _ in range(7)]:
            assert len(set(some.lengths)) == 1 and some.inputs.shape[1] == some.lengths[0] <= 12
    training.queue = training.queue[:0]
    episode = np.concatenate([training._some(stages[1]).numbers for _ in range(8)])
    assert sorted(episode) == sorted(training.examples.numbers)  # each string once


@pytest.mark.parametrize("count", [5, 30, 400])
def test_numbers_that_look_alike_share_their_first_or_their_last_digits(count):
    training = a_run()
    among = np.sort(np.random.default_rng(0).choice(np.arange(2, 16_001), 8000, replace=False))
    stage = Stage(count, 8, alike=1.0)
    numbers = training.numbers_of(among, stage)
    assert len(set(numbers)) == count and set(numbers) <= set(among)
    written = digits(numbers)
    firsts, lasts = ((written[:, None, part] == written[:, part]).all(axis=2).sum(axis=1) > 1
                     for part in (slice(0, 4), slice(3, 7)))
    assert (firsts | lasts).mean() > 0.95
    if count == 400:
        assert firsts.mean() > 0.2 and lasts.mean() > 0.2
    assert len(training.numbers_of(among[:3], stage)) == 3


def test_strings_of_one_length_go_together_each_once():
    lengths = np.random.default_rng(0).integers(8, 12, 200)
    batches = of_one_length(lengths, np.random.default_rng(0))
    assert all(len(set(lengths[rows])) == 1 and len(rows) <= AT_ONCE for rows in batches)
    assert sorted(np.concatenate(batches)) == list(range(200))


def test_the_training_set_is_shown_as_often_as_the_recipe_says():
    training = a_run(replace(SMALL, passes=2), rounds=5)
    shown, progress = [], []
    show = training.show
    training.show = lambda of_turn: (shown.append(int(training.model.memory.state.ages.max())), show(of_turn))
    training.finish(progress.append)
    assert shown[0] == 0 < shown[1], "the memory is cleared before the first pass alone"
    assert len(shown) == 2 and progress == sorted(progress) and progress[-1] == 1.0


def test_the_training_set_can_be_shown_in_pieces():
    training = a_run(replace(SMALL, shown=8), rounds=5)
    training.finish()
    assert training.model.memory.state.ages.max() > 0
    assert (training.model.memory.state.values >= 0).sum() <= 8 * 60


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
    for name, array in whole.model.statistics.items():
        np.testing.assert_array_equal(second.model.statistics[name], array)


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
