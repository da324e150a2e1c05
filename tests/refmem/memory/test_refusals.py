"""What a memory refuses, in a sentence that names the argument, and leaves everything as it was."""

from dataclasses import replace

import numpy as np
import pytest
from support.memories import PROFILES, a_batch, assert_unchanged, everything_in, with_a_past

from refmem.memory import PAPER, TF2017, Memory

NAMES = sorted(PROFILES)


def lived(name):
    return with_a_past(PROFILES[name], np.random.default_rng(0), key_dim=4, memory_size=9, batch=3, classes=4,
                       steps=5)


X, Y = a_batch(np.random.default_rng(1), 3, 4, 4)
BAD_ROW = X.copy()
BAD_ROW[2, 1] = np.nan
ENDLESS = X.copy()
ENDLESS[1, 0] = np.inf

REFUSED = {
    "NaN in a query": (ValueError, "queries", dict(queries=BAD_ROW, labels=Y)),
    "infinity in a query": (ValueError, "queries", dict(queries=ENDLESS, labels=Y)),
    "NaN in a query that is only read": (ValueError, "queries", dict(queries=BAD_ROW)),
    "queries too wide": (ValueError, "queries.*4.*5", dict(queries=np.ones((3, 5)), labels=Y)),
    "queries too narrow": (ValueError, "queries.*4.*3", dict(queries=np.ones((3, 3)), labels=Y)),
    "one query without its batch": (ValueError, "queries", dict(queries=X[0], labels=Y[:1])),
    "queries of whole numbers": (TypeError, "queries", dict(queries=np.ones((3, 4), int), labels=Y)),
    "queries of half precision": (TypeError, "queries", dict(queries=X.astype(np.float16), labels=Y)),
    "queries in a list": (TypeError, "queries", dict(queries=X.tolist(), labels=Y)),
    "a negative label": (ValueError, "labels", dict(queries=X, labels=np.array([0, 1, -1]))),
    "labels of floats": (TypeError, "labels", dict(queries=X, labels=Y.astype(np.float64))),
    "too few labels": (ValueError, "labels", dict(queries=X, labels=Y[:2])),
    "labels in a matrix": (ValueError, "labels", dict(queries=X, labels=Y[:, None])),
    "labels in a list": (TypeError, "labels", dict(queries=X, labels=Y.tolist())),
    "oldest beyond the memory": (ValueError, "oldest", dict(queries=X, labels=Y, oldest=np.array([0, 1, 9]))),
    "oldest below zero": (ValueError, "oldest", dict(queries=X, labels=Y, oldest=np.array([0, 1, -1]))),
    "too few oldest": (ValueError, "oldest", dict(queries=X, labels=Y, oldest=np.array([0, 1]))),
    "oldest of floats": (TypeError, "oldest", dict(queries=X, labels=Y, oldest=np.array([0.0, 1.0, 2.0]))),
    "too few sources": (ValueError, "sources", dict(queries=X, labels=Y, sources=np.array([0, 1]))),
    "sources of floats": (TypeError, "sources", dict(queries=X, labels=Y, sources=np.array([0.0, 1.0, 2.0]))),
    "sources below -1": (ValueError, "sources", dict(queries=X, labels=Y, sources=np.array([0, 1, -2]))),
    "sources for nothing": (ValueError, "sources", dict(queries=X, sources=np.array([0, 1, 2]))),
    "oldest for nothing": (ValueError, "oldest", dict(queries=X, oldest=np.array([0, 1, 2]))),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_refused_batch_leaves_the_memory_as_it_was(name, case):
    error, words, arguments = REFUSED[case]
    memory = lived(name)
    before = everything_in(memory)
    with pytest.raises(error, match=words):
        memory.forward(**arguments)
    assert_unchanged(memory, before)


@pytest.mark.parametrize("name", NAMES)
def test_queries_are_widened_but_never_narrowed(name):
    memory = lived(name)
    narrow = X.astype(np.float32)
    for one, two in zip(memory.forward(narrow, Y, update=False)[0],
                        memory.forward(narrow.astype(np.float64), Y, update=False)[0], strict=True):
        np.testing.assert_array_equal(one, two)

    single = Memory(4, 9, profile=PROFILES[name], vocab_size=4, dtype=np.float32)
    before = everything_in(single)
    with pytest.raises(TypeError, match="queries must be float32"):
        single.forward(X, Y)
    assert_unchanged(single, before)


@pytest.mark.parametrize("label", [4, 1000])
def test_a_label_beyond_the_vocabulary_is_refused(label):
    memory = lived("tf2017")
    before = everything_in(memory)
    with pytest.raises(ValueError, match=f"labels.*0..3.*{label}"):
        memory.forward(X, np.array([0, 1, label]))
    assert_unchanged(memory, before)


def test_the_paper_has_a_vocabulary_only_if_it_is_given_one():
    Memory(4, 9).forward(X, np.array([0, 1, 1000]))
    with pytest.raises(ValueError, match="labels"):
        Memory(4, 9, vocab_size=5).forward(X, np.array([0, 1, 5]))


def test_the_released_code_takes_no_more_rows_than_slots():
    memory = Memory(4, 2, profile=TF2017, vocab_size=4)
    before = everything_in(memory)
    with pytest.raises(ValueError, match="2 slots.*3 rows"):
        memory.forward(X, Y)
    assert_unchanged(memory, before)


def test_the_released_code_cannot_drop_its_only_neighbour():
    memory = Memory(4, 1, profile=TF2017, vocab_size=4)
    with pytest.raises(ValueError, match="at least 2"):
        memory.forward(X)


@pytest.mark.parametrize("words, arguments", [
    ("key_dim", dict(key_dim=0, memory_size=3)),
    ("key_dim", dict(key_dim=2.5, memory_size=3)),
    ("memory_size", dict(key_dim=3, memory_size=0)),
    ("memory_size", dict(key_dim=3, memory_size=-1)),
    ("vocab_size", dict(key_dim=3, memory_size=3, profile=TF2017)),
    ("vocab_size", dict(key_dim=3, memory_size=3, profile=TF2017, vocab_size=0)),
])
def test_a_memory_of_no_size_is_refused(words, arguments):
    with pytest.raises(ValueError, match=words):
        Memory(**arguments)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, "object"])
