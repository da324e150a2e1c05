"""Mistakes in the cross-entropy with padding and smoothed labels."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


@mutant("masked-cross-entropy-of-label", "masked_cross_entropy.forward", "the loss is minus the label's logit")
class OfLabel(Loops):
    def row_loss(self, row, label, smoothing):
        return -row[label] + row[0] * 0.0


@mutant("masked-cross-entropy-of-two", "masked_cross_entropy.forward", "logarithms are to base 2")
class BaseTwo(Loops):
    def row_loss(self, row, label, smoothing):
        return super().row_loss(row, label, smoothing) * 1.4426950408889634


@mutant("masked-cross-entropy-mask-ignored", "masked_cross_entropy.padding", "padding loses as if its label were 0")
class LossOfPadding(Loops):
    def padded(self, row, smoothing):
        return self.row_loss(row, 0, smoothing)


@mutant("masked-cross-entropy-smoothing-at-padding", "masked_cross_entropy.padding",
        "padding is taken as a label that no class has: the log of the sum is left")
class SumAtPadding(Loops):
    def padded(self, row, smoothing):
        return self.row_loss(row, -1, smoothing)


@mutant("smoothing-among-the-others", "masked_cross_entropy.smoothing", "eps is shared among the C - 1 other classes",
        "the code released for the Neural GPU")
class AmongTheOthers(Loops):
    def wanted(self, is_label, smoothing, classes):
        return 1 - smoothing if is_label else smoothing / (classes - 1)


@mutant("smoothing-off", "masked_cross_entropy.smoothing", "there is no smoothing")
class SmoothingOff(Loops):
    def wanted(self, is_label, smoothing, classes):
        return float(is_label)


@mutant("smoothing-not-a-distribution", "masked_cross_entropy.smoothing",
        "the label keeps 1 and the others are given eps / C besides: q sums to more than 1")
class NotADistribution(Loops):
    def wanted(self, is_label, smoothing, classes):
        return 1.0 if is_label else smoothing / classes


@mutant("masked-cross-entropy-gradient-at-padding", "masked_cross_entropy.gradient",
        "the loss is 0 at padding, but its gradient is not")
class GradientAtPadding(Loops):
    def padded(self, row, smoothing):
        return Number(0.0, ((self.row_loss(row, 0, smoothing), 1.0),))


@mutant("masked-cross-entropy-gradient-hard", "masked_cross_entropy.gradient",
        "the gradient is softmax less one-hot, without the smoothing")
class GradientHard(Loops):
    def row_loss(self, row, label, smoothing):
        return Number(super().row_loss(row, label, smoothing).value, ((super().row_loss(row, label, 0.0), 1.0),))
