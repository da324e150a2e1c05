"""The compiled exact search is the plain one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.points import lattice, sphere

from refmem.neighbours import exact
from refmem.neighbours.fused import Fused


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2 ** 32 - 1), m=st.integers(1, 300), batch=st.integers(0, 20), threads=st.integers(1, 3),
       dtype=st.sampled_from(["f4", "f8"]), share=st.floats(0, 1), data=st.data())
def test_the_same_slots_and_cosines_ties_included(seed, m, batch, threads, dtype, share, data):
    rng = np.random.default_rng(seed)
    keys, queries = lattice(rng, m, dtype), lattice(rng, batch, dtype)
    filled = rng.random(m) < share
    k = data.draw(st.integers(1, m))
    slots, cosines = Fused(keys, filled=filled, threads=threads).search(queries, k)
    wanted_slots, wanted_cosines = exact.search(queries, keys, k, filled=filled)
    assert slots.tolist() == wanted_slots.tolist()
    assert cosines.tolist() == wanted_cosines.tolist()


def test_cosines_agree_to_rounding():
    rng = np.random.default_rng(1)
    for dtype, allowed in (("f4", 1e-6), ("f8", 1e-14)):
        keys, queries = sphere(rng, 3000, 130, dtype), sphere(rng, 17, 130, dtype)
        _, cosines = Fused(keys).search(queries, 256)
        _, wanted = exact.search(queries, keys, 256)
        np.testing.assert_allclose(cosines, wanted, atol=allowed)
