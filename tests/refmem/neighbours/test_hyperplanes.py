"""The paper's hashing: what a bucket is, what probing does, and both devices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.points import near, sphere
from support.standin import standin

from refmem.memory import Memory
from refmem.neighbours import exact, make
from refmem.neighbours.hyperplanes import Hyperplanes


def test_a_bit_is_one_iff_the_key_is_on_the_positive_side():
    keys = sphere(np.random.default_rng(0), 200, 6)
    index = Hyperplanes(keys, tables=3)
    np.testing.assert_allclose(np.linalg.norm(index.hash_vectors, axis=2), 1)
    for table in range(3):
        for slot in range(200):
            bits = [int(sum(index.hash_vectors[table, i] * keys[slot]) > 0) for i in range(index.bits)]
            assert index.codes[table, slot] == sum(bit << i for i, bit in enumerate(bits))


def test_the_first_probe_is_the_own_bucket_and_each_other_turns_one_bit():
    rng = np.random.default_rng(1)
    index = Hyperplanes(sphere(rng, 500, 6), tables=4)
    probed = index._probed(index.keys[:20])
    assert (probed[:, :, 0] == index.codes[:, :20].T).all()
    turned = probed[:, :, 1:] ^ probed[:, :, :1]
    assert (np.sort(turned, axis=2) == 2 ** np.arange(index.bits)).all()
    certainty = np.abs(np.einsum("tld,bd->btl", index.hash_vectors, index.keys[:20]))
    in_order = np.take_along_axis(certainty, np.log2(turned).astype(int), axis=2)
    assert (np.diff(in_order, axis=2) >= 0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2 ** 32 - 1))
def test_more_probes_never_find_less(seed):
    rng = np.random.default_rng(seed)
    keys = sphere(rng, 2000, 24)
    queries = near(rng, keys, rng.integers(0, 2000, 20), 0.6)
    wanted, _ = exact.search(queries, keys, 1)
    found = [Hyperplanes(keys, tables=4, probes=probes).search(queries, 1)[0] == wanted for probes in (1, 2, 4, 7)]
    for less, more in zip(found, found[1:], strict=False):
        assert (more >= less).all()
    assert found[-1].sum() > found[0].sum()


def test_both_devices_find_the_same():
    rng = np.random.default_rng(2)
    keys, queries, filled = sphere(rng, 300, 8), sphere(rng, 5, 8), rng.random(300) < 0.8
    new, slots = sphere(rng, 3, 8), np.array([4, 9, 4])
    here = make("hyperplanes", keys.copy(), filled=filled)
    there = make("auto", standin.asarray(keys.copy()), filled=standin.asarray(filled))
    assert there.name == "exact"
    there = make("hyperplanes", standin.asarray(keys.copy()), filled=standin.asarray(filled))
    for _ in range(2):
        for a, b in zip(here.search(queries, 20), there.search(standin.asarray(queries), 20), strict=True):
            assert (a == b.get()).all()
        here.update(slots, new)
        there.update(standin.asarray(slots), standin.asarray(new))


def test_a_memory_on_the_other_device_lives_the_same_life():
    here, there = (Memory(8, 40, search="hyperplanes", xp=xp) for xp in (np, standin))
    rng = np.random.default_rng(3)
    for _ in range(10):
        queries, labels = sphere(rng, 4, 8), rng.integers(0, 5, 4)
        a, _ = here.forward(queries, labels)
        b, _ = there.forward(standin.asarray(queries), standin.asarray(labels))
        assert (a.neighbours == b.neighbours.get()).all()
    assert (here.state.keys == there.state.keys.get()).all()


def test_compiled_searches_stay_on_the_host():
    for name in ("fused", "sketch", "buckets"):
        with pytest.raises(TypeError, match=f"the {name} search needs NumPy keys"):
            make(name, standin.asarray(np.eye(4)))


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="tables must be"):
        Hyperplanes(np.eye(4), tables=0)
    with pytest.raises(ValueError, match="probes must be"):
        Hyperplanes(np.eye(4), probes=0)
