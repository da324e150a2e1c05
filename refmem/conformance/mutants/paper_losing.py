"""Mistakes in the loss of a memory that follows the paper.

Seen in public code: "LSH" is RUSH-LAB/LSH_Memory, "EB" emilybraverman/RUDSSP, "CH"
0shimax/chainer-learning-to-remember-rare-events, "TF" the released code.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/paper.py`.

from refmem.conformance.mutants.registry import Paper, mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import dot, mean
from refmem.conformance.oracles.tape import Number

EMPTY = -1


class OwnHinge(Paper):
    """A mutant of the formula gives `slack`."""

    def row_loss(self, q, positive, negative):
        if positive == EMPTY or negative == EMPTY:
            return Number(0.0)
        return self.hinge(dot(q, self.keys[negative]), dot(q, self.keys[positive]))


@mutant("margin-sign", "memory.loss.margin", "alpha is subtracted inside the hinge")
class MarginSign(OwnHinge):
    def hinge(self, neg, pos):
        return tape.relu(neg - pos - self.alpha)


@mutant("margin-minus-alpha", "memory.loss.margin", "alpha is taken off the loss again", "TF")
class MarginMinusAlpha(OwnHinge):
    def hinge(self, neg, pos):
        return tape.relu(neg - pos + self.alpha) - self.alpha


@mutant("no-hinge", "memory.loss.margin", "the loss is not cut off at 0")
class NoHinge(OwnHinge):
    def hinge(self, neg, pos):
        return neg - pos + self.alpha


@mutant("squared-hinge", "memory.loss.margin", "the hinge is squared")
class SquaredHinge(OwnHinge):
    def hinge(self, neg, pos):
        hinge = tape.relu(neg - pos + self.alpha)
        return hinge * hinge


@mutant("clipped-cosines", "memory.loss.margin", "cosines below 0 count as 0", "TF, LSH, CH")
class ClippedCosines(OwnHinge):
    def hinge(self, neg, pos):
        return tape.relu(tape.relu(neg) - tape.relu(pos) + self.alpha)


@mutant("no-positive-is-zero", "memory.loss.no-positive-nearby",
        "a missing positive counts as cosine 0", "the paper's first revision; TF, LSH, CH")
class NoPositiveIsZero(Paper):
    def row_loss(self, q, positive, negative):
        far = positive == EMPTY and negative != EMPTY and self.label in self.values
        return tape.relu(dot(q, self.keys[negative]) + self.alpha) if far else super().row_loss(q, positive, negative)

    def positive(self, label, near, ranking):
        self.label = label
        return super().positive(label, near, [])


@mutant("no-positive-is-skipped", "memory.loss.no-positive-nearby",
        "a row without a positive nearby is skipped")
class NoPositiveIsSkipped(Paper):
    def positive(self, label, near, ranking):
        return super().positive(label, near, [])


@mutant("no-positive-takes-first-slot", "memory.loss.no-positive-nearby",
        "the positive from outside the neighbours is the first slot with the value, not the nearest", "EB")
class NoPositiveTakesFirst(Paper):
    def positive(self, label, near, ranking):
        return super().positive(label, near, sorted(ranking))


@mutant("absent-value-loses", "memory.loss.nothing-to-compare",
        "a value that is nowhere in the memory still pushes the best wrong key away", "TF")
class AbsentValueLoses(Paper):
    def row_loss(self, q, positive, negative):
        if positive == EMPTY and negative != EMPTY:
            return tape.relu(dot(q, self.keys[negative]) + self.alpha)
        return super().row_loss(q, positive, negative)


@mutant("no-negative-loses", "memory.loss.nothing-to-compare",
        "a missing negative counts as cosine 0", "TF, LSH")
class NoNegativeLoses(Paper):
    def row_loss(self, q, positive, negative):
        if negative == EMPTY and positive != EMPTY:
            return tape.relu(self.alpha - dot(q, self.keys[positive]) + 1.0)
        return super().row_loss(q, positive, negative)


@mutant("loss-summed", "memory.loss.batch-mean", "the loss is summed over the batch")
class LossSummed(Paper):
    def batch_loss(self, losses, reads):
        return mean(losses) * len(losses)


@mutant("loss-mean-of-active", "memory.loss.batch-mean",
        "the loss is averaged over the rows that lose, not over all")
class LossMeanOfActive(Paper):
    def batch_loss(self, losses, reads):
        return mean([loss for loss in losses if loss.value > 0] or losses)


@mutant("loss-b-by-b", "memory.loss.batch-mean", "the loss is averaged over B x B pairs of rows",
        "tensorflow/models#5306: [B, 1] - [B] broadcasts")
class LossBByB(Paper):
    def row_loss(self, q, positive, negative):
        loss = super().row_loss(q, positive, negative)
        compared = positive != EMPTY and negative != EMPTY
        self.pairs = [*getattr(self, "pairs", []), (q, positive, negative) if compared else None]
        return loss

    def batch_loss(self, losses, reads):
        pairs = [(dot(q, self.keys[b]), dot(q, self.keys[p])) for q, p, b in filter(None, self.pairs)]
        self.pairs = []
        crossed = [tape.relu(neg - pos + self.alpha) for neg, _ in pairs for _, pos in pairs]
        return mean(crossed) if crossed else mean(losses)


@mutant("gradient-of-negative-lost", "memory.loss.gradient",
        "only the right key pulls: the wrong one carries no gradient")
class GradientOfNegativeLost(OwnHinge):
    def hinge(self, neg, pos):
        return tape.relu(-pos + (neg.value + self.alpha))


@mutant("gradient-of-positive-lost", "memory.loss.gradient",
        "only the wrong key pushes: the right one carries no gradient")
class GradientOfPositiveLost(OwnHinge):
    def hinge(self, neg, pos):
        return tape.relu(neg + (self.alpha - pos.value))


@mutant("shut-hinge-leaks", "memory.loss.shut-hinge", "the gradient ignores that the hinge is shut")
class ShutHingeLeaks(OwnHinge):
    def hinge(self, neg, pos):
        slack = neg - pos + self.alpha
        return slack if slack.value > 0 else slack - slack.value
