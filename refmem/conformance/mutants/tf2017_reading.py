"""Mistakes in how a memory that follows the released code is read.

Most are what somebody who follows the paper would write.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/released.py`.

import math

from refmem.conformance.mutants.registry import Released, mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import dot, taped_direction
from refmem.conformance.oracles.tape import Number


# --- The query ------------------------------------------------------------------------------------------------


@mutant("tf-no-projection", "tf2017.query.projection", "there is no query projection", "the paper")
class NoProjection(Released):
    def projected(self, x, w):
        return x


@mutant("tf-projection-transposed", "tf2017.query.projection", "the query projection is transposed",
        "nn.Linear keeps its weight transposed")
class ProjectionTransposed(Released):
    def projected(self, x, w):
        return [dot(x, w_i) for w_i in w]


@mutant("tf-projection-adds-input", "tf2017.query.projection", "the projection is residual: x + x W")
class ProjectionResidual(Released):
    def projected(self, x, w):
        return [a + b for a, b in zip(x, super().projected(x, w), strict=True)]


@mutant("tf-projection-not-trained", "tf2017.query.projection-gradient",
        "the query projection gets no gradient")
class ProjectionNotTrained(Released):
    def projected(self, x, w):
        return super().projected(x, [[w_ij.value for w_ij in w_i] for w_i in w])


@mutant("tf-query-not-normalised", "memory.query.unit-length",
        "the query is used at the length it comes with", "CH")
class QueryNotNormalised(Released):
    def normalised(self, rows):
        return rows


@mutant("tf-zero-query-is-uniform", "memory.query.zero-stays-zero", "a zero query is read as the diagonal")
class ZeroQueryUniform(Released):
    def normalised(self, rows):
        return [[x + 1.0 for x in row] if all(x.value == 0 for x in row) else taped_direction(row) for row in rows]


# --- Reading --------------------------------------------------------------------------------------------------


@mutant("tf-temperature-40", "tf2017.read.temperature", "t is 40", "the paper")
class TemperatureForty(Released):
    def mask(self, kept):
        self.temperature = 40.0
        return super().mask(kept)


@mutant("tf-temperature-not-floored", "tf2017.read.temperature", "t may fall below 1")
class TemperatureNotFloored(Released):
    def mask(self, kept):
        self.temperature = math.log(0.2 * self.k) / self.alpha
        return super().mask(kept)


@mutant("tf-temperature-divided-by-40", "tf2017.read.temperature",
        "ln(0.2 k) is divided by 40 instead of alpha, so that t is 1",
        "LSH")
class TemperatureDividedByForty(Released):
    def mask(self, kept):
        self.temperature = max(1.0, math.log(0.2 * self.k) / 40.0)
        return super().mask(kept)


@mutant("tf-temperature-of-pool", "tf2017.read.temperature", "t counts the recent slot among the k")
class TemperatureOfPool(Released):
    def mask(self, kept):
        self.temperature = max(1.0, math.log(0.2 * (len(kept) + 1)) / self.alpha)
        return super().mask(kept)


@mutant("tf-keeps-last-column", "tf2017.read.drop-last-column",
        "a lookup keeps the k-th neighbour", "the paper")
class KeepsLastColumn(Released):
    def read(self, q, label):
        self.plain = label is None or not self.recent_hint
        return super().read(q, label)

    def kept(self, s):
        return s if self.plain else s[:-1]


@mutant("tf-recent-slot-answers", "tf2017.read.recent-column",
        "the recent slot takes part in the answer and the softmax")
class RecentSlotAnswers(Released):
    def kept(self, s):
        return s if len(s) > self.k else s[:-1]


@mutant("tf-recent-slot-left-out", "tf2017.read.recent-column", "the loss does not look at the recent slot",
        "LSH, CH")
class RecentSlotLeftOut(Released):
    def hints(self, label, pool):
        self.extra = len(pool) > self.k
        return super().hints(label, pool)

    def masked(self, s, h):
        masked = super().masked(s, h)
        return [*masked[:-1], Number(-1.0)] if self.extra else masked


@mutant("tf-recent-slot-always-right", "tf2017.read.recent-column",
        "the recent slot counts as right even when it is stale")
class RecentAlwaysRight(Released):
    def hints(self, label, pool):
        h = super().hints(label, pool)
        return [*h[:-1], 1.0] if len(pool) > self.k else h


@mutant("tf-empty-slots-hidden", "tf2017.read.empty-slots-answer",
        "empty slots are no neighbours", "the paper")
class EmptySlotsHidden(Released):
    def pool(self, everywhere, label):
        seen = [c if any(self.keys[i]) else c - 10.0 for i, c in enumerate(everywhere)]
        return super().pool(seen, label)

    def mask(self, kept):
        zeros = [isinstance(c, Number) and c.value == 0 for c in kept]
        return super().mask([c - 100.0 if z else c for c, z in zip(kept, zeros, strict=True)])


@mutant("tf-ties-higher-slot", "memory.read.ties-lower-slot", "equal cosines go to the higher slot")
class TiesHigherSlot(Released):
    def pool(self, everywhere, label):
        pool = sorted(range(self.memory_size), key=lambda i: (-everywhere[i], -i))[:self.k]
        return pool + super().pool(everywhere, label)[self.k:]


@mutant("tf-second-neighbour-answers", "memory.read.answer", "the answer is off by one neighbour")
class SecondNeighbour(Released):
    def best(self, kept):
        return min(1, len(kept) - 1)


@mutant("tf-confidence-not-normalised", "memory.read.confidence", "confidence is not divided by its sum")
class ConfidenceNotNormalised(Released):
    def mask(self, kept):
        return [tape.exp(c * self.temperature) for c in kept]


@mutant("tf-confidence-detached", "memory.read.confidence-gradient",
        "no gradient flows through the confidence")
class ConfidenceDetached(Released):
    def mask(self, kept):
        return [Number(c.value) for c in super().mask(kept)]


@mutant("tf-query-sum-of-absolutes", "memory.query.unit-length", "the query is divided by its sum of absolute values")
class QuerySumOfAbsolutes(Released):
    def normalised(self, rows):
        return [[x / sum((-y if y.value < 0 else y for y in row[1:]), -row[0] if row[0].value < 0 else row[0])
                 if any(y.value != 0 for y in row) else x for x in row] for row in rows]
