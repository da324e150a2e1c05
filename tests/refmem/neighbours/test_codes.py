"""Codes of keys: what they hold, what they tell, and that each kind of processor reads them alike."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.points import near, sphere

from refmem.neighbours import codes, make
from refmem.neighbours.sketch import Sketch

ROOT = Path(__file__).parents[3]


def coarse_code(index, slot):
    """The corners of the blocks of a slot, out of the halves of its bytes."""
    column = index.coarse[slot // 64, :, slot % 64]
    return np.stack([column & 15, column >> 4], axis=1).ravel()


@pytest.mark.parametrize("d, dtype", [(128, "f4"), (24, "f8"), (160, "f4")])
def test_a_code_is_what_the_page_says(d, dtype):
    keys = sphere(np.random.default_rng(0), 100, d, dtype)
    index = Sketch(keys, seed=4)
    y = keys.astype(float) @ codes.coding(d, 4).rotation.T
    for slot in range(100):
        for block, corner in enumerate(coarse_code(index, slot)):
            values = y[slot, 8 * block:8 * block + 8]
            largest = int(np.argmax(np.abs(values)))
            assert corner == 2 * largest + (values[largest] < 0)
        bits = np.unpackbits(index.fine[slot], bitorder="little")
        assert (bits == (y[slot] > 0)).all()


@pytest.mark.parametrize("d", [32, 128, 300])
@pytest.mark.parametrize("cosine", [0.9, 0.5, 0.1])
def test_scores_lie_where_the_page_says(d, cosine):
    rng = np.random.default_rng(1)
    keys = sphere(rng, 3000, d)
    queries = near(rng, keys, np.arange(3000), cosine)
    drawn = codes.coding(d, 0)
    y, r = keys @ drawn.rotation.T, queries @ drawn.rotation.T
    corners = codes.corners_of(y)
    coarse = (np.sign(y) * corners * r).sum(axis=1)
    guess = drawn.small * (np.sign(y) * r).sum(axis=1) + drawn.more * coarse
    for score, spread in ((coarse, drawn.coarse), (guess, drawn.guess)):
        assert abs(score.mean() - cosine * spread.mean) < 0.02 * spread.mean
        expected = np.sqrt(cosine ** 2 * spread.own + (1 - cosine ** 2) * spread.aside)
        assert abs(score.std() / expected - 1) < 0.1
    assert abs(drawn.guess.mean - 1) < 1e-9
    assert drawn.guess.aside < drawn.coarse.aside / drawn.coarse.mean ** 2  # the whole code tells more


def test_the_coarse_code_tells_more_than_as_many_signs():
    drawn = codes.coding(128, 0)
    keys, others = sphere(np.random.default_rng(2), 2000, 128), sphere(np.random.default_rng(3), 2000, 128)
    y, noise = keys @ drawn.rotation.T, others @ drawn.rotation.T

    def certainty(code):  # the mean score of a key itself, in standard deviations of any other
        return (code * y).sum(axis=1).mean() / (code * noise).sum(axis=1).std()

    corners, half = np.sign(y) * codes.corners_of(y), np.sign(y) * (np.arange(128) < 64)
    assert certainty(corners) > 1.1 * certainty(half)


PROGRAM = """
import json, numpy as np
from refmem.neighbours import make
rng = np.random.default_rng(6)
keys = rng.normal(size=(3000, 24)); keys /= np.linalg.norm(keys, axis=1, keepdims=True)
queries = keys[:40] + 0.2 * rng.normal(size=(40, 24)); queries /= np.linalg.norm(queries, axis=1, keepdims=True)
found = [make(name, keys).search(queries, 3)[0].tolist() for name in ("sketch", "buckets")]
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.parametrize("features", ["+ssse3,+sse3,+sse2", "+sse2"])
def test_a_processor_without_the_wide_lookup_finds_the_same(features, tmp_path):
    """Compiled for a lesser machine: lookups 16 at a time, and one by one."""
    lesser = dict(os.environ, NUMBA_CPU_NAME="x86-64", NUMBA_CPU_FEATURES=features, NUMBA_CACHE_DIR=str(tmp_path))
    found = [json.loads(subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, check=True,
                                       capture_output=True, text=True).stdout) for environment in (os.environ, lesser)]
    assert found[0] == found[1]


def test_the_same_seed_draws_the_same():
    codes.coding.cache_clear()
    one = codes.coding(40, 1)
    codes.coding.cache_clear()
    again, other = codes.coding(40, 1), codes.coding(40, 2)
    assert (one.rotation == again.rotation).all() and one[1:] == again[1:]
    assert (one.rotation != other.rotation).any()


def test_wide_keys_have_codes_of_bounded_length():
    keys = sphere(np.random.default_rng(7), 300, 700, "f4")
    for name in ("sketch", "buckets"):
        index = make(name, keys)
        assert index.fine.shape == (300, codes.MOST_COORDINATES // 8)
        assert (index.search(keys, 1)[0][:, 0] == np.arange(300)).all()
