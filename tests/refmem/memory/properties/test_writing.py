"""What must hold of every memory that is written to: hypothesis draws its size, its past and a batch."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_memories import cases, last_writer, projected, quick, rounding
from support.memories import everything_in, holding, unit

from refmem.memory import EMPTY, PAPER


@quick
@given(cases())
def test_written_keys_have_unit_length(case):
    memory, queries, labels, _ = case
    memory.forward(queries, labels)
    lengths = np.linalg.norm(memory.state.keys, axis=1)
    empty = ~memory.state.keys.any(axis=1)
    np.testing.assert_allclose(lengths[~empty], 1.0, atol=rounding(memory))
    if memory.profile.rules == "paper":
        np.testing.assert_array_equal(empty, memory.state.values == EMPTY)


@quick
@given(cases())
def test_each_row_writes_one_slot_and_every_other_slot_only_ages(case):
    memory, queries, labels, _ = case
    memory.state.sources[...] = -1
    before = everything_in(memory)
    batch = len(labels)
    memory.forward(queries, labels, sources=np.arange(batch))
    writer = last_writer(memory, labels)
    state, untouched = memory.state, writer < 0

    written = writer[~untouched].tolist()
    assert 1 <= len(written) == len(set(written)) <= batch  # a row has one slot, a slot one last writer
    assert batch - 1 in written  # nobody comes after the last row
    np.testing.assert_array_equal(state.keys[untouched], before["keys"][untouched])
    np.testing.assert_array_equal(state.values[untouched], before["values"][untouched])
    row_by_row = memory.profile.rules == "paper"
    elapsed = batch if row_by_row else 1
    np.testing.assert_array_equal(state.ages[untouched], before["ages"][untouched] + elapsed)
    q = unit(projected(memory, queries).astype(np.float64))
    for slot in np.flatnonzero(~untouched):
        row = writer[slot]
        assert state.ages[slot] == (batch - 1 - row if row_by_row else 0)
        appended = np.abs(state.keys[slot] - q[row]).max() < rounding(memory)
        averaged = np.abs(state.keys[slot] - unit(q[row] + before["keys"][slot])).max() < 10 * rounding(memory)
        assert appended or averaged
        if row_by_row or not averaged:
            assert state.values[slot] == labels[row]
        else:
            assert state.values[slot] == before["values"][slot] or appended


@quick
@given(cases(), st.data())
def test_one_row_alone_averages_or_evicts_the_oldest(case, data):
    memory, queries, labels, classes = case
    memory.state.ages[...] = data.draw(st.permutations(range(memory.memory_size)))
    before = everything_in(memory)
    output, _ = memory.forward(queries[:1], labels[:1], sources=np.array([0]))
    slot = int(np.flatnonzero(last_writer(memory, labels[:1]) == 0)[0])
    top = output.neighbours[0, :memory.profile.correct_in_top]
    values = np.where(top >= 0, before["values"][top], EMPTY - 1)
    if (values == labels[0]).any():
        assert slot in output.neighbours[0]
        if memory.profile.rules == "paper":
            assert slot == top[(values == labels[0]).argmax()]
    else:
        assert slot == before["ages"].argmax()


@quick
@given(cases(), st.data())
def test_only_the_oldest_are_evicted(case, data):
    """No slot that a batch of strangers leaves alone was older than one that it took."""
    memory, queries, labels, _ = case
    memory.state.ages[...] = data.draw(st.lists(st.integers(0, 9), min_size=memory.memory_size,
                                                max_size=memory.memory_size))
    memory.state.values[memory.state.values >= 0] = 0
    before = everything_in(memory)
    strangers = np.full(len(labels), 1)
    quiet = replace(memory.profile, age_noise=0.0)
    fresh = holding(quiet, before["keys"], before["values"], before["ages"], dtype=memory.dtype)
    fresh.forward(queries, strangers, sources=np.arange(len(labels)))
    writer = last_writer(fresh, strangers)
    expected = np.argsort(-before["ages"], kind="stable")[:len(labels)]  # ties: the lower slot
    np.testing.assert_array_equal(writer[expected], np.arange(len(labels)))
    assert (writer >= 0).sum() == len(labels)


@quick
@given(cases(at_least_as_many_slots=False, profile=PAPER))
def test_strangers_one_at_a_time_or_as_a_batch_are_stored_alike(case):
    """Rows that meet nobody they know do not depend on one another, so the order of rows is all that counts."""
    memory, queries, labels, _ = case
    strangers = np.arange(len(labels)) + 100
    alone = holding(memory.profile, memory.state.keys, memory.state.values, memory.state.ages, dtype=memory.dtype)
    memory.state.sources[...] = -1
    memory.forward(queries, strangers)
    for query, stranger in zip(queries, strangers, strict=True):
        # Nobody is known: a later row must not find what an earlier one has just stored under its own label.
        alone.forward(query[None], np.array([stranger]))
    np.testing.assert_array_equal(memory.state.values, alone.state.values)
    np.testing.assert_array_equal(memory.state.ages, alone.state.ages)
    np.testing.assert_allclose(memory.state.keys, alone.state.keys, atol=rounding(memory))


@quick
@given(cases())
def test_of_two_equal_right_rows_the_last_one_counts(case):
    memory, queries, labels, _ = case
    twice = np.concatenate([queries[:1], queries[:1]])
    output, _ = memory.forward(twice, labels[[0, 0]], update=False)
    top = output.neighbours[0, :memory.profile.correct_in_top]
    if memory.profile.rules == "tf2017" or not (memory.state.values[top[top >= 0]] == labels[0]).any():
        return
    memory.forward(twice, labels[[0, 0]], sources=np.array([0, 1]))
    writer = last_writer(memory, labels[[0, 0]])
    assert (writer == 1).sum() == 1 and (writer == 0).sum() == 0
