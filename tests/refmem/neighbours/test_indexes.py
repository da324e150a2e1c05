"""What every index promises (`refmem/neighbours/protocol.py`), held against the exact search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.points import lattice, near, sphere

from refmem.neighbours import NAMES, exact, make

INDEXES = [name for name in NAMES if name != "auto"]
APPROXIMATE = [name for name in INDEXES if name not in ("exact", "fused")]
SEEDS = st.integers(0, 2 ** 32 - 1)

each_index = pytest.mark.parametrize("name", INDEXES)


def is_sound(index, keys, filled, queries, k):
    """Sorted, ties by slot, without duplicates, only written slots, the cosines of the current keys, full rows."""
    slots, cosines = index.search(queries, k)
    assert slots.shape == cosines.shape == (len(queries), k)
    assert slots.dtype == np.int64 and cosines.dtype == keys.dtype
    for row, row_cosines, query in zip(slots, cosines, queries, strict=True):
        found = row[row >= 0].tolist()
        assert len(found) == len(set(found)) == min(k, filled.sum())
        assert (row[len(found):] == exact.ABSENT_SLOT).all()
        assert (row_cosines[len(found):] == exact.ABSENT_COSINE).all()
        assert filled[found].all()
        np.testing.assert_allclose(row_cosines[:len(found)], keys[found] @ query, atol=1e-6)
        order = sorted(range(len(found)), key=lambda i: (-row_cosines[i], found[i]))
        assert order == list(range(len(found)))
    return slots, cosines


@each_index
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, m=st.integers(1, 200), d=st.sampled_from([1, 3, 8, 33]), dtype=st.sampled_from(["f4", "f8"]),
       share=st.floats(0, 1), data=st.data())
def test_answers_are_sound(name, seed, m, d, dtype, share, data):
    rng = np.random.default_rng(seed)
    keys, queries = sphere(rng, m, d, dtype), sphere(rng, 3, d, dtype)
    filled = rng.random(m) < share
    k = data.draw(st.integers(1, m))
    is_sound(make(name, keys, filled=filled), keys, filled, queries, k)


@each_index
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, m=st.integers(1, 150), steps=st.lists(st.integers(1, 5), max_size=6), tied=st.booleans())
def test_any_interleaving_equals_an_index_made_anew(name, seed, m, steps, tied):
    rng = np.random.default_rng(seed)
    points = (lambda n: lattice(rng, n)) if tied else (lambda n: sphere(rng, n, 6))
    keys = np.zeros_like(points(m))
    filled = np.zeros(m, bool)
    index = make(name, keys, filled=filled, seed=3)
    for rows in steps:
        slots, written = rng.integers(0, m, rows), points(rows)
        index.update(slots, written)
        filled[slots] = True
        for slot, key in zip(slots, written, strict=True):  # the last row wins
            last = key
            assert slot >= 0
            keys_there = index.keys[slot]
            assert any((keys_there == other).all() for other in written[slots == slot])
        assert (index.keys[slots[-1]] == last).all()
        queries, k = points(2), int(rng.integers(1, m + 1))
        slots_now, cosines_now = is_sound(index, index.keys, filled, queries, k)
        anew = make(name, index.keys.copy(), filled=filled, seed=3)
        slots_anew, cosines_anew = anew.search(queries, k)
        assert slots_now.tolist() == slots_anew.tolist()
        assert cosines_now.tolist() == cosines_anew.tolist()


@each_index
def test_every_slot_is_found_by_its_own_key(name):
    rng = np.random.default_rng(4)
    keys = sphere(rng, 5000, 16, "f4")
    keys[0] = np.eye(16)[3]
    keys[1000:2000] = keys[0]  # a thousand of one kind, whose inner products are exact
    index = make(name, keys)
    slots, cosines = index.search(keys, 1)
    assert (slots[:, 0] == np.where((np.arange(5000) >= 1000) & (np.arange(5000) < 2000), 0, np.arange(5000))).all()
    np.testing.assert_allclose(cosines, 1, atol=1e-5)
    slots, _ = index.search(keys[:1], 1001)
    assert slots[0].tolist() == [0, *range(1000, 2000)]


@each_index
def test_a_rewritten_slot_is_found_by_its_new_key_only(name):
    rng = np.random.default_rng(5)
    keys = sphere(rng, 3000, 16)
    index = make(name, keys)
    old, slots, new = keys[[7, 8, 7]], np.array([7, 8, 7]), sphere(rng, 3, 16)
    index.update(slots, new)
    found, cosines = index.search(new, 1)
    assert found[1:, 0].tolist() == [8, 7]
    found, cosines = index.search(old, 1)
    assert (found[:, 0] != [7, 8, 7]).all() and (cosines < 0.99).all()


@each_index
def test_bad_input_is_refused_and_leaves_the_index_as_it_was(name):
    rng = np.random.default_rng(6)
    keys = sphere(rng, 300, 8)
    index = make(name, keys)
    queries, kept = sphere(rng, 4, 8), keys.copy()
    before = index.search(queries, 5)
    zero, nan = np.zeros((1, 8)), np.full((1, 8), np.nan)
    for call, kind, sentence in [
        (lambda: index.search(queries, 301), ValueError, "k must lie between 1 and the 300 slots"),
        (lambda: index.search(queries, 0), ValueError, "k must lie"),
        (lambda: index.search(queries[:, :7], 1), ValueError, "queries must be 8 wide"),
        (lambda: index.search(queries[0], 1), ValueError, "queries must have 2 dimensions"),
        (lambda: index.search(nan, 1), ValueError, "queries must be finite"),
        (lambda: index.search(zero, 1), ValueError, "queries must have rows of length 1, got length 0"),
        (lambda: index.search(2 * queries, 1), ValueError, "queries must have rows of length 1, got length 2"),
        (lambda: index.search(queries.astype("f4"), 1), TypeError, "queries must be float64"),
        (lambda: index.update(np.array([300]), queries[:1]), ValueError, "slots must lie in 0..299"),
        (lambda: index.update(np.array([0, -1]), queries[:2]), ValueError, "slots must lie in 0..299"),
        (lambda: index.update(np.array([0.0]), queries[:1]), TypeError, "slots must be integers"),
        (lambda: index.update(np.array([0]), queries[:2]), ValueError, "keys must have shape"),
        (lambda: index.update(np.array([0]), 2 * queries[:1]), ValueError, "keys must have rows of length 1"),
        (lambda: index.update(np.array([0, 1]), np.concatenate([queries[:1], nan])), ValueError, "must be finite"),
        (lambda: index.update(np.array([0]), queries[:1].astype("f4")), TypeError, "keys must be float64"),
        (lambda: index.rebuild(2 * keys), ValueError, "keys must have rows of length 1"),
        (lambda: index.rebuild(keys, np.ones(3, bool)), ValueError, "filled must be bool"),
        (lambda: index.rebuild(keys.astype(int)), TypeError, "keys must be float32 or float64"),
    ]:
        with pytest.raises(kind, match=sentence):
            call()
        assert (keys == kept).all()
        after = index.search(queries, 5)
        assert (after[0] == before[0]).all() and (after[1] == before[1]).all()


@each_index
def test_the_queries_are_not_changed_and_no_rows_are_fine(name):
    rng = np.random.default_rng(7)
    keys, queries = sphere(rng, 100, 8), sphere(rng, 5, 8)
    index, kept = make(name, keys), queries.copy()
    index.search(queries, 3)
    assert (queries == kept).all()
    slots, cosines = index.search(queries[:0], 3)
    assert slots.shape == cosines.shape == (0, 3)
    index.update(np.zeros(0, int), queries[:0])
    assert index.search(queries, 3)[0].shape == (5, 3)


@pytest.mark.parametrize("name", APPROXIMATE)
def test_the_same_seed_gives_the_same_answers_and_another_an_index_of_its_own(name):
    rng = np.random.default_rng(8)
    keys, queries = sphere(rng, 20_000, 64), sphere(rng, 40, 64)
    one, same, other = (make(name, keys, seed=seed).search(queries, 20)[0] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize("name", ["fused", "sketch"])
def test_threads_change_nothing(name):
    rng = np.random.default_rng(9)
    keys = sphere(rng, 2000, 24, "f4")
    queries = near(rng, keys, rng.integers(0, 2000, 37), 0.6)
    alone, together = (make(name, keys, threads=threads).search(queries, 9) for threads in (1, 3))
    assert (alone[0] == together[0]).all() and (alone[1] == together[1]).all()


@pytest.mark.parametrize("name", APPROXIMATE)
def test_planted_neighbours_are_found(name):
    rng = np.random.default_rng(10)
    keys = sphere(rng, 8192, 64, "f4")
    slots = rng.integers(0, 8192, 500)
    recall = {cosine: (make(name, keys).search(near(rng, keys, slots, cosine), 1)[0][:, 0] == slots).mean()
              for cosine in (0.9, 0.7)}
    assert recall[0.9] >= 0.99
    assert recall[0.7] >= 0.97


def test_an_unknown_search_is_refused():
    with pytest.raises(ValueError, match="search must be one of exact, .*, got 'nearest'"):
        make("nearest", np.eye(4))
    with pytest.raises(ValueError, match="threads must be"):
        make("sketch", np.eye(4), threads=0)


def test_the_command_line_offers_the_same_names():
    from reference_models.cli.options import SEARCHES

    assert set(SEARCHES) == set(NAMES)
