"""Training on the synthetic task: stages, episodes from an empty memory, resumed bit for bit, honest measuring."""

import dataclasses

import numpy as np
import pytest
from reference_models.tasks.synthetic import Synthetic
from reference_models.training import checkpoint
from reference_models.training.synthetic import seq2seq as training
from reference_models.training.synthetic.episodes import COPY, EVERYTHING, GOAL_ROUNDS, Stage
from reference_models.training.synthetic.seq2seq import Recipe, SyntheticSeq2Seq, both_sides
from refmem.storage import FileRefused

TASK = Synthetic(largest=30, longest=12)
TINY = dataclasses.replace(training.RECIPE, width=8, memory_size=2048, strings=12, query=dataclasses.replace(
    training.RECIPE.query, width=8), stages=(Stage(COPY, 4, 0.0), Stage(3, 4, 0.0), Stage(9, 8)))


def run(recipe=TINY, seed=3):
    return SyntheticSeq2Seq(recipe, TASK.train(80), seed=seed)


def state(run):
    saved = run.snapshot({})
    arrays = {f"{group}/{name}": array for group, named in (
        ("params", saved.params), ("first", saved.adam.first), ("second", saved.adam.second), *saved.extras.items())
        for name, array in named.items()}
    return arrays, saved.rng, [{k: v for k, v in p.items() if k != "tokens_a_second"} for p in saved.curve]


def test_a_resumed_run_takes_the_same_steps(tmp_path):
    whole, half = run(), run()
    spent = [i / 8 for i in range(8)]
    for at in spent:
        whole.advance(at)
    for at in spent[:4]:
        half.advance(at)
    checkpoint.save(tmp_path / "c.npz", half.snapshot({}))
    resumed = run(seed=9)
    resumed.resume(checkpoint.load(tmp_path / "c.npz", training.TASK))
    for at in spent[4:]:
        resumed.advance(at)
    (ours, rng, _), (wanted, wanted_rng, _) = state(resumed), state(whole)
    assert ours.keys() == wanted.keys() and rng == wanted_rng
    for name in ours:
        np.testing.assert_array_equal(ours[name], wanted[name], err_msg=name)


def test_copying_comes_first_and_leaves_the_memory_alone():
    some = run()
    figures = some.advance(0.0)
    assert figures["numbers"] == 0 and "digit_hits" not in figures
    assert (some.model.memory.state.values < 0).all()
    source, target = both_sides(some.examples, np.arange(5), copy=True)
    np.testing.assert_array_equal(source, target)


def test_an_episode_has_all_strings_of_its_numbers_and_an_empty_memory():
    some = run()
    some.stage = 1
    some.advance(0.3)
    assert some.slots and len(some.queue) < 40
    rng_numbers = []
    for _ in range(20):
        before = len(some.queue)
        rows = some.next(TINY.stages[1])
        if not before:
            assert (some.model.memory.state.values < 0).all()
            numbers = set(some.examples.numbers[np.concatenate([rows, some.queue])].tolist())
            assert len(numbers) == 3
            assert len(rows) + len(some.queue) == sum(int((some.examples.numbers == n).sum()) for n in numbers)
            rng_numbers.append(numbers)
    assert len({frozenset(numbers) for numbers in rng_numbers}) > 1


def test_the_faithful_run_never_clears_and_the_bare_one_has_no_memory():
    faithful = run(dataclasses.replace(training.PAPER, width=8, memory_size=512, strings=12))
    faithful.advance(0.0)
    filled = int((faithful.model.memory.state.values >= 0).sum())
    faithful.queue = faithful.queue[:0]  # a new round through the training set
    faithful.advance(0.5)
    faithful.finish()
    assert int((faithful.model.memory.state.values >= 0).sum()) > filled > 0
    bare = run(dataclasses.replace(training.NO_MEMORY, width=8, strings=12))
    assert bare.model.memory is None and "digit_hits" not in bare.advance(0.0)
    bare.finish()
    assert bare.right(TASK.test(10))[1] == {}


