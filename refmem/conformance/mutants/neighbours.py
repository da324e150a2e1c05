"""Mistakes of an index."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/neighbours.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.loops import dot
from refmem.conformance.oracles.neighbours import ABSENT, Index


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
