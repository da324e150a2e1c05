"""What must hold of every memory that is read: hypothesis draws its size, its past and a batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drawn_memories import cases, quick, rounding
from support.memories import PROFILES, assert_unchanged, everything_in, holding, unit

from refmem.neighbours import exact


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