def test_at_the_end_the_training_set_is_written_and_zeroing_leaves_it_alone():
    some = run()
    some.stage = 1
    some.advance(0.3)
    some.finish()
    state_before = some.model.memory.state.copy()
    assert set(np.unique(state_before.sources)) <= set(range(-1, 80))
    asked = TASK.test(40)
    right, figures = some.right(asked)
    assert right.shape == (40,) and 0 < figures["confidence"] <= 1 and 0 <= figures["digit_hits"] <= 1
    zeroed, _ = some.right(asked, zeroed=True)
    source, target = both_sides(asked, np.arange(40))
    output, _ = some.model.forward(source, target, update=False, read=False)
    np.testing.assert_array_equal(zeroed, training.whole(output, 40))
    np.testing.assert_array_equal(some.model.memory.state.keys, state_before.keys)


def test_all_right_with_the_right_tokens_before_is_the_greedy_output():
    """`right` says of a network that has learnt something what writing token by token says."""
    task = Synthetic(largest=3, longest=9)
    some = SyntheticSeq2Seq(Recipe(width=24, stages=(Stage(EVERYTHING, 8),), memory=False, strings=64), task.train(60),
                            seed=0)
    for _ in range(15):
        some.advance(0.0)
    asked = task.draw(60, np.random.default_rng(8))
    right, _ = some.right(asked)
    source, target = both_sides(asked, np.arange(60))
    written = np.zeros_like(target)
    for step in range(target.shape[1]):
        best = []
        for token in range(1, training.VOCABULARY):  # the token that surprises least
            tried = written.copy()
            tried[:, step] = token
            output, _ = some.model.forward(source, tried, update=False)
            best.append(output.token_loss.reshape(60, step + 1)[:, -1])
        written[:, step] = np.argmin(best, axis=0) + 1
    written[np.cumsum(target == training.END, axis=1) - (target == training.END) > 0] = 0
    np.testing.assert_array_equal((written == target).all(axis=1), right)
    assert 0 < right.mean() < 1


def test_a_stage_ends_when_its_goal_is_reached_and_the_last_one_never():
    some = run(dataclasses.replace(TINY, stages=(Stage(COPY, 4, 0.0), Stage(3, 4, 0.9), Stage(9, 8, 0.0))))
    figures = [some.advance(0.0)["numbers"] for _ in range(GOAL_ROUNDS + 2)]
    assert figures == [0] * GOAL_ROUNDS + [3, 3] and some.stage == 1
    good = {"digit_hits": 0.95}
    some.curve = [good] * 3
    for _ in range(GOAL_ROUNDS - 3):
        assert some.stage == 1
        some.maybe_next_stage(TINY.stages[1], good)
    some.maybe_next_stage(some.recipe.stages[1], good)
    assert some.stage == 2 and len(some.queue) == 0
    for _ in range(9):
        some.maybe_next_stage(some.recipe.stages[2], good)
    assert some.stage == 2


def test_the_first_episodes_are_of_numbers_that_have_many_strings():
    some = run()
    for _ in range(30):
        rows = some.next(Stage(2, 4, often=4))
        assert all(len(some.of_number[int(n)]) >= 4 for n in some.examples.numbers[rows])
        some.queue = some.queue[:0]


def test_recipes_come_back_and_choices_are_made():
    for some in (training.RECIPE, training.NO_MEMORY, training.PAPER):
        assert Recipe.from_facts(some.as_facts()) == some
    assert training.recipe(memory=True, query="top", search="exact").query.source == "top"
    assert not training.recipe(memory=False).memory
    assert training.recipe(memory=True, faithful=True).query.source == "context"


def test_weights_of_another_network_are_refused(tmp_path):
    checkpoint.save(tmp_path / "c.npz", run().snapshot({}))
    other = run(dataclasses.replace(TINY, width=6))
    with pytest.raises(FileRefused, match="another network"):
        other.resume(checkpoint.load(tmp_path / "c.npz", training.TASK))
