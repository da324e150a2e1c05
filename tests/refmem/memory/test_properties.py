"""What must hold of every memory, whatever it is given: hypothesis draws its sizes, its past and the next batch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memories import PROFILES, a_batch, assert_unchanged, everything_in, holding, unit, with_a_past

from refmem.memory import EMPTY, PAPER, TF2017, Memory
from refmem.neighbours import exact

quick = settings(max_examples=40, deadline=None)


@st.composite
def cases(draw, profile=None, at_least_as_many_slots=True, **fixed):
    """A memory with a past, and a batch for it: (memory, queries, labels, classes)."""
    profile = profile or PROFILES[draw(st.sampled_from(sorted(PROFILES)))]
    batch = draw(st.integers(1, 5))
    smallest = 2 if profile is TF2017 else 1
    memory_size = draw(st.integers(max(smallest, batch if at_least_as_many_slots else 1), 12))
    classes, key_dim = draw(st.integers(1, 5)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    changes = {"k": draw(st.integers(smallest, 14)), "correct_in_top": draw(st.integers(1, 3))} | fixed
    memory = with_a_past(profile, rng, key_dim=key_dim, memory_size=memory_size, batch=batch, classes=classes,
                         steps=draw(st.integers(0, 6)), dtype=dtype, **changes)
    queries, labels = a_batch(rng, batch, key_dim, classes, dtype)
    return memory, queries, labels, classes


def projected(memory, queries):
    weights = memory.params.get("query_projection")
    return queries if weights is None else queries @ weights


def rounding(memory):
    return 200 * np.finfo(memory.dtype).eps


def last_writer(memory, labels):
    """For each slot the row of the batch that wrote it last, or -1: rows were given their number as source."""
    after = everything_in(memory)["sources"]
    return np.where(after < len(labels), after, -1)


# --- Writing --------------------------------------------------------------------------------------------------


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


# --- Reading --------------------------------------------------------------------------------------------------


@quick
@given(cases())
def test_reading_changes_nothing_and_is_repeatable(case):
    memory, queries, labels, _ = case
    before = everything_in(memory)
    rng = np.random.default_rng(0)
    given_queries, given_labels = queries.copy(), labels.copy()
    once, _ = memory.forward(queries)
    read, _ = memory.forward(queries, labels, update=False, rng=rng)
    again, _ = memory.forward(queries, labels, update=False, rng=rng)
    assert_unchanged(memory, before)
    wrote, _ = memory.forward(queries, labels)
    for one, two, three in zip(read, again, wrote, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)  # the answer is of before the update
    if memory.profile.rules == "paper":
        for one, two in zip(once[:4], read[:4], strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(queries, given_queries)
    np.testing.assert_array_equal(labels, given_labels)


@quick
@given(cases())
def test_an_answer_survives_later_writes(case):
    """What forward returns is no view of the memory."""
    memory, queries, labels, _ = case
    output, _ = memory.forward(queries, labels, update=False)
    kept = [np.array(part) for part in output]
    for _ in range(3):
        memory.forward(-queries, labels)
    for part, copy in zip(output, kept, strict=True):
        np.testing.assert_array_equal(part, copy)


@quick
@given(cases())
def test_confidence_is_a_distribution_and_follows_the_cosines(case):
    memory, queries, labels, _ = case
    output, _ = memory.forward(queries)
    cosines = output.cosines[:, :output.confidence.shape[1]]
    present = output.neighbours[:, :output.confidence.shape[1]] >= 0
    assert (output.confidence[~present] == 0).all() and (output.cosines[output.neighbours < 0] == -1).all()
    sums = output.confidence.sum(axis=1)
    np.testing.assert_allclose(sums[present.any(axis=1)], 1.0, atol=rounding(memory))
    assert (sums[~present.any(axis=1)] == 0).all()
    assert (np.diff(cosines, axis=1) <= rounding(memory)).all()
    assert (np.diff(output.confidence, axis=1) <= rounding(memory)).all()


@quick
@given(cases(), st.integers(0, 99))
def test_reading_looks_at_neither_ages_nor_sources(case, seed):
    memory, queries, labels, _ = case
    one, _ = memory.forward(queries, labels, update=False)
    rng = np.random.default_rng(seed)
    memory.state.ages[...] = rng.integers(0, 99, memory.memory_size)
    memory.state.sources[...] = rng.integers(-1, 99, memory.memory_size)
    two, _ = memory.forward(queries, labels, update=False)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PROFILES)), st.integers(2, 40), st.sampled_from([2, 5, 8, 16, 33]), st.integers(1, 17),
       st.sampled_from([np.float32, np.float64]), st.integers(0, 2**31))
def test_equal_keys_are_equally_near_and_go_by_the_lower_slot(name, m, d, batch, dtype, seed):
    """Equal to the last bit wherever they stand: a product of matrices alone does not give this."""
    rng = np.random.default_rng(seed)
    different = unit(rng.standard_normal((3, d)))
    which = rng.integers(0, 3, m)
    memory = holding(PROFILES[name], different[which], which + 1, dtype=dtype, k=int(rng.integers(2, m + 1)))
    output, _ = memory.forward(rng.standard_normal((batch, d)).astype(dtype))
    for slots, cosines in zip(output.neighbours, output.cosines, strict=True):
        for kind in range(3):
            of_kind = which[slots] == kind
            assert (np.diff(slots[of_kind]) > 0).all()
            assert (cosines[of_kind] == cosines[of_kind][:1]).all()
            if of_kind.any() and not (which[slots[-1]] == kind):
                assert of_kind.sum() == (which == kind).sum()  # cut nowhere but at the end
            np.testing.assert_array_equal(slots[of_kind], np.flatnonzero(which == kind)[:of_kind.sum()])


@pytest.mark.parametrize("name", sorted(PROFILES))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_equal_keys_the_lowest_slot_is_averaged(name, dtype):
    rng = np.random.default_rng(0)
    for d in (8, 16, 64):
        for m in (12, 33, 100):
            key = unit(rng.standard_normal(d))
            memory = holding(PROFILES[name], np.repeat(key[None], m, 0), [1] * m, dtype=dtype)
            queries = (key + 0.1 * rng.standard_normal((4, d))).astype(dtype)
            memory.forward(queries, np.ones(4, np.int64), sources=np.arange(4))
            assert memory.state.sources.tolist() == [3] + [-1] * (m - 1)


def test_an_empty_memory_costs_no_second_look(monkeypatch):
    """Its thousands of zero keys tie as they are; to compute their cosines again would take most of a step."""
    def second_look(*_):
        raise AssertionError("equal cosines were computed again")

    monkeypatch.setattr(exact, "inner_products", second_look)
    rng = np.random.default_rng(0)
    keys = np.zeros((500, 8), np.float32)
    keys[:3] = unit(rng.standard_normal((3, 8)))
    slots, _ = exact.search(unit(rng.standard_normal((4, 8))).astype(np.float32), keys, 40)
    for row in slots:
        zeros = row[row > 2]
        np.testing.assert_array_equal(zeros, np.arange(3, 3 + len(zeros)))


# --- Nothing hangs on how things are called -------------------------------------------------------------------


@quick
@given(cases(PAPER), st.data())
def test_classes_may_be_renamed(case, data):
    memory, queries, labels, classes = case
    names = np.array(data.draw(st.permutations(range(classes)))) + data.draw(st.integers(0, 5))
    values = memory.state.values
    renamed = holding(memory.profile, memory.state.keys, np.where(values == EMPTY, EMPTY, names[values]),
                      memory.state.ages, dtype=memory.dtype)
    output, cache = memory.forward(queries, labels)
    other, other_cache = renamed.forward(queries, names[labels])
    values = output.values
    np.testing.assert_array_equal(other.values, np.where(values == EMPTY, EMPTY, names[values]))
    for one, two in zip(output[1:], other[1:], strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(memory.backward(cache)[0], renamed.backward(other_cache)[0])
    np.testing.assert_array_equal(renamed.state.keys, memory.state.keys)
    np.testing.assert_array_equal(renamed.state.ages, memory.state.ages)
    values = memory.state.values
    np.testing.assert_array_equal(renamed.state.values, np.where(values == EMPTY, EMPTY, names[values]))


@quick
@given(cases(PAPER, at_least_as_many_slots=False), st.data())
def test_slots_may_be_reordered(case, data):
    """Where ages and cosines differ, so that no tie has to be broken by the number of a slot."""
    memory, queries, labels, classes = case
    m = memory.memory_size
    order = np.array(data.draw(st.permutations(range(m))))  # new slot i is the old slot order[i]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    memory.state.keys[...] = unit(rng.standard_normal(memory.state.keys.shape))
    memory.state.values[...] = rng.integers(0, classes, m)
    memory.state.ages[...] = 10 * rng.permutation(m)
    moved = holding(memory.profile, memory.state.keys[order], memory.state.values[order], memory.state.ages[order],
                    dtype=memory.dtype)
    output, cache = memory.forward(queries, labels)
    other, other_cache = moved.forward(queries, labels)
    gaps = -np.diff(output.cosines, axis=1)
    if gaps.size and gaps.min() < rounding(memory):
        return  # too close to call
    np.testing.assert_array_equal(order[other.neighbours], output.neighbours)
    np.testing.assert_array_equal(other.values, output.values)
    for one, two in ((output.cosines, other.cosines), (output.confidence, other.confidence),
                     (output.loss, other.loss), (memory.state.keys[order], moved.state.keys),
                     (memory.backward(cache)[0], moved.backward(other_cache)[0])):
        np.testing.assert_allclose(one, two, atol=40 * rounding(memory), rtol=40 * rounding(memory))
    np.testing.assert_array_equal(moved.state.values, memory.state.values[order])
    np.testing.assert_array_equal(moved.state.ages, memory.state.ages[order])


@quick
@given(cases(), st.floats(0.01, 1000))
def test_the_length_of_a_query_does_not_matter(case, scale):
    memory, queries, labels, _ = case
    output, _ = memory.forward(queries, labels, update=False)
    other, _ = memory.forward((queries * scale).astype(memory.dtype), labels, update=False)
    np.testing.assert_allclose(output.cosines, other.cosines, atol=10 * rounding(memory))


def test_a_new_memory_knows_nothing():
    for name, profile in PROFILES.items():
        memory = Memory(3, 4, profile=profile, vocab_size=5)
        assert not memory.state.keys.any() and not memory.state.ages.any(), name
        assert (memory.state.sources == -1).all() and (memory.state.values == profile.empty_value).all()
