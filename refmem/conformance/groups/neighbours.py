"""An index of keys: search, update, rebuild. The rules of `refmem.neighbours`, in loops.

A step first writes (`slots` and `keys`), or makes the index anew (`all_keys` and `filled`), and then searches
(`queries` and `k`). What is returned is `slots` [B, k], `cosines` [B, k], and `refused`, 1 where the search raised.

An index that only looks at some keys still finds every key by itself, and all of them when it is asked for as many as
are written: that is what most vectors ask. The others need an exact search and say so in `needs`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.loops import dot
from refmem.conformance.oracles.operation import Oracle

ABSENT = -1


class Index(Oracle):
    """One method a rule; a mutant changes one."""

    keys: list[Any]
    filled: list[bool]

    def run(self, group: Any, numbers: Any, task: Task) -> Iterator[dict[str, Any]]:
        assert task.state is not None  # an index looks into something
        self.rebuild(numbers(task.state["keys"]), [bool(x) for x in task.state["filled"]])
        for step in task.steps:
            if "slots" in step:
                self.update(step["slots"].tolist(), numbers(step["keys"]))
            if "all_keys" in step:
                self.rebuild(numbers(step["all_keys"]), [bool(x) for x in step["filled"]])
            yield self.answered(numbers(step["queries"]), int(step["k"]))

    def answered(self, queries, k):
        if not self.allowed(k):
            return {"refused": 1}
        found = [self.search(query, k) for query in queries]
        return {"slots": [slots for slots, _ in found], "cosines": [cosines for _, cosines in found], "refused": 0}

    def allowed(self, k: int) -> bool:
        return 1 <= k <= len(self.keys)

    # --- Writing

    def rebuild(self, keys, filled):
        self.keys, self.filled = [list(key) for key in keys], list(filled)

    def update(self, slots, keys):
        for slot, key in zip(slots, keys, strict=True):
            self.write(slot, key)

    def write(self, slot, key):
        self.keys[slot], self.filled[slot] = list(key), True

    # --- Searching

    def search(self, query, k):
        pool = self.pool()
        cosines = {slot: self.cosine(query, slot) for slot in pool}
        ranked = self.ranked(pool, cosines)[:k]
        missing = k - len(ranked)
        return ranked + [ABSENT] * missing, [cosines[slot] for slot in ranked] + [self.absent_cosine()] * missing

    def pool(self):
        return [slot for slot in range(len(self.keys)) if self.filled[slot]]

    def cosine(self, query, slot):
        return dot(query, self.keys[slot])

    def ranked(self, pool, cosines):
        return sorted(pool, key=lambda slot: (-cosines[slot], slot))

    def absent_cosine(self):
        return -1.0


def arrays(task: Task) -> Iterator[dict[str, Any]]:
    """The second oracle: all slots at once, in long double, sorted by NumPy."""
    assert task.state is not None
    keys, filled = task.state["keys"].astype(np.longdouble), task.state["filled"].astype(bool)
    for step in task.steps:
        if "slots" in step:
            last = {int(slot): row for row, slot in enumerate(step["slots"])}
            keys[list(last)], filled[list(last)] = step["keys"][list(last.values())], True
        if "all_keys" in step:
            keys, filled = step["all_keys"].astype(np.longdouble), step["filled"].astype(bool)
        k = int(step["k"])
        if k not in range(1, len(keys) + 1):
            yield {"refused": np.array(1)}
            continue
        products = (step["queries"].astype(np.longdouble)[:, None] * keys).sum(axis=2)  # [B, m]
        scores = np.where(filled, products, -np.inf)
        slots = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        cosines = np.take_along_axis(scores, slots, axis=1)
        there = np.isfinite(cosines)
        yield {"slots": np.where(there, slots, ABSENT), "cosines": np.where(there, cosines, -1.0).astype(task.dtype),
               "refused": np.array(0)}


def reference(task: Task) -> Iterator[dict[str, Any]]:
    """refmem's exact index."""
    from refmem.neighbours import make

    assert task.state is not None
    index = make(task.config.get("search", "exact"), task.state["keys"].copy(),
                 filled=task.state["filled"].astype(bool))
    for step in task.steps:
        if "slots" in step:
            index.update(step["slots"], step["keys"])
        if "all_keys" in step:
            index.rebuild(step["all_keys"].copy(), step["filled"].astype(bool))
        try:
            slots, cosines = index.search(step["queries"], int(step["k"]))
            yield {"slots": slots, "cosines": cosines, "refused": np.array(0)}
        except ValueError:
            yield {"refused": np.array(1)}


GROUPS = (Group("neighbours", Index, second=arrays, reference=reference),)


# --- Vectors ----------------------------------------------------------------------------------------------------

D, M = 4, 12
FILLED = [1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0]  # 8 of 12
BOTH = ("slots", "cosines")
SEARCH = ("sorted", "distinct", "current-keys", "written-only", "full-rows")
"""What every search exercises."""
UPDATED = ("own-key", "anew")
"""What a search after a change exercises besides."""


