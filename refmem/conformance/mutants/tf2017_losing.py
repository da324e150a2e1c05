"""Mistakes in the loss of a memory that follows the released code.

Most are what somebody who follows the paper would write.
"""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/released.py`.

from refmem.conformance.mutants.registry import Released, mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import mean
from refmem.conformance.oracles.tape import Number


@mutant("tf-raw-cosines", "tf2017.loss.masked-zeros",
        "cosines of the wrong kind are left out instead of set to 0", "the paper")
class RawCosines(Released):
    def masked(self, s, h):
        present = [s_c for s_c, h_c in zip(s, h, strict=True) if h_c]
        least = min((s_c.value for s_c in present), default=0.0)
        return [s_c if h_c else Number(least - 1.0 if present else 0.0) for s_c, h_c in zip(s, h, strict=True)]


@mutant("tf-no-positive-skipped", "tf2017.loss.masked-zeros",
        "a row without a positive is skipped", "the paper")
class NoPositiveSkipped(Released):
    def hints(self, label, pool):
        self.h = super().hints(label, pool)
        return self.h

    def row_loss(self, pos, neg):
        return super().row_loss(pos, neg) if any(self.h) else Number(0.0)


@mutant("tf-no-minus-alpha", "tf2017.loss.minus-alpha",
        "alpha is not taken off the loss again", "the paper, LSH")
class NoMinusAlpha(Released):
    def row_loss(self, pos, neg):
        return super().row_loss(pos, neg) + self.alpha


@mutant("tf-margin-sign", "tf2017.loss.minus-alpha", "alpha is subtracted inside the hinge")
class MarginSign(Released):
    def row_loss(self, pos, neg):
        return tape.relu(neg - pos - self.alpha) - self.alpha


@mutant("tf-loss-summed", "memory.loss.batch-mean", "the loss is summed over the batch")
class LossSummed(Released):
    def batch_loss(self, losses, reads):
        return mean(losses) * len(losses)


@mutant("tf-loss-b-by-b", "memory.loss.batch-mean", "the loss is averaged over B x B pairs of rows",
        "tensorflow/models#5306: [B, 1] - [B] broadcasts")
class LossBByB(Released):
    def row_loss(self, pos, neg):
        self.pairs = [*getattr(self, "pairs", []), (pos, neg)]
        return super().row_loss(pos, neg)

    def batch_loss(self, losses, reads):
        pairs, self.pairs = self.pairs, []
        return mean([super(LossBByB, self).row_loss(pos, neg) for pos, _ in pairs for _, neg in pairs])


@mutant("tf-gradient-of-negative-lost", "memory.loss.gradient", "the wrong key carries no gradient")
class GradientOfNegativeLost(Released):
    def row_loss(self, pos, neg):
        return super().row_loss(pos, Number(neg.value))


@mutant("tf-masked-zero-pulls", "tf2017.loss.masked-gradient", "the gradient of a masked zero is not lost")
class MaskedZeroPulls(Released):
    def masked(self, s, h):
        return [s_c if h_c else s_c - s_c.value for s_c, h_c in zip(s, h, strict=True)]


@mutant("tf-shut-hinge-leaks", "memory.loss.shut-hinge", "the gradient ignores that the hinge is shut")
class ShutHingeLeaks(Released):
    def row_loss(self, pos, neg):
        slack = neg - pos + self.alpha
        return (slack if slack.value > 0 else slack - slack.value) - self.alpha