def test_a_memory_of_another_dtype_is_refused(dtype):
    with pytest.raises(TypeError, match="dtype"):
        Memory(3, 3, dtype=dtype)


@pytest.mark.parametrize("name", NAMES)
def test_a_cotangent_of_the_wrong_shape_is_refused(name):
    memory = lived(name)
    output, cache = memory.forward(X, Y)
    with pytest.raises(ValueError, match="d_confidence"):
        memory.backward(cache, d_confidence=np.ones((3, output.confidence.shape[1] + 1)))
    with pytest.raises(TypeError, match="d_confidence"):
        memory.backward(cache, d_confidence=np.ones(output.confidence.shape, int))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field, bad", [
    ("keys", lambda a: a[:, :-1]), ("keys", lambda a: a.astype(np.float32)), ("keys", lambda a: a * np.nan),
    ("values", lambda a: a[:-1]), ("values", lambda a: a.astype(float)), ("values", lambda a: a * 0 - 2),
    ("ages", lambda a: a * 0 - 1), ("sources", lambda a: a * 0 - 2),
])
def test_a_state_that_is_none_of_this_memory_is_refused(name, field, bad):
    memory = lived(name)
    before = everything_in(memory)
    other = memory.state.copy()
    setattr(other, field, bad(getattr(other, field)))
    with pytest.raises((ValueError, TypeError), match=field):
        memory.state = other
    assert_unchanged(memory, before)


def test_a_profile_is_never_changed_in_place():
    with pytest.raises(AttributeError):
        PAPER.k = 3


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_no_rows_is_answered_with_no_rows(name):
    memory = lived(name)
    before = everything_in(memory)
    output, cache = memory.forward(X[:0], Y[:0])
    assert output.values.shape == (0,) and len(output.confidence) == len(output.cosines) == 0
    assert float(output.loss) == 0.0
    d_queries, d_params = memory.backward(cache, d_confidence=np.zeros_like(output.confidence))
    assert d_queries.shape == (0, 4) and not any(gradient.any() for gradient in d_params.values())
    assert_unchanged(memory, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_integers_of_other_programs_are_widened(name):
    memory = lived(name)
    before = everything_in(memory)
    memory.state = replace(memory.state, values=memory.state.values.astype(np.int32),
                           ages=memory.state.ages.astype(np.float32))
    assert_unchanged(memory, before)
    assert memory.state.values.dtype == memory.state.ages.dtype == np.int64
    with pytest.raises(TypeError, match="ages"):
        memory.state = replace(memory.state, ages=memory.state.ages + 0.5)


def test_a_value_beyond_the_vocabulary_is_refused():
    memory = Memory(3, 4, vocab_size=5)
    state = memory.state.copy()
    state.values[:2] = 4, 5
    with pytest.raises(ValueError, match=r"state.values must be in -1..4, got -1 to 5"):
        memory.state = state
    assert (memory.state.values == -1).all()
