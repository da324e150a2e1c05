"""Nothing hangs on how things are called: classes, slots, the length of a query."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_memories import cases, quick, rounding
from support.memories import PROFILES, holding, unit

from refmem.memory import EMPTY, PAPER, Memory


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
