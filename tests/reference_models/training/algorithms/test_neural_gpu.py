"""Training on an algorithm: each piece acts where it is asked for, the run resumes bit for bit, and it learns."""

from dataclasses import replace

import numpy as np
import pytest

from reference_models.neural_gpu import CELLS, Size
from reference_models.neural_gpu.evaluation import answers
from reference_models.tasks.algorithms import TASKS
from reference_models.training import checkpoint
from reference_models.training.algorithms.neural_gpu import (
    TASK,
    AlgorithmTraining,
    Recipe,
    keep_of,
    loss_and_gradients,
)
from reference_models.training.clipping import global_norm
from refmem.arrays import to_host
from refmem.storage import FileRefused
from support.standin import standin

QUICK = Recipe(task="copy", size=Size(maps=6, rows=2), longest=4, batch=8, shards=1)


def trained(recipe, updates, seed=0):
    training = AlgorithmTraining(recipe, seed=seed)
    training.curve = [dict(training.advance(0.0)) for _ in range(updates)]
    return training


def test_it_learns_to_copy():
    training = trained(QUICK, 120)
    assert training.curve[-1]["reached"] == 4
    assert np.mean([point["error"] for point in training.curve[-20:]]) < 0.1
    assert np.mean([point["loss"] for point in training.curve[:5]]) > 5 * training.curve[-1]["loss"]


@pytest.mark.parametrize("change", [{"dropout": 0.1}, {"noise": 0.1}, {"sets": 3}, {"curriculum": "paper"},
                                    {"size": Size(maps=6, rows=2, cutoff="released")}], ids=str)
def test_each_piece_changes_the_run(change):
    plain, other = trained(QUICK, 12), trained(replace(QUICK, **change), 12)
    assert any(not np.array_equal(plain.trained[name], other.trained[name]) for name in plain.params)


def test_the_curriculum_asks_the_network_without_dropout():
    training = trained(QUICK, 120)  # copies all lengths
    training.recipe = replace(QUICK, dropout=0.5, adam=replace(QUICK.adam, rate=1e-12))
    curve = [training.advance(0.0) for _ in range(40)]
    assert np.mean([point["error"] for point in curve]) > 0.5
    assert curve[-1]["accuracy"] > 0.9


@pytest.mark.parametrize("change", [{}, {"dropout": 0.1, "noise": 0.1}, {"sets": 2, "longest": 2}], ids=str)
def test_a_run_on_another_device_takes_the_same_steps(change):
    here, there = (AlgorithmTraining(replace(QUICK, **change), seed=0, xp=xp) for xp in (np, standin))
    for _ in range(6):
        one, other = here.advance(0.0), there.advance(0.0)
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert [other[name] for name in ("length", "error", "images")] == [one[name]
                                                                           for name in ("length", "error", "images")]
    for name, weights in there.params.items():
        np.testing.assert_allclose(to_host(weights), here.params[name], rtol=1e-2, atol=1e-4)


def test_a_run_goes_on_on_another_device(tmp_path):
    run = trained(QUICK, 5)
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, run.snapshot({}))
    there = AlgorithmTraining(QUICK, seed=0, xp=standin)
    there.resume(checkpoint.load(path, TASK))
    checkpoint.save(path, there.snapshot({}))
    back = AlgorithmTraining(QUICK, seed=0)
    back.resume(checkpoint.load(path, TASK))
    for training in (run, back, there):
        training.advance(0.0)
    for name, weights in run.params.items():
        np.testing.assert_array_equal(back.params[name], weights)
        np.testing.assert_allclose(to_host(there.params[name]), weights, rtol=1e-2, atol=1e-4)


def test_the_answers_are_those_of_the_other_device():
    run = trained(QUICK, 120)
    inputs, _ = TASKS["copy"].batch(6, 30, np.random.default_rng(0))
    moved = {name: standin.asarray(weights) for name, weights in run.params.items()}
    np.testing.assert_array_equal(answers(moved, inputs, QUICK.size), answers(run.params, inputs, QUICK.size))


def test_relaxation_ends_with_one_set_when_the_curriculum_is_complete():
    training = AlgorithmTraining(replace(QUICK, sets=3, longest=2, pull=0.01, pull_growth=2.0), seed=0)
    assert training.params["gate_kernels"].shape[0] == 3
    for _ in range(100):
        training.advance(0.0)
        if training.curriculum.complete:
            break
    assert training.pull == 0.02
    assert all(array.shape[0] == 1 for group in (training.params, training.adam.first, training.adam.second)
               for array in (group[name] for name in CELLS))
    training.advance(0.0)


@pytest.mark.parametrize("change", [{}, {"sets": 2, "noise": 0.05, "dropout": 0.06}, {"spikes": 1.1}],
                         ids=str)
def test_a_resumed_run_takes_the_same_steps(change):
    recipe = replace(QUICK, **change)
    whole = trained(recipe, 14)
    first = trained(recipe, 6)
    saved = first.snapshot({})
    second = AlgorithmTraining(Recipe.from_facts(saved.settings["recipe"]), seed=saved.settings["seed"])
    second.resume(saved)
    for _ in range(8):
        second.advance(0.0)
    for name, array in whole.params.items():
        np.testing.assert_array_equal(second.params[name], array)
    assert second.curriculum.state() == whole.curriculum.state()
    assert second.usual == whole.usual and (whole.usual.norm > 0) == bool(recipe.spikes)


