"""The rules of an index, and a life that shows whether they are kept: by ours, or by anybody's.

`broken(build)` takes a function that makes an index over keys, lives through rounds of updates and searches with it
and returns the rules that it broke, each with where it was seen. An index that keeps them all may still miss
neighbours; how many is a matter of measurement (`python -m bench neighbours`).
"""

from collections.abc import Callable

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.protocol import Neighbours

RULES = {
    "index.sorted": "the nearest comes first; equal cosines by increasing slot",
    "index.distinct": "no slot is returned twice",
    "index.current-keys": "a cosine is that of the query and the key as it stands in the slot now",
    "index.written-only": "a slot that was never written is not returned",
    "index.full-rows": "fewer than k are returned only where fewer are written; the rest is -1 with cosine -1",
    "index.own-key": "every written slot is found by its own key",
    "index.anew": "after any updates the answers are those of an index made anew",
}

ROUNDED = 1e-5
"""By how much two ways to compute a cosine may differ."""


def broken(build: Callable[[Array, Array], Neighbours], *, seed: int = 0, m: int = 600, d: int = 16, rounds: int = 8,
           rows: int = 24, k: int = 10) -> dict[str, str]:
    """The rules that an index breaks.

    Parameters
    ----------
    build : (keys [m, d] float64, filled [m] bool) -> index
        `filled` says which slots are written. Called again for each comparison with an index made anew.
    seed, m, d, rounds, rows, k : int
        Of the life: `rounds` times `rows` slots are rewritten, some twice, some with equal keys.

    Returns
    -------
    dict
        Rule -> where it was first seen broken. Empty for a sound index.
    """
    rng = np.random.default_rng(seed)
    keys, filled = np.zeros((m, d)), np.arange(m) < m // 3
    keys[filled] = _unit(rng.normal(size=(m // 3, d)))
    index = build(keys, filled.copy())
    seen: dict[str, str] = {}
    for turn in range(rounds):
        slots = rng.integers(0, m, rows)
        slots[1] = slots[0]  # the last row wins
        new = _unit(rng.normal(size=(rows, d)))
        new[3] = new[2]  # equal keys in two slots
        index.update(slots, new)
        for slot, key in zip(slots, new, strict=True):
            keys[slot] = key
        filled[slots] = True
        queries = np.concatenate([_unit(rng.normal(size=(4, d))), new[2:4], keys[slots[:1]]])
        for wanted in (k, m):
            for rule, what in _judge(index, build, keys, filled, queries, wanted).items():
                seen.setdefault(rule, f"round {turn + 1}, k = {wanted}: {what}")
    return seen


def _judge(index: Neighbours, build: Callable[[Array, Array], Neighbours], keys: Array, filled: Array,
           queries: Array, k: int) -> dict[str, str]:
    """The rules broken by one search, and by looking for every written slot."""
    seen: dict[str, str] = {}
    slots, cosines = index.search(queries, k)
    for b, (row, row_cosines) in enumerate(zip(slots, cosines, strict=True)):
        found = row[row >= 0]
        if len(found) != min(k, int(filled.sum())) or (row[len(found):] != -1).any() \
                or (row_cosines[len(found):] != -1).any():
            seen["index.full-rows"] = f"query {b} got {len(found)} slots"
        if len(set(found.tolist())) < len(found):
            seen["index.distinct"] = f"query {b} got {sorted(found.tolist())}"
        if not filled[found].all():
            seen["index.written-only"] = f"query {b} got slot {int(found[~filled[found]][0])}"
        if np.abs(keys[found] @ queries[b] - row_cosines[:len(found)]).max(initial=0) > ROUNDED:
            seen["index.current-keys"] = f"query {b}"
        order = sorted(range(len(found)), key=lambda i: (-row_cosines[i], found[i]))
        if order != list(range(len(found))):
            seen["index.sorted"] = f"query {b} got cosines {np.round(row_cosines[:5], 3).tolist()}"

    written = np.flatnonzero(filled)
    own, own_cosines = index.search(keys[written], 1)
    lost = written[(own_cosines[:, 0] < 1 - ROUNDED) | (np.abs(keys[own[:, 0]] - keys[written]).max(axis=1) > 0)]
    if lost.size:
        seen["index.own-key"] = f"{lost.size} slots, slot {int(lost[0])} first"

    anew = build(keys.copy(), filled.copy())
    if any(not np.array_equal(a, b) for a, b in zip((slots, cosines), anew.search(queries, k), strict=True)):
        seen["index.anew"] = "other answers than an index made anew"
    return seen


def _unit(x: Array) -> Array:
    rows: Array = x / np.linalg.norm(x, axis=1, keepdims=True)
    return rows
