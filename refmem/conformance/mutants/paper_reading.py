"""Mistakes in how a memory that follows the paper is read.

Seen in public code: "LSH" is RUSH-LAB/LSH_Memory, "EB" emilybraverman/RUDSSP, "CH"
0shimax/chainer-learning-to-remember-rare-events, "TF" the released code.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/paper.py`.

from refmem.conformance.mutants.registry import Paper, mutant
from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.loops import dot, taped_direction, taped_softmax
from refmem.conformance.oracles.tape import Number

EMPTY = -1


# --- The query ------------------------------------------------------------------------------------------------


@mutant("query-not-normalised", "memory.query.unit-length",
        "the query is used at the length it comes with", "CH")
class QueryNotNormalised(Paper):
    def normalised(self, rows):
        return rows


@mutant("query-normalised-over-batch", "memory.query.unit-length",
        "the query is normalised over the batch axis")
class QueryNormalisedOverBatch(Paper):
    def normalised(self, rows):
        columns = [taped_direction([row[j] for row in rows]) for j in range(len(rows[0]))]
        return [[column[r] for column in columns] for r in range(len(rows))]


@mutant("query-gradient-ignores-norm", "memory.query.unit-length",
        "the gradient takes the length of the query for a constant")
class QueryGradientIgnoresNorm(Paper):
    def normalised(self, rows):
        return [[x / max(scalars.plain(scalars.sqrt(dot(*[[tape.constant(x) for x in row]] * 2))), 1e-6) for x in row]
                for row in rows]


@mutant("zero-query-becomes-uniform", "memory.query.zero-stays-zero", "a zero query is read as the diagonal")
class ZeroQueryUniform(Paper):
    def normalised(self, rows):
        return [[x + 1.0 for x in row] if all(x.value == 0 for x in row) else taped_direction(row) for row in rows]


@mutant("norm-plus-eps", "memory.query.zero-stays-zero",
        "1e-3 is added to the length of the query instead of bounding it")
class NormPlusEps(Paper):
    def normalised(self, rows):
        return [[x / (tape.sqrt(dot(row, row)) + 1e-3) if any(y.value for y in row) else x for x in row]
                for row in rows]


# --- Reading --------------------------------------------------------------------------------------------------


@mutant("farthest-first", "memory.read.nearest", "neighbours are sorted by rising similarity")
class FarthestFirst(Paper):
    def ranking(self, everywhere):
        return super().ranking([-c for c in everywhere])


@mutant("absolute-cosine", "memory.read.nearest", "neighbours are sorted by the absolute cosine")
class AbsoluteCosine(Paper):
    def ranking(self, everywhere):
        return super().ranking([abs(c) for c in everywhere])


@mutant("last-slot-never-found", "memory.read.nearest", "the search leaves out the last slot")
class LastSlotNeverFound(Paper):
    def ranking(self, everywhere):
        return [i for i in super().ranking(everywhere) if i != self.memory_size - 1]


@mutant("ties-higher-slot", "memory.read.ties-lower-slot", "equal cosines go to the higher slot",
        "top-k of other libraries")
class TiesHigherSlot(Paper):
    def ranking(self, everywhere):
        return sorted(super().ranking(everywhere), key=lambda i: (-everywhere[i], -i))


@mutant("second-neighbour-answers", "memory.read.answer", "the answer is off by one neighbour")
class SecondNeighbour(Paper):
    def answer(self, near):
        return super().answer(near[1:] or near)


@mutant("majority-answers", "memory.read.answer", "the answer is the commonest value of the neighbours")
class Majority(Paper):
    def answer(self, near):
        values = [self.values[i] for i in near]
        return max(values, key=values.count, default=EMPTY)


@mutant("softmax-over-k-1", "memory.read.confidence", "the softmax leaves out the last neighbour", "TF")
class SoftmaxOverFewer(Paper):
    def confidence(self, cosines):
        return super().confidence(cosines[:-1] or cosines) + ([0.0] if len(cosines) > 1 else [])


@mutant("confidence-not-normalised", "memory.read.confidence",
        "confidence is exp(t d) / exp(t d_1), not divided by its sum")
class ConfidenceNotNormalised(Paper):
    def confidence(self, cosines):
        return [tape.exp((c - cosines[0]) * self.t) for c in cosines]


@mutant("sigmoid-confidence", "memory.read.confidence", "confidence is the sigmoid of each cosine")
class SigmoidConfidence(Paper):
    def confidence(self, cosines):
        return [1.0 / (tape.exp(c * -self.t) + 1.0) for c in cosines]


@mutant("temperature-1", "memory.read.temperature", "t is 1", "LSH: log(0.2 k) / 40, then at least 1")
class TemperatureOne(Paper):
    def confidence(self, cosines):
        return taped_softmax([c * 1.0 for c in cosines])


@mutant("temperature-inverted", "memory.read.temperature", "cosines are divided by t instead of multiplied")
class TemperatureInverted(Paper):
    def confidence(self, cosines):
        return taped_softmax([c / self.t for c in cosines])


@mutant("temperature-39", "memory.read.temperature", "t is ln(0.2 * 256) / alpha = 39.36", "TF")
class TemperatureOfTheCode(Paper):
    def confidence(self, cosines):
        return taped_softmax([c * 39.357 for c in cosines])


@mutant("empty-slots-are-neighbours", "memory.read.empty-slots", "empty slots take part with cosine 0", "TF")
class EmptySlots(Paper):
    def ranking(self, everywhere):
        return sorted(range(self.memory_size), key=lambda i: (-everywhere[i], i))


@mutant("empty-memory-says-0", "memory.read.empty-memory", "an empty memory answers with class 0", "TF")
class EmptySaysZero(Paper):
    def answer(self, near):
        return super().answer(near) if near else 0


@mutant("empty-memory-is-sure", "memory.read.empty-memory", "an empty memory is uniformly confident")
class EmptyIsSure(Paper):
    def read(self, q, label):
        read = super().read(q, label)
        if read.pool[0] == EMPTY:
            read.confidence = [1.0 / self.k] * self.k
        return read


@mutant("k-not-bounded", "memory.read.k-at-most-memory",
        "the confidence has k columns whatever the memory size")
class NotBounded(Paper):
    def __init__(self, key_dim, memory_size, k=256, *rest):
        super().__init__(key_dim, memory_size, k, *rest)
        self.k = k


@mutant("k-off-by-one", "memory.read.k-at-most-memory", "k is at most the memory size less one")
class BoundedTooLow(Paper):
    def __init__(self, key_dim, memory_size, k=256, *rest):
        super().__init__(key_dim, memory_size, min(k, memory_size - 1), *rest)


@mutant("confidence-detached", "memory.read.confidence-gradient", "no gradient flows through the confidence")
class ConfidenceDetached(Paper):
    def confidence(self, cosines):
        return [Number(c.value) for c in super().confidence(cosines)]


@mutant("confidence-gradient-without-t", "memory.read.confidence-gradient",
        "the gradient of the confidence forgets t")
class ConfidenceGradientWithoutT(Paper):
    def confidence(self, cosines):
        return taped_softmax([c + c.value * (self.t - 1.0) for c in cosines])


@mutant("query-sum-of-absolutes", "memory.query.unit-length", "the query is divided by its sum of absolute values")
class QuerySumOfAbsolutes(Paper):
    def normalised(self, rows):
        return [[x / sum((-y if y.value < 0 else y for y in row[1:]), -row[0] if row[0].value < 0 else row[0])
                 if any(y.value != 0 for y in row) else x for x in row] for row in rows]
