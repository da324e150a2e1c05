"""The compiled and the approximate searches beside `exact`, with one stored key at cosine 0.7 of every query.

Agreement is the share of queries with the same nearest neighbour; the difference is the largest one between the
cosines of the same slots.
"""

import numpy as np

from refmem.arrays import Array
from refmem.cli.fast_paths.clock import medians
from refmem.neighbours import exact, make

MUST_AGREE = {"fused": 1.0, "hyperplanes": 0.90, "sketch": 0.98, "buckets": 0.95}
MUST_DIFFER_LESS = 1e-5
KEY_DIM, QUERIES, BATCH = 128, 256, 16
SLOW_FROM = 65537
"""Slots from which `hyperplanes`, which is there to be read, is left out."""


def names(slots: int) -> list[str]:
    """The searches that are measured at this size."""
    return [f"neighbours.{name}" for name in MUST_AGREE if name != "hyperplanes" or slots < SLOW_FROM]


class Searches:
    """Keys and queries to try the searches on.

    Parameters
    ----------
    slots, neighbours : int
        m and k.
    threads : int
        Of the searches.
    seed : int
        Of the keys and queries, and of what an index draws.
    """

    def __init__(self, slots: int, neighbours: int, threads: int, seed: int) -> None:
        if slots < BATCH:
            raise ValueError(f"--memory-size must be at least {BATCH}, got {slots}")
        rng = np.random.default_rng(seed)
        self.keys = unit(rng.normal(size=(slots, KEY_DIM)))
        planted = self.keys[rng.integers(0, slots, QUERIES)]
        aside = rng.normal(size=planted.shape)
        aside = unit(aside - (aside * planted).sum(axis=1, keepdims=True) * planted)
        self.queries = unit(0.7 * planted + np.sqrt(1 - 0.7 ** 2) * aside)
        self.k, self.threads, self.seed = neighbours, threads, seed
        self.wanted, _ = exact.search(self.queries, self.keys, neighbours)

    def row(self, name: str) -> dict[str, object]:
        """What one of `names` comes to."""
        short = name.removeprefix("neighbours.")
        index = make(short, self.keys, seed=self.seed, threads=self.threads)
        slots, cosines = index.search(self.queries, self.k)
        agreement = float((slots[:, 0] == self.wanted[:, 0]).mean())
        recomputed = np.einsum("bd,bkd->bk", self.queries.astype(np.float64), self.keys[slots].astype(np.float64))
        difference = float(np.abs(recomputed - cosines).max())
        batch = self.queries[:BATCH]
        plain_ms, fast_ms = medians(lambda: exact.search(batch, self.keys, self.k),
                                    lambda: index.search(batch, self.k))
        return {"twin": name, "plain": "neighbours.exact", "agreement": agreement, "must_agree": MUST_AGREE[short],
                "difference": difference, "must_differ_less": MUST_DIFFER_LESS, "plain_ms": plain_ms, "ms": fast_ms,
                "ratio": plain_ms / fast_ms, "bytes_of_keys": index.nbytes() / self.keys.nbytes,
                "agrees": agreement >= MUST_AGREE[short] and difference <= MUST_DIFFER_LESS}


def unit(x: Array) -> Array:
    """Rows of length 1, in float32."""
    scaled: Array = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return scaled
