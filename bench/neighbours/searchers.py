"""Those who search: ours, NumPy by itself, and the libraries of the `bench` extra, all behind the same three calls.

`search(queries, k) -> slots [B, k]`, `update(slots, keys)` (None where a library offers none), `nbytes()`. Keys are
float32 of unit length; the libraries are set to the inner product and searched with the given number of threads.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from refmem.neighbours import NAMES, make


class Searcher(NamedTuple):
    """One method over one array of keys."""

    search: Callable[[np.ndarray, int], np.ndarray]
    update: Callable[[np.ndarray, np.ndarray], object] | None
    nbytes: Callable[[], int | None]


Builder = Callable[[np.ndarray, int, int, float], Searcher]
"""(keys, threads, seed, seconds that building may take) -> Searcher; raises TooSlow."""

OURS = tuple(name for name in NAMES if name != "auto")
SLOW_TO_SEARCH = "hyperplanes"
"""Left out above 65536 slots unless asked for: it is there to be read, and takes minutes."""

PIECE, TRIAL = 2048, 5.0
"""Keys that a peer takes at a time, and seconds before its pace is judged."""


class TooSlow(Exception):
    """An index that would not be built in the time that it has."""


def piecewise(m: int, limit: float) -> Iterator[slice]:
    """Slices of 0..m-1, as long as the pace lets one hope to come to the end within `limit` seconds.

    An index that is built key by key becomes slower as it grows: whoever is too slow at the start stays so.
    """
    start = time.monotonic()
    for first in range(0, m, PIECE):
        passed = time.monotonic() - start
        if first and passed > min(TRIAL, limit) and passed * m / first > limit:
            raise TooSlow(f"after {passed:.0f} s {first} keys were in; the limit for all is {limit:g} s")
        yield slice(first, min(first + PIECE, m))


def numpy_alone(keys: np.ndarray, threads: int, seed: int, limit: float) -> Searcher:
    """One matrix product and argmax or argpartition: the least that an exact search in NumPy can do."""
    def search(queries: np.ndarray, k: int) -> np.ndarray:
        cosines = queries @ keys.T
        if k == 1:
            return cosines.argmax(axis=1)[:, None]
        best = np.argpartition(cosines, -k, axis=1)[:, -k:]
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    return Searcher(search, lambda slots, new: keys.__setitem__(slots, new), lambda: 0)


def ours(name: str) -> Builder:
    """An index of refmem."""
    def build(keys: np.ndarray, threads: int, seed: int, limit: float) -> Searcher:
        index = make(name, keys, seed=seed, threads=threads)
        return Searcher(lambda queries, k: index.search(queries, k)[0], index.update, index.nbytes)

    return build


def faiss_index(description: str) -> Builder:
    """An index of faiss. Those that cannot replace a vector have no update."""
    def build(keys: np.ndarray, threads: int, seed: int, limit: float) -> Searcher:
        import faiss

        faiss.omp_set_num_threads(threads)
        m, d = keys.shape
        lists = int(min(4 * np.sqrt(m), 4096))
        if description == "flat":
            index = faiss.IndexFlatIP(d)
        elif description == "lsh":
            index = faiss.IndexLSH(d, 256)
        else:
            index = faiss.index_factory(d, f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
            index.train(keys[np.random.default_rng(seed).choice(m, min(m, 40 * lists), replace=False)])
            index.nprobe = 64
            index.set_direct_map_type(faiss.DirectMap.Hashtable)  # so that a vector can be removed
        for rows in piecewise(m, limit) if description == "ivf" else (slice(None),):
            index.add(keys[rows])

        def update(slots: np.ndarray, new: np.ndarray) -> None:
            index.remove_ids(faiss.IDSelectorArray(slots))
            index.add_with_ids(new, slots)

        size = {"flat": keys.nbytes, "lsh": 32 * m, "ivf": keys.nbytes + 8 * m}[description]

        def search(queries: np.ndarray, k: int) -> np.ndarray:
            faiss.omp_set_num_threads(threads)
            slots: np.ndarray = index.search(queries, k)[1]
            return slots

        return Searcher(search, update if description == "ivf" else None, lambda: size)

    return build


def hnsw(keys: np.ndarray, threads: int, seed: int, limit: float) -> Searcher:
    """hnswlib with M = 16, ef = 128 or k."""
    import hnswlib

    m, d = keys.shape
    index = hnswlib.Index(space="ip", dim=d)
    index.init_index(max_elements=m, M=16, ef_construction=128, random_seed=seed)
    for rows in piecewise(m, limit):
        index.add_items(keys[rows], np.arange(rows.start, rows.stop), num_threads=threads)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        index.set_ef(max(128, k))
        slots: np.ndarray = index.knn_query(queries, k=k, num_threads=threads)[0].astype(np.int64)
        return slots

    return Searcher(search, lambda slots, new: index.add_items(new, slots, num_threads=threads), lambda: None)


def usearch(keys: np.ndarray, threads: int, seed: int, limit: float) -> Searcher:
    """usearch with its own defaults and an expansion of 128 or k."""
    from usearch.index import Index

    m, d = keys.shape
    index = Index(ndim=d, metric="ip", dtype="f32", expansion_search=128)
    for rows in piecewise(m, limit):
        index.add(np.arange(rows.start, rows.stop), keys[rows], threads=threads)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        index.expansion_search = max(128, k)
        found: Any = index.search(queries, k, threads=threads)
        return np.asarray(found.keys).reshape(len(queries), -1).astype(np.int64)

    def update(slots: np.ndarray, new: np.ndarray) -> None:
        index.remove(slots)
        index.add(slots, new, threads=threads)

    return Searcher(search, update, lambda: int(index.memory_usage))


BUILDERS: dict[str, Builder] = {
    "numpy": numpy_alone, **{name: ours(name) for name in OURS},
    "faiss-flat": faiss_index("flat"), "faiss-lsh": faiss_index("lsh"), "faiss-ivf": faiss_index("ivf"),
    "hnswlib": hnsw, "usearch": usearch,
}

PACKAGES = {"faiss-flat": "faiss", "faiss-lsh": "faiss", "faiss-ivf": "faiss", "hnswlib": "hnswlib",
            "usearch": "usearch"}
