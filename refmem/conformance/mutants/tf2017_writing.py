"""Mistakes in how a memory that follows the released code is written.

Most are what somebody who follows the paper would write.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/released.py`.

from refmem.conformance.mutants.registry import Released, mutant
from refmem.conformance.oracles.loops import direction


@mutant("tf-key-not-renormalised", "memory.update.right-value.average-key",
        "the averaged key is not renormalised")
class KeyNotRenormalised(Released):
    def averaged(self, q, key):
        return [(a + b) / 2.0 for a, b in zip(q, key, strict=True)]


@mutant("tf-key-difference", "memory.update.right-value.average-key", "the key moves away from q")
class KeyDifference(Released):
    def averaged(self, q, key):
        return direction([b - a * 0.5 for a, b in zip(q, key, strict=True)])


@mutant("tf-only-first-may-be-right", "tf2017.update.correct-in-top",
        "only the nearest neighbour may be right", "LSH")
class OnlyFirst(Released):
    def is_wrong(self, h):
        return h[0] == 0


@mutant("tf-any-neighbour-is-right", "tf2017.update.correct-in-top",
        "any neighbour of the pool may be right", "CH")
class AnyNeighbour(Released):
    def is_wrong(self, h):
        return sum(h) == 0


@mutant("tf-nearest-averaged", "tf2017.update.best-match",
        "the nearest neighbour is averaged, not the best match",
        "the paper, LSH")
class NearestAveraged(Released):
    def read(self, q, label):
        read = super().read(q, label)
        if label is not None:
            read.positive = read.pool[0]
        return read


@mutant("tf-label-written-to-match", "tf2017.update.best-match",
        "the averaged slot takes the label instead of keeping its value")
class LabelWritten(Released):
    def kept_value(self, teacher, label):
        return label


@mutant("tf-wrong-rows-share-oldest", "tf2017.update.oldest-by-row",
        "the first wrong row takes the oldest slot, whatever its row", "LSH")
class OldestByWrongRow(Released):
    def write(self, q, labels, reads, noise, oldest, sources):
        ranked = iter(self.oldest(noise))
        oldest = [next(ranked) if read.wrong else 0 for read in reads]
        return super().write(q, labels, reads, noise, oldest, sources)


@mutant("tf-evict-youngest", "memory.update.wrong-value.evict-oldest", "the youngest slots are evicted")
class EvictYoungest(Released):
    def age(self, slot, noise):
        return -super().age(slot, noise)


@mutant("tf-age-ties-higher-slot", "memory.update.age-ties-lower-slot",
        "of equally old slots the higher is evicted")
class AgeTiesHigher(Released):
    def age(self, slot, noise):
        return super().age(slot, noise) + slot * 1e-6


@mutant("tf-noise-ignored", "memory.update.age-noise", "the random part of the age is left out")
class NoiseIgnored(Released):
    def age(self, slot, noise):
        return super().age(slot, None)


@mutant("tf-value-not-written", "memory.update.wrong-value.write-query", "the value of an evicted slot stays")
class ValueNotWritten(Released):
    def put(self, slot, key, value, source):
        super().put(slot, key, self.values[slot] or value, source)


@mutant("tf-ages-row-by-row", "tf2017.update.ages-once-a-batch",
        "ages grow once a row, not once a batch", "the paper")
class AgesRowByRow(Released):
    def grow_older(self, batch):
        for _ in range(batch):
            super().grow_older(batch)


@mutant("tf-age-kept", "memory.update.age-reset", "the age of an averaged slot is not reset")
class AgeKept(Released):
    def put(self, slot, key, value, source):
        age = self.ages[slot] if self.values[slot] == value and any(self.keys[slot]) else 0
        super().put(slot, key, value, source)
        self.ages[slot] = age


@mutant("tf-first-row-wins", "memory.update.last-row-wins",
        "of two rows that write one slot the first is kept")
class FirstRowWins(Released):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.done = set()
        return super().write(q, labels, reads, noise, oldest, sources)

    def put(self, slot, key, value, source):
        key = self.keys[slot] if slot in self.done else key
        self.done.add(slot)
        super().put(slot, key, value, source)


@mutant("tf-recent-only-when-wrong", "tf2017.update.recent-slot",
        "the recent slot is only kept for evictions")
class RecentOnlyWhenWrong(Released):
    def write(self, q, labels, reads, noise, oldest, sources):
        before = list(self.recent)
        slots = super().write(q, labels, reads, noise, oldest, sources)
        for label, read in zip(labels, reads, strict=True):
            if not read.wrong:
                self.recent[label] = before[label]
        return slots


@mutant("tf-recent-never-changes", "tf2017.update.recent-slot",
        "the recent slots are never written: they go stale", "EB")
class RecentStale(Released):
    def remember(self, label, slot):
        pass


@mutant("tf-lookup-ages", "memory.update.lookup-leaves-memory",
        "a query without a label makes the memory older")
class LookupAges(Released):
    def step(self, queries, labels=None, **more):
        answer = super().step(queries, labels, **more)
        if labels is None:
            self.grow_older(1)
        return answer


@mutant("tf-answer-after-update", "memory.update.after-answer",
        "the answer is read after the batch was written")
class AnswerAfterUpdate(Released):
    def step(self, queries, labels=None, **more):
        answer = super().step(queries, labels, **more)
        answer.values = super().step(queries, labels, **{**more, "update": False}).values
        return answer


@mutant("tf-sources-only-when-wrong", "memory.update.sources", "an averaged slot keeps its first source")
class SourcesOnlyWhenWrong(Released):
    def put(self, slot, key, value, source):
        super().put(slot, key, value, self.sources[slot] if self.values[slot] == value else source)


@mutant("tf-farthest-first", "memory.read.nearest", "neighbours are sorted by rising similarity")
class FarthestFirst(Released):
    def pool(self, everywhere, label):
        return super().pool([-c for c in everywhere], label)


@mutant("tf-empty-is-no-class", "tf2017.read.empty-slots-answer",
        "an empty memory starts with no class (-1), not class 0",
        "the paper")
class EmptyIsNoClass(Released):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.values = [-1] * self.memory_size


@mutant("tf-key-sum-not-normalised", "memory.update.right-value.average-key", "the new key is q + K, not normalised")
class KeySum(Released):
    def averaged(self, q, key):
        return [a + b for a, b in zip(q, key, strict=True)]


@mutant("tf-age-never-reset", "memory.update.age-reset", "no written slot has its age reset")
class AgeNeverReset(Released):
    def put(self, slot, key, value, source):
        age = self.ages[slot]
        super().put(slot, key, value, source)
        self.ages[slot] = age