def recipes() -> list[Recipe]:
    """All cases."""
    draw = Draw(61)
    keys = draw.units(M, D) * np.array(FILLED)[:, None]
    state = {"keys": keys, "filled": FILLED}
    queries = draw.units(3, D)
    axes = np.eye(D)
    twins = axes[[0, 1, 1, 2, 0, 2, 3, 3, 1, 0, 2, 3]]
    new = draw.units(3, D)

    def case(name: str, rules: tuple[str, ...], title: str, check: tuple[str, ...], steps: list[dict[str, Any]], *,
             level: str = "L1", state: dict[str, Any] = state, flags: tuple[str, ...] = (),
             needs: tuple[str, ...] = ()) -> Recipe:
        also: tuple[str, ...] = SEARCH if check != ("refused",) else ()
        also += UPDATED if level > "L1" else ()
        return Recipe("neighbours", name, tuple(f"index.{rule}" for rule in dict.fromkeys([*rules, *also])), level,
                      title, check, steps, None, {"key_dim": D, "memory_size": M}, state, {}, flags, needs)

    def written(t: int, slots: list[int], keys: Any, k: int = M) -> dict[str, Any]:
        return {"slots": slots, "keys": keys, "queries": [*keys[:2], *queries[:2]], "k": k}

    life = [{"slots": [3 * t % M, (5 * t + 1) % M], "keys": (moved := draw.units(2, D)),
             "queries": [*moved, *draw.units(1, D)], "k": M} for t in range(50)]
    return [
        case("sorted", ("sorted",), "the nearest first", BOTH, [{"queries": queries, "k": 8}]),
        case("top", ("sorted",), "no more than k", BOTH, [{"queries": queries, "k": 3}], needs=("exact",)),
        case("ties", ("sorted",), "equal cosines by rising slot", ("slots",), [{"queries": axes, "k": M}],
             state={"keys": twins, "filled": [1] * M}, flags=("Tie",)),
        case("written-only", ("written-only", "full-rows"), "slots that nobody wrote are nobody's neighbours", BOTH,
             [{"queries": -keys[[0, 1, 3]], "k": M}]),
        case("empty", ("full-rows", "written-only"), "an empty memory has no neighbours: -1 with cosine -1", BOTH,
             [{"queries": queries, "k": 5}], state={"keys": np.zeros((M, D)), "filled": [0] * M}),
        case("full-rows", ("full-rows",), "all that are written are returned when so many are asked for", BOTH,
             [{"queries": queries, "k": 10}]),
        case("own-key", ("own-key",), "every key is found by itself", BOTH,
             [{"queries": keys[np.flatnonzero(FILLED)], "k": 1}]),
        case("own-key-after-update", ("own-key", "current-keys"), "a written key is found in its slot at once", BOTH,
             [{"slots": [2, 4, 9], "keys": new, "queries": new, "k": 1},
              {"slots": [4, 0, 6], "keys": -new, "queries": -new, "k": 1}], level="L3"),
        case("distinct-after-update", ("distinct", "current-keys", "anew"),
             "an overwritten slot is in the pool once, with its new key", BOTH,
             [written(0, [4, 5, 8], new), written(1, [4, 0, 8], new[::-1])], level="L3"),
        case("current-keys", ("current-keys", "anew"), "the old key of a slot no longer counts", BOTH,
             [{"slots": [0, 3, 7], "keys": new, "queries": keys[[0, 3, 7]], "k": M}], level="L3"),
        case("last-row-wins", ("last-row-wins", "current-keys"), "of two rows for one slot the last is kept", BOTH,
             [{"slots": [5, 5, 6], "keys": new, "queries": new, "k": M}], level="L3"),
        case("rebuild", ("anew", "current-keys"), "a rebuilt index knows nothing of before", BOTH,
             [{"all_keys": np.roll(keys, 1, axis=0), "filled": np.roll(FILLED, 1).tolist(), "queries": queries,
               "k": M}], level="L3"),
        case("k-too-large", ("k-within-memory",), "more neighbours than slots are refused", ("refused",),
             [{"queries": queries, "k": M + 1}]),
        case("k-zero", ("k-within-memory",), "no neighbours are refused", ("refused",), [{"queries": queries, "k": 0}]),
        case("life", ("anew", "own-key", "last-row-wins", "full-rows"), "50 updates, and after each the answers of an "
             "index made anew", BOTH, life, level="L4"),
    ]


# --- Mutants ----------------------------------------------------------------------------------------------------


@mutant("index-unsorted-pool", "index.sorted", "the pool stands in the order of its slots", "the released LSH")
class UnsortedPool(Index):
    def ranked(self, pool, cosines):
        return list(pool)


@mutant("index-ties-higher-slot", "index.sorted", "equal cosines go to the higher slot", "top-k of other libraries")
class TiesHigher(Index):
    def ranked(self, pool, cosines):
        return sorted(pool, key=lambda slot: (-cosines[slot], -slot))


