"""Mistakes in the elementwise operations and those of rows."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/ops.py`.

import math

from refmem.conformance.mutants.registry import Ops, mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import SHORTEST, dot, taped_softmax
from refmem.conformance.oracles.tape import Number


# --- Elementwise ----------------------------------------------------------------------------------------------


@mutant("relu-leaky", "relu.forward", "negative numbers keep a hundredth: leaky")
class ReluLeaky(Ops):
    def relu(self, x, options):
        return [[x_i if x_i.value > 0 else Number(0.01 * x_i.value) for x_i in row] for row in x]


@mutant("relu-gradient-everywhere", "relu.gradient", "the gradient passes where x is negative")
class ReluEverywhere(Ops):
    def relu(self, x, options):
        return [[Number(max(0.0, x_i.value), ((x_i, 1.0 if x_i.value else 0.0),)) for x_i in row] for row in x]


@mutant("relu-slope-1-at-zero", "relu.at-zero", "the slope at 0 is 1")
class ReluAtZero(Ops):
    def relu(self, x, options):
        return [[Number(max(0.0, x_i.value), ((x_i, float(x_i.value >= 0)),)) for x_i in row] for row in x]


@mutant("relu-slope-half-at-zero", "relu.at-zero", "the slope at 0 is 1/2")
class ReluHalf(Ops):
    def relu(self, x, options):
        return [[Number(max(0.0, x_i.value), ((x_i, 0.5 if x_i.value == 0 else float(x_i.value > 0)),)) for x_i in row]
                for row in x]


@mutant("dropout-not-inverted", "dropout.inverted", "what is kept is not scaled up")
class NotInverted(Ops):
    def dropout(self, x, uniforms, options):
        return [[x_i * 1.0 if u < options["keep"] else Number(0.0) for x_i, u in zip(row, us, strict=True)]
                for row, us in zip(x, uniforms, strict=True)]


@mutant("dropout-scaled-by-rate", "dropout.inverted", "what is kept is divided by 1 - keep")
class ScaledByRate(Ops):
    def dropout(self, x, uniforms, options):
        keep = options["keep"]
        return [[x_i / (1 - keep) if u < keep else Number(0.0) for x_i, u in zip(row, us, strict=True)]
                for row, us in zip(x, uniforms, strict=True)]


@mutant("dropout-keep-is-rate", "dropout.keep-is-probability", "keep is taken for the probability to drop",
        "the argument of PyTorch")
class KeepIsRate(Ops):
    def kept(self, uniform, keep):
        return uniform >= keep


@mutant("dropout-gradient-not-scaled", "dropout.gradient", "the gradient is masked but not scaled up")
class DropoutGradient(Ops):
    def gradient(self, op, name, slopes, options):
        return [s * options["keep"] for s in slopes] if op == "dropout" else slopes


# --- Rows -----------------------------------------------------------------------------------------------------


@mutant("linear-weights-transposed", "linear.forward",
        "the weights are transposed", "nn.Linear keeps them so")
class WeightsTransposed(Ops):
    def linear(self, x, weights, bias, options):
        return [[dot(row, w) + b for w, b in zip(weights, bias, strict=True)] for row in x]


@mutant("linear-no-bias", "linear.bias", "the bias is missing")
class LinearNoBias(Ops):
    def linear(self, x, weights, bias, options):
        return super().linear(x, weights, [b * 0.0 for b in bias], options)


@mutant("linear-bias-gradient-mean", "linear.gradient", "the gradient of the bias is averaged over the batch")
class LinearBiasMean(Ops):
    def gradient(self, op, name, slopes, options):
        return [s / 4.0 for s in slopes] if (op, name) == ("linear", "bias") else slopes


@mutant("linear-gradient-transposed", "linear.gradient", "the gradient of the weights is transposed")
class LinearTransposedGradient(Ops):
    def gradient(self, op, name, slopes, options):
        return [slopes[3 * (i % 3) + i // 3] for i in range(9)] if (op, name) == ("linear", "weights") else slopes


@mutant("l2-sum-of-absolutes", "l2_normalize.forward", "rows are divided by the sum of absolute values")
class SumOfAbsolutes(Ops):
    def l2_normalize(self, x, options):
        lengths = [max(sum(abs(x_i.value) for x_i in row), SHORTEST) for row in x]
        return [[x_i / length for x_i in row] for row, length in zip(x, lengths, strict=True)]


@mutant("l2-over-batch", "l2_normalize.forward", "columns are normalised instead of rows",
        "the layer norm of jiamings/fast-weights takes the batch axis")
class OverBatch(Ops):
    def l2_normalize(self, x, options):
        columns = super().l2_normalize([list(column) for column in zip(*x, strict=True)], options)
        return [list(row) for row in zip(*columns, strict=True)]


@mutant("l2-eps-added", "l2_normalize.short-rows", "eps is added to the length instead of bounding it")
class EpsAdded(Ops):
    def l2_normalize(self, x, options):
        return [[x_i / (tape.sqrt(dot(row, row)) + SHORTEST) if any(y.value for y in row) else x_i for x_i in row]
                if dot(row, row).value < 1e-10 else super(EpsAdded, self).l2_normalize([row], options)[0] for row in x]


@mutant("l2-short-rows-stretched", "l2_normalize.short-rows", "short rows are stretched to length 1")
class ShortStretched(Ops):
    def l2_normalize(self, x, options):
        return [[x_i / tape.sqrt(dot(row, row)) if dot(row, row).value > 0 else x_i / SHORTEST for x_i in row]
                for row in x]


@mutant("l2-gradient-keeps-along", "l2_normalize.gradient",
        "the length is taken for a constant: what is along y stays")
class KeepsAlong(Ops):
    def l2_normalize(self, x, options):
        lengths = [max(dot(row, row).value**0.5, SHORTEST) for row in x]
        return [[x_i / length for x_i in row] for row, length in zip(x, lengths, strict=True)]


@mutant("softmax-over-batch", "softmax.forward", "the softmax runs over the batch axis")
class SoftmaxOverBatch(Ops):
    def softmax(self, x, options):
        columns = [taped_softmax(list(column)) for column in zip(*x, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]


@mutant("softmax-overflows", "softmax.large-scores",
        "the largest score is not taken off first: exp overflows")
class SoftmaxOverflows(Ops):
    def softmax(self, x, options):
        return [self.row(row) for row in x]

    def row(self, x):
        if max(abs(x_i.value) for x_i in x) > 700.0:
            return [x_i * math.nan for x_i in x]
        return taped_softmax(x)


@mutant("softmax-gradient-diagonal", "softmax.gradient", "the gradient is y (1 - y) dy, as of a sigmoid")
class SoftmaxDiagonal(Ops):
    def softmax(self, x, options):
        return [[Number(y.value, ((x_i, y.value * (1 - y.value)),))
                 for x_i, y in zip(row, taped_softmax(row), strict=True)] for row in x]


@mutant("cross-entropy-averaged", "softmax_cross_entropy.forward",
        "the loss of each row is divided by the batch")
class CrossEntropyAveraged(Ops):
    def softmax_cross_entropy(self, logits, labels, options):
        return [loss / float(len(labels)) for loss in super().softmax_cross_entropy(logits, labels, options)]


@mutant("cross-entropy-base-2", "softmax_cross_entropy.forward", "the logarithm has base 2")
class CrossEntropyBits(Ops):
    def softmax_cross_entropy(self, logits, labels, options):
        return [loss / math.log(2.0) for loss in super().softmax_cross_entropy(logits, labels, options)]


@mutant("cross-entropy-clipped", "softmax_cross_entropy.large-scores",
        "the probability is bounded by 1e-7 before its logarithm",
        "Keras")
class CrossEntropyClipped(Ops):
    def softmax_cross_entropy(self, logits, labels, options):
        return [loss if loss.value < 16.1 else Number(-math.log(1e-7)) for loss in
                super().softmax_cross_entropy(logits, labels, options)]


@mutant("cross-entropy-gradient-averaged", "softmax_cross_entropy.gradient",
        "the gradient is divided by the batch once more")
class CrossEntropyGradientAveraged(Ops):
    def cotangent(self, op, d_y, index):
        return d_y / 3.0 if op == "softmax_cross_entropy" else d_y


@mutant("cross-entropy-gradient-ignores-cotangent", "softmax_cross_entropy.gradient",
        "the cotangent of the loss is taken for 1")
class CotangentIgnored(Ops):
    def cotangent(self, op, d_y, index):
        return 1.0 if op == "softmax_cross_entropy" else d_y
