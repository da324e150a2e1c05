"""Cross-polytope buckets: everybody stands in exactly one place, and more probes find no less."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.points import near, sphere

from refmem.neighbours import exact
from refmem.neighbours.buckets import PAGE, Buckets

SEEDS = st.integers(0, 2 ** 32 - 1)


def corner(y):
    """The nearest corner of the cross-polytope: which axis, and which side."""
    axis = int(np.argmax(np.abs(y)))
    return 2 * axis + int(y[axis] < 0)


def stands_right(index):
    """Each written slot is in the one bucket that its key asks for, once, and each page is in one chain."""
    tables, h = index.tables, index.h
    seen, pages = {}, []
    for bucket, page in enumerate(tables.first):
        first = True
        while page >= 0:
            assert tables.owner[page] == bucket
            assert 0 < tables.sizes[page] <= PAGE
            assert first or tables.sizes[page] == PAGE
            for column in range(tables.sizes[page]):
                slot = tables.slots[page, column]
                assert slot not in seen
                assert tables.places[slot] == page * PAGE + column
                seen[slot] = bucket
            pages.append(page)
            page, first = tables.following[page], False
    page = tables.free[0]
    while page < len(tables.sizes):
        pages.append(page)
        page = tables.following[page]
    assert sorted(pages) == list(range(len(tables.sizes)))
    assert sorted(seen) == np.flatnonzero(index.filled).tolist()
    for slot, bucket in seen.items():
        y = index.measure[0] @ index.keys[slot]
        assert bucket == 2 * h * corner(y[:h]) + corner(y[h:2 * h])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, m=st.integers(1, 400), steps=st.lists(st.integers(1, 40), max_size=5))
def test_everybody_stands_in_the_bucket_of_the_current_key(seed, m, steps):
    rng = np.random.default_rng(seed)
    keys, filled = sphere(rng, m, 8), rng.random(m) < 0.5
    keys[rng.random(m) < 0.5] = keys[0]  # a bucket of several pages
    index = Buckets(keys, filled=filled)
    stands_right(index)
    for rows in steps:
        new = sphere(rng, rows, 8)
        new[rng.random(rows) < 0.3] = keys[0]
        index.update(rng.integers(0, m, rows), new)
        stands_right(index)


def test_more_probes_never_find_less():
    rng = np.random.default_rng(5)
    keys = sphere(rng, 4000, 32, "f4")
    queries = near(rng, keys, rng.integers(0, 4000, 1024), 0.5)
    wanted, _ = exact.search(queries, keys, 5)
    recall = [np.mean([np.isin(row, right).mean() for row, right in
                       zip(Buckets(keys, probes=probes).search(queries, 5)[0], wanted, strict=True)])
              for probes in (1, 4, 16, 48, 64)]
    assert recall == sorted(recall)
    assert recall[-1] > recall[0]


def test_bad_probes_are_refused():
    with pytest.raises(ValueError, match="probes must be"):
        Buckets(np.eye(4), probes=0)