@mutant("index-duplicates", "index.distinct", "a slot that two tables bring up is in the pool twice",
        "the released LSH")
class Duplicates(Index):
    def pool(self):
        return [slot for slot in super().pool() for _ in range(2)]


@mutant("index-duplicates-after-overwrite", "index.distinct",
        "an overwritten slot keeps its old entry beside the new one")
class OldEntryStays(Index):
    def rebuild(self, keys, filled):
        super().rebuild(keys, filled)
        self.again = []

    def write(self, slot, key):
        self.again += [slot] * self.filled[slot]
        super().write(slot, key)

    def pool(self):
        return super().pool() + self.again


@mutant("index-old-cosines", "index.current-keys", "cosines are those of the keys as they were when it was made")
class OldCosines(Index):
    def rebuild(self, keys, filled):
        super().rebuild(keys, filled)
        self.old = [list(key) for key in keys]

    def cosine(self, query, slot):
        return dot(query, self.old[slot])


@mutant("index-ids-added", "index.current-keys", "ids that are written to one entry are added up",
        "the released LSH")
class IdsAdded(Index):
    def update(self, slots, keys):
        for slot, key in zip(slots, keys, strict=True):
            self.write(min(sum(s for s in slots if s == slot), len(self.keys) - 1), key)


@mutant("index-empty-slots", "index.written-only", "slots that were never written have cosine 0", "the released code")
class EmptySlots(Index):
    def pool(self):
        return list(range(len(self.keys)))


@mutant("index-first-slots-at-first", "index.written-only", "entries point at slot 2 before anything is written",
        "the released LSH: random slots")
class PointsSomewhere(Index):
    def pool(self):
        return sorted({*super().pool(), 2})


@mutant("index-gives-up-early", "index.full-rows", "it returns what its buckets held, however little")
class GivesUpEarly(Index):
    def search(self, query, k):
        slots, cosines = super().search(query, k)
        return (slots[:-1] + [ABSENT], cosines[:-1] + [-1.0]) if k > 1 else (slots, cosines)


@mutant("index-absent-cosine-0", "index.full-rows", "a missing neighbour has cosine 0")
class AbsentIsZero(Index):
    def absent_cosine(self):
        return 0.0


@mutant("index-absent-is-slot-0", "index.full-rows", "a missing neighbour is slot 0")
class AbsentIsSlotZero(Index):
    def search(self, query, k):
        slots, cosines = super().search(query, k)
        return [max(slot, 0) for slot in slots], cosines


@mutant("index-entry-lost", "index.own-key", "a new entry pushes that of the next slot out of its bucket",
        "the released LSH: a random entry of the bucket is overwritten")
class EntryLost(Index):
    def write(self, slot, key):
        super().write(slot, key)
        self.filled[(slot + 1) % len(self.keys)] = False


@mutant("index-own-key-second", "index.own-key", "the first of the pool is left out, as if a key were not its own "
        "neighbour")
class NotItsOwn(Index):
    def ranked(self, pool, cosines):
        ranked = super().ranked(pool, cosines)
        itself = [slot for slot in ranked[:1] if float(cosines[slot]) > 1 - 1e-6]
        return ranked[len(itself):] + itself


@mutant("index-new-slots-unseen", "index.anew", "a slot that was empty when the index was made stays unseen")
class NewSlotsUnseen(Index):
    def rebuild(self, keys, filled):
        super().rebuild(keys, filled)
        self.at_first = list(filled)

    def pool(self):
        return [slot for slot in super().pool() if self.at_first[slot]]


@mutant("index-rebuild-keeps-slots", "index.anew", "a rebuild takes the new keys but the old written slots")
class RebuildKeeps(Index):
    def rebuild(self, keys, filled):
        super().rebuild(keys, filled if not hasattr(self, "filled") else [*map(bool, self.filled)])


@mutant("index-first-row-wins", "index.last-row-wins", "of two rows for one slot the first is kept")
class FirstRowWins(Index):
    def update(self, slots, keys):
        super().update(slots[::-1], keys[::-1])


@mutant("index-rows-averaged", "index.last-row-wins", "of two rows for one slot the mean is kept")
class RowsAveraged(Index):
    def update(self, slots, keys):
        super().update(slots, keys)
        for slot in {slot for slot in slots if slots.count(slot) > 1}:
            rows = [key for s, key in zip(slots, keys, strict=True) if s == slot]
            self.keys[slot] = [sum(column[1:], column[0]) / len(rows) for column in zip(*rows, strict=True)]


@mutant("index-k-cut", "index.k-within-memory", "a k above the memory size is quietly cut")
class KCut(Index):
    def allowed(self, k):
        return k >= 1


@mutant("index-k-zero-is-empty", "index.k-within-memory", "k = 0 quietly gives nothing")
class KZero(Index):
    def allowed(self, k):
        return k <= len(self.keys)
