"""Mistakes in how a memory that follows the paper is written.

Seen in public code: "LSH" is RUSH-LAB/LSH_Memory, "EB" emilybraverman/RUDSSP, "CH"
0shimax/chainer-learning-to-remember-rare-events, "TF" the released code.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/paper.py`.

from refmem.conformance.mutants.registry import Paper, mutant
from refmem.conformance.oracles import scalars
from refmem.conformance.oracles.loops import direction

EMPTY = -1


@mutant("key-not-renormalised", "memory.update.right-value.average-key",
        "the averaged key is not renormalised")
class KeyNotRenormalised(Paper):
    def averaged(self, q, key):
        return [(a + b) / 2.0 for a, b in zip(q, key, strict=True)]


@mutant("key-replaced", "memory.update.right-value.average-key",
        "the right key is replaced by q instead of averaged")
class KeyReplaced(Paper):
    def averaged(self, q, key):
        return q


@mutant("key-kept", "memory.update.right-value.average-key", "the right key stays as it is")
class KeyKept(Paper):
    def averaged(self, q, key):
        return key


@mutant("key-moving-average", "memory.update.right-value.average-key",
        "the key is a moving average with weight 0.9")
class KeyMovingAverage(Paper):
    def averaged(self, q, key):
        return direction([a * 0.1 + b * 0.9 for a, b in zip(q, key, strict=True)])


@mutant("right-answer-appends", "memory.update.right-value.keeps-value",
        "a right answer is also written to the oldest slot")
class RightAnswerAppends(Paper):
    def put(self, slot, key, value, source):
        right = self.values[slot] == value
        super().put(slot, key, value, source)
        if right:
            self.values[self.oldest(set(), None)] = value


@mutant("any-neighbour-is-right", "memory.update.right-value.keeps-value",
        "an answer counts as right if any neighbour has the value", "CH")
class AnyNeighbourIsRight(Paper):
    def right_slot(self, label, near, values=None):
        hits = [i for i in near if i != EMPTY and (self.values if values is None else values)[i] == label]
        return hits[0] if hits else EMPTY


@mutant("evict-youngest", "memory.update.wrong-value.evict-oldest", "the youngest slot is evicted")
class EvictYoungest(Paper):
    def age(self, slot, noise):
        return -super().age(slot, noise)


@mutant("evict-round-robin", "memory.update.wrong-value.evict-oldest",
        "slots are evicted in turn, not by age")
class EvictRoundRobin(Paper):
    def oldest(self, claimed, noise):
        self.turn = getattr(self, "turn", -1) + 1
        return self.turn % self.memory_size


@mutant("evict-nearest", "memory.update.wrong-value.evict-oldest",
        "the wrong neighbour itself is overwritten")
class EvictNearest(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        if all(read.pool[0] != EMPTY for read in reads):
            oldest = [read.pool[0] for read in reads]
        return super().write(q, labels, reads, noise, oldest, sources)


@mutant("value-not-written", "memory.update.wrong-value.write-query", "the value of an evicted slot stays")
class ValueNotWritten(Paper):
    def put(self, slot, key, value, source):
        super().put(slot, key, self.values[slot] if self.values[slot] != EMPTY else value, source)


@mutant("new-key-averaged", "memory.update.wrong-value.write-query",
        "the new key is averaged with the evicted one")
class NewKeyAveraged(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.before = [list(key) for key in self.keys]
        return super().write(q, labels, reads, noise, oldest, sources)

    def put(self, slot, key, value, source):
        replaced = self.values[slot] != value
        super().put(slot, self.averaged(key, self.before[slot]) if replaced else key, value, source)


@mutant("age-kept-when-right", "memory.update.age-reset", "the age of an averaged slot is not reset")
class AgeKeptWhenRight(Paper):
    def put(self, slot, key, value, source):
        age = self.ages[slot] if self.values[slot] == value else 0
        super().put(slot, key, value, source)
        self.ages[slot] = age


@mutant("age-kept-when-wrong", "memory.update.age-reset", "the age of an evicted slot is not reset")
class AgeKeptWhenWrong(Paper):
    def put(self, slot, key, value, source):
        age = self.ages[slot] if self.values[slot] != value else 0
        super().put(slot, key, value, source)
        self.ages[slot] = age


@mutant("age-starts-at-1", "memory.update.age-reset",
        "a written slot has age 1: it was reset before the others grew")
class AgeStartsAtOne(Paper):
    def put(self, slot, key, value, source):
        super().put(slot, key, value, source)
        self.ages[slot] = 1


@mutant("ages-once-a-batch", "memory.update.age-grows", "ages grow once a batch, not once a row", "TF")
class AgesOnceABatch(Paper):
    def grow_older(self, row):
        if row == 0:
            super().grow_older(row)


@mutant("only-filled-slots-age", "memory.update.age-grows", "empty slots do not age")
class OnlyFilledAge(Paper):
    def grow_older(self, row):
        for i in range(self.memory_size):
            self.ages[i] += self.values[i] != EMPTY


@mutant("nothing-ages", "memory.update.age-grows", "ages never grow")
class NothingAges(Paper):
    def grow_older(self, row):
        pass


@mutant("age-ties-higher-slot", "memory.update.age-ties-lower-slot",
        "of equally old slots the higher is evicted")
class AgeTiesHigher(Paper):
    def age(self, slot, noise):
        return super().age(slot, noise) + slot * 1e-6


@mutant("noise-ignored", "memory.update.age-noise", "the random part of the age is left out")
class NoiseIgnored(Paper):
    def age(self, slot, noise):
        return super().age(slot, None)


@mutant("noise-subtracted", "memory.update.age-noise", "the random part of the age is subtracted")
class NoiseSubtracted(Paper):
    def age(self, slot, noise):
        return 2 * super().age(slot, None) - super().age(slot, noise)


@mutant("noise-rounded", "memory.update.age-noise", "the random part of the age is a whole number", "CH")
class NoiseRounded(Paper):
    def age(self, slot, noise):
        return super().age(slot, None if noise is None else [float(int(r / 8.0)) for r in noise])


@mutant("lookup-ages", "memory.update.lookup-leaves-memory", "a query without a label makes the memory older")
class LookupAges(Paper):
    def step(self, queries, labels=None, **more):
        answer = super().step(queries, labels, **more)
        if labels is None:
            self.grow_older(0)
        return answer


@mutant("update-switch-ignored", "memory.update.lookup-leaves-memory",
        "the memory is written although updates are off")
class SwitchIgnored(Paper):
    def step(self, queries, labels=None, *, update=True, **more):
        return super().step(queries, labels, update=True, **more)


@mutant("first-row-wins", "memory.update.last-row-wins", "of two rows that write one slot the first is kept")
class FirstRowWins(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.done = set()
        return super().write(q, labels, reads, noise, oldest, sources)

    def put(self, slot, key, value, source):
        key = self.keys[slot] if slot in self.done else key
        self.done.add(slot)
        super().put(slot, key, value, source)


@mutant("rows-average-one-after-another", "memory.update.last-row-wins",
        "the second row that averages a slot starts from what the first row left")
class RowsAccumulate(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.first = {}
        return super().write(q, labels, reads, noise, oldest, sources)

    def averaged(self, q, key):
        mark = tuple(scalars.plain(x) for x in key)
        self.first[mark] = super().averaged(q, self.first.get(mark, key))
        return self.first[mark]


@mutant("row-after-row", "memory.update.after-answer",
        "each row is answered by what the rows before it wrote")
class RowAfterRow(Paper):
    def step(self, queries, labels=None, *, sources=None, **more):
        if labels is None or more.get("noise") is not None:
            return super().step(queries, labels, sources=sources, **more)
        whole = super().step(queries, labels, **{**more, "update": False})
        for r in range(len(queries)):
            row = super().step(queries[r:r + 1], labels[r:r + 1], sources=sources and sources[r:r + 1], **more)
            whole.values[r] = row.values[0]
        return whole


@mutant("answer-after-update", "memory.update.after-answer", "the answer is read after the batch was written")
class AnswerAfterUpdate(Paper):
    def step(self, queries, labels=None, **more):
        answer = super().step(queries, labels, **more)
        answer.values = super().step(queries, None).values
        return answer


@mutant("slots-claimed-twice", "memory.update.claimed-once", "two wrong rows of a batch evict the same slot")
class ClaimedTwice(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.at_first = list(self.ages)
        return super().write(q, labels, reads, noise, oldest, sources)

    def oldest(self, claimed, noise):
        ages, self.ages = self.ages, self.at_first
        slot = super().oldest(set(), noise)
        self.ages = ages
        return slot


@mutant("right-rows-claim-nothing", "memory.update.claimed-once",
        "a slot averaged by an earlier row may be evicted by a later one")
class RightRowsClaimNothing(Paper):
    def write(self, q, labels, reads, noise, oldest, sources):
        self.at_first, self.taken = list(self.ages), set()
        return super().write(q, labels, reads, noise, oldest, sources)

    def oldest(self, claimed, noise):
        ages, self.ages = self.ages, self.at_first
        slot = super().oldest(self.taken, noise)
        self.taken.add(slot)
        self.ages = ages
        return slot


@mutant("sources-only-when-wrong", "memory.update.sources", "an averaged slot keeps its first source")
class SourcesOnlyWhenWrong(Paper):
    def put(self, slot, key, value, source):
        super().put(slot, key, value, self.sources[slot] if self.values[slot] == value else source)


@mutant("key-sum-not-normalised", "memory.update.right-value.average-key", "the new key is q + K, not normalised")
class KeySum(Paper):
    def averaged(self, q, key):
        return [a + b for a, b in zip(q, key, strict=True)]


@mutant("age-never-reset", "memory.update.age-reset", "no written slot has its age reset")
class AgeNeverReset(Paper):
    def put(self, slot, key, value, source):
        age = self.ages[slot]
        super().put(slot, key, value, source)
        self.ages[slot] = age