def test_a_spike_is_bound():
    training = AlgorithmTraining(replace(QUICK, spikes=2.0), seed=0)
    training.usual.norm = 1e-6
    training.advance(0.0)
    assert training.usual.norm == pytest.approx(1.05e-6)
    assert global_norm(training.adam.first) == pytest.approx(2e-6 * (1 - training.recipe.adam.beta1), rel=1e-4)


def test_the_weights_of_another_network_are_refused():
    saved = trained(QUICK, 1).snapshot({})
    with pytest.raises(FileRefused, match="weights of another network"):
        AlgorithmTraining(replace(QUICK, size=Size(maps=7, rows=2)), seed=0).resume(saved)


@pytest.mark.parametrize("notes", [{}, {"curriculum": {"reached": 1}, "pull": 1.0},
                                   {"curriculum": {"reached": 1, "error": 0.5}, "pull": None}], ids=str)
def test_a_checkpoint_that_lacks_its_curriculum_is_refused_and_changes_nothing(notes):
    saved = trained(QUICK, 1).snapshot({})
    saved.notes = notes
    training = AlgorithmTraining(QUICK, seed=0)
    before = {name: array.copy() for name, array in training.params.items()}
    with pytest.raises(FileRefused, match="lacks a part of a curriculum"):
        training.resume(saved)
    assert all(np.array_equal(training.params[name], array) for name, array in before.items())


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_shards_change_nothing_but_rounding(shards):
    training = AlgorithmTraining(QUICK, seed=0)
    params = {name: array.astype(np.float64) for name, array in training.params.items()}
    inputs, targets = TASKS["copy"].batch(4, 5, np.random.default_rng(0))
    loss, wrong, gradients = loss_and_gradients(params, inputs, targets, QUICK.size, shards=1)
    again = loss_and_gradients(params, inputs, targets, QUICK.size, shards=shards)
    assert again[0] == pytest.approx(loss, rel=1e-12) and again[1] == wrong
    for name, gradient in gradients.items():
        np.testing.assert_allclose(again[2][name], gradient, rtol=1e-9, atol=1e-12)


def test_batches_of_long_sequences_hold_fewer_of_them():
    recipe = replace(QUICK, batch=32, full_until=41)
    assert [recipe.batch_of(length) for length in (3, 41, 42, 82, 101, 10_000)] == [32, 32, 31, 16, 12, 1]
    curve = trained(replace(QUICK, full_until=1, curriculum="paper"), 12).curve
    assert {point["images"] for point in curve if point["length"] == 4} == {2}
    assert {point["images"] for point in curve if point["length"] == 1} == {8}


def test_each_batch_has_sums_of_three_kinds():
    run = AlgorithmTraining(replace(QUICK, task="badd", longest=61, chains=0.3), seed=0)
    d, counts = 30, []
    for _ in range(50):
        inputs, targets = run._examples(61, 32)
        assert inputs.shape == targets.shape == (32, 61)
        handed_on = inputs[:, :d] != inputs[:, d + 1:]
        longest = np.array([max(map(len, "".join(".x"[int(h)] for h in row).split("."))) for row in handed_on])
        counts.append([(longest >= d // 2 - 1).sum(), (longest < 8).sum()])
    far, short = np.mean(counts, axis=0) / 32
    assert 0.3 < far < 0.6  # 0.3 of them by rule, of the stretches of all lengths about two thirds as well
    assert 0.35 < short < 0.5  # nearly all random numbers
    assert np.std(counts, axis=0).max() < 6


def test_sequences_without_carries_are_random_only():
    run = AlgorithmTraining(QUICK, seed=0)
    inputs, targets = run._examples(4, 8)
    np.testing.assert_array_equal(inputs, targets)


def test_dropout_by_length():
    assert keep_of(0.09, 20) == keep_of(0.09, 41) == 0.91
    assert keep_of(0.15, 40, "released") == pytest.approx(1 - 8 * 0.15 / 40)
    assert keep_of(0.1, 36, "extended") == pytest.approx(1 - 0.3 / 6)
    assert keep_of(0.15, 1, "released") == 0.5


def test_the_rate_falls_at_the_end_of_the_budget():
    assert [QUICK.factor(spent) for spent in (0.0, 0.3, 0.65, 1.0)] == pytest.approx([1, 1, 0.51, 0.02])


@pytest.mark.parametrize(("change", "message"), [
    ({"task": "divide"}, "task must be one of badd, bmul, copy"), ({"sets": 0}, "sets must be at least 1"),
    ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"), ({"noise": -1.0}, "noise must be at least 0"),
    ({"spikes": 1.0}, "spikes must be more than 1 times"),
    ({"chains": 0.1}, "chains are carries of badd, and copy has none"),
    ({"task": "badd", "chains": 0.5}, r"chains must lie in \[0, 0.5\), got 0.5"),
    ({"dropout_rule": "x"}, "dropout_rule must be one of"), ({"task": "badd", "longest": 2}, "no examples of length 2"),
])
def test_what_is_no_recipe_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(QUICK, **change)
