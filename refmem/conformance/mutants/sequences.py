"""Mistakes in the operations of sequence models."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import taped_softmax
from refmem.conformance.oracles.operation import nested
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


def stopped(x):
    """The numbers of nested lists without their past."""
    return nested(lambda number: Number(number.value) if isinstance(number, Number) else number, x)


# --- Squashing ------------------------------------------------------------------------------------------------


@mutant("sigmoid-hard", "sigmoid.forward", "it is the piecewise linear max(0, min(1, x / 4 + 1 / 2))")
class SigmoidHard(Loops):
    def logistic(self, x):
        y = x * 0.25 + 0.5
        return y if 0 < y.value < 1 else Number(0.0 if y.value <= 0 else 1.0)


@mutant("sigmoid-of-minus-x", "sigmoid.forward", "the sign of x is changed")
class SigmoidOfMinus(Loops):
    def logistic(self, x):
        return super().logistic(-x)


@mutant("sigmoid-clipped", "sigmoid.far-out", "x is clipped to -10 .. 10 first")
class SigmoidClipped(Loops):
    def logistic(self, x):
        return super().logistic(x if -10 < x.value < 10 else Number(-10.0 if x.value < 0 else 10.0))


@mutant("sigmoid-saturated", "sigmoid.far-out", "it is 0 or 1 beyond 10")
class SigmoidSaturated(Loops):
    def logistic(self, x):
        return super().logistic(x) if -10 < x.value < 10 else Number(0.0 if x.value < 0 else 1.0)


@mutant("sigmoid-gradient-y", "sigmoid.gradient", "the slope is y, without 1 - y")
class SigmoidSlopeY(Loops):
    def logistic(self, x):
        y = super().logistic(x).value
        return Number(y, ((x, y),))


@mutant("sigmoid-gradient-of-tangent", "sigmoid.gradient", "the slope is 1 - y^2, that of tanh")
class SigmoidSlopeOfTangent(Loops):
    def logistic(self, x):
        y = super().logistic(x).value
        return Number(y, ((x, 1.0 - y * y),))


@mutant("tanh-scaled", "tanh.forward", "it is LeCun's 1.7159 tanh(2 x / 3)")
class TangentScaled(Loops):
    def squashed(self, x):
        return tape.tanh(x * (2 / 3)) * 1.7159


@mutant("tanh-half", "tanh.forward", "it is tanh(x / 2)")
class TangentHalf(Loops):
    def squashed(self, x):
        return tape.tanh(x * 0.5)


@mutant("tanh-gradient-of-sigmoid", "tanh.gradient", "the slope is y (1 - y), that of the sigmoid")
class TangentSlopeOfSigmoid(Loops):
    def squashed(self, x):
        y = tape.tanh(x).value
        return Number(y, ((x, y * (1.0 - y)),))


@mutant("tanh-gradient-of-x", "tanh.gradient", "the slope is 1 - x^2: x stands for y")
class TangentSlopeOfX(Loops):
    def squashed(self, x):
        return Number(tape.tanh(x).value, ((x, 1.0 - x.value * x.value),))


# --- Embedding ------------------------------------------------------------------------------------------------


@mutant("embedding-counts-from-1", "embedding.lookup", "tokens count from 1")
class CountsFromOne(Loops):
    def looked_up(self, table, tokens, place):
        return table[tokens[place] - 1]


@mutant("embedding-scaled", "embedding.lookup", "vectors are multiplied by the root of their width", "the Transformer")
class EmbeddingScaled(Loops):
    def looked_up(self, table, tokens, place):
        return [x * len(table[0]) ** 0.5 for x in table[tokens[place]]]


@mutant("embedding-zero-is-padding", "embedding.lookup", "token 0 is padding, and its vector zero")
class ZeroIsPadding(Loops):
    def looked_up(self, table, tokens, place):
        row = table[tokens[place]]
        return row if tokens[place] else [Number(0.0) for _ in row]


@mutant("embedding-gradient-one-wins", "embedding.repeated-tokens-add-up",
        "of the occurrences of a token in a row one alone counts: table[tokens] += gradient")
class OneWins(Loops):
    def looked_up(self, table, tokens, place):
        row = table[tokens[place]]
        return stopped(row) if tokens[place] in tokens[place + 1:] else row


@mutant("embedding-gradient-averaged", "embedding.repeated-tokens-add-up",
        "the occurrences of a token are averaged")
class OccurrencesAveraged(Loops):
    def looked_up(self, table, tokens, place):
        count = float(tokens.count(tokens[place]))
        return [Number(x.value, ((x, 1.0 / count),)) for x in table[tokens[place]]]


# --- One step of an LSTM --------------------------------------------------------------------------------------


@mutant("lstm-gates-tensorflow", "lstm_cell.gates", "the blocks stand in the order i, g, f, o",
        "TensorFlow's BasicLSTMCell")
class GatesOfTensorFlow(Loops):
    def blocks(self, z, width):
        i, g, f, o = super().blocks(z, width)
        return i, f, g, o


@mutant("lstm-gates-onnx", "lstm_cell.gates", "the blocks stand in the order i, o, f, g", "ONNX")
class GatesOfOnnx(Loops):
    def blocks(self, z, width):
        i, o, f, g = super().blocks(z, width)
        return i, f, g, o


@mutant("lstm-gates-interleaved", "lstm_cell.gates", "the four numbers of a unit stand side by side")
class CellInterleaved(Loops):
    def blocks(self, z, width):
        return [z[n::4] for n in range(4)]


@mutant("lstm-forget-gate-missing", "lstm_cell.cell", "the forget gate is missing: c + i g",
        "the LSTM of 1997, before Gers et al.")
class ForgetGateMissing(Loops):
    def cell(self, i, f, g, c):
        return c + i * g


@mutant("lstm-gates-coupled", "lstm_cell.cell", "the forget gate is 1 - i")
class GatesCoupled(Loops):
    def cell(self, i, f, g, c):
        return (1.0 - i) * c + i * g


@mutant("lstm-cell-shown-raw", "lstm_cell.output", "the tanh of the cell is missing: h = o c")
class ShownRaw(Loops):
    def shown(self, o, c):
        return o * c


@mutant("lstm-output-gate-missing", "lstm_cell.output", "the output gate is missing: h = tanh(c)")
class OutputGateMissing(Loops):
    def shown(self, o, c):
        return tape.tanh(c)


@mutant("lstm-forget-bias-1", "lstm_cell.no-forget-bias", "1 is added to the sums of the forget gate",
        "TensorFlow's BasicLSTMCell")
class ForgetBiasOne(Loops):
    def forget_gate(self, sums):
        return super().forget_gate([x + 1.0 for x in sums])


@mutant("lstm-bias-twice", "lstm_cell.no-forget-bias", "the forget gate's bias counts twice",
        "b given to both biases of PyTorch")
class BiasTwice(Loops):
    def sums(self, x, h, w_x, w_h, bias):
        width = len(h)
        doubled = [b + b if width <= j < 2 * width else b for j, b in enumerate(bias)]
        return super().sums(x, h, w_x, w_h, doubled)


@mutant("lstm-gradient-cell-cut", "lstm_cell.gradient", "what comes back to the cell is forgotten")
class CellCut(Loops):
    def cotangent(self, op, d_y, index):
        return d_y * 0.0 if op == "lstm_cell" and index >= 4 else d_y


@mutant("lstm-gradient-tanh-slope-missing", "lstm_cell.gradient", "h hands its gradient to the cell without 1 - tanh^2")
class TangentSlopeMissing(Loops):
    def shown(self, o, c):
        y = tape.tanh(c).value
        return o * Number(y, ((c, 1.0),))


# --- A whole sequence -----------------------------------------------------------------------------------------


@mutant("lstm-state-forgotten", "lstm.in-turn", "each step starts from a zero state")
class StateForgotten(Loops):
    def handed_on(self, state):
        return tuple([Number(0.0) for _ in part] for part in state)


@mutant("lstm-cell-not-handed-on", "lstm.in-turn", "h goes to the next step, but c does not")
class CellNotHandedOn(Loops):
    def handed_on(self, state):
        return state[0], [Number(0.0) for _ in state[1]]


@mutant("lstm-mask-ignored", "lstm.padding-keeps-state", "the state goes on through padding")
class MaskIgnored(Loops):
    def waits(self, state, x, w_x, w_h, bias):
        return self.step(x, state, w_x, w_h, bias)


@mutant("lstm-padding-clears", "lstm.padding-keeps-state", "padding sets the state to zero")
class PaddingClears(Loops):
    def waits(self, state, x, w_x, w_h, bias):
        return tuple([Number(0.0) for _ in part] for part in state)


@mutant("lstm-zero-at-padding", "lstm.padding-keeps-state", "y is 0 at padding", "PyTorch's packed sequences")
class ZeroAtPadding(Loops):
    def at_padding(self, state):
        return [Number(0.0) for _ in state[0]]


@mutant("lstm-not-reversed", "lstm.reverse", "the sequence is read forwards")
class NotReversed(Loops):
    def order(self, length, reverse):
        return list(range(length))


@mutant("lstm-reversed-output", "lstm.reverse", "y stands in the order of the walk, not turned back")
class ReversedOutput(Loops):
    def in_place(self, out, walked):
        return [out[t] for t in walked]


@mutant("lstm-gradient-one-step", "lstm.gradient", "nothing goes back from a step to the one before")
class OneStep(Loops):
    def handed_on(self, state):
        return tuple(stopped(part) for part in state)


@mutant("lstm-gradient-cell-stopped", "lstm.gradient", "h carries the gradient back, but c does not")
class CellStopped(Loops):
    def handed_on(self, state):
        return state[0], stopped(state[1])


@mutant("lstm-gradient-averaged", "lstm.gradient", "the gradients of the weights are averaged over the steps")
class StepsAveraged(Loops):
    def gradient(self, op, name, slopes, options):
        return [s / 3.0 for s in slopes] if op == "lstm" and name in ("w_x", "w_h", "bias") else slopes


# --- Attention ------------------------------------------------------------------------------------------------


@mutant("attention-without-tanh", "additive_attention.scores", "the tanh is missing")
class WithoutTangent(Loops):
    def bent(self, x):
        return x


@mutant("attention-of-a-product", "additive_attention.scores", "the two parts are multiplied, not added")
class OfAProduct(Loops):
    def score(self, y, x, w_query, w_source, v):
        total = Number(0.0)
        for a, v_a in enumerate(v):
            total = total + v_a * self.bent(self.product(y, w_query, a) * self.product(x, w_source, a))
        return total


@mutant("attention-scores-scaled", "additive_attention.scores", "scores are divided by the root of their width",
        "the Transformer")
class ScoresScaled(Loops):
    def score(self, y, x, w_query, w_source, v):
        return super().score(y, x, w_query, w_source, v) / len(v) ** 0.5


@mutant("attention-context-of-the-best", "additive_attention.context", "the best source alone is taken")
class OfTheBest(Loops):
    def weighted(self, shares, column):
        best = max((s.value, i) for i, s in enumerate(shares) if isinstance(s, Number))[1]
        return column[best] + shares[best] * 0.0


@mutant("attention-context-averaged", "additive_attention.context", "the weighted sum is divided by its length")
class ContextAveraged(Loops):
    def weighted(self, shares, column):
        return super().weighted(shares, column) / float(len(column))


@mutant("attention-over-padding", "additive_attention.padding", "the softmax is taken over padding, too")
class OverPadding(Loops):
    def shares(self, scores, here):
        return taped_softmax(scores)


@mutant("attention-masked-after", "additive_attention.padding",
        "padding is set to 0 after the softmax, and what is left does not sum to 1")
class MaskedAfter(Loops):
    def shares(self, scores, here):
        return [share if there else 0.0 for share, there in zip(taped_softmax(scores), here, strict=True)]


@mutant("attention-padding-scores-0", "additive_attention.padding", "the score of padding is 0, not minus infinity")
class PaddingScoresZero(Loops):
    def shares(self, scores, here):
        return taped_softmax([score if there else Number(0.0) for score, there in zip(scores, here, strict=True)])


@mutant("attention-gradient-weights-stopped", "additive_attention.gradient", "the weights carry no gradient")
class WeightsStopped(Loops):
    def shares(self, scores, here):
        return [Number(s.value) if isinstance(s, Number) else s for s in super().shares(scores, here)]


@mutant("attention-gradient-sources-in-scores-only", "additive_attention.gradient",
        "the sources' own share in the context is forgotten")
class InScoresOnly(Loops):
    def weighted(self, shares, column):
        return super().weighted(shares, stopped(column))


# --- Cross-entropy --------------------------------------------------------------------------------------------


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


# --- Batch normalisation --------------------------------------------------------------------------------------


@mutant("batch-norm-bessel", "batch_norm.forward", "the variance is divided by B - 1",
        "the running variance of PyTorch")
class Bessel(Loops):
    def divided(self, spread, count):
        return spread / float(count - 1)


@mutant("batch-norm-eps-outside", "batch_norm.forward", "eps is added to the root, not under it")
class EpsOutside(Loops):
    def root(self, variance):
        return tape.sqrt(variance) + 1e-5


@mutant("batch-norm-own-statistics", "batch_norm.given-statistics", "the batch's own statistics are used all the same")
class OwnStatistics(Loops):
    def statistics(self, column, mean, variance):
        return super().statistics(column, None, None)


@mutant("batch-norm-deviation-given", "batch_norm.given-statistics", "the variance is taken for a standard deviation")
class DeviationGiven(Loops):
    def statistics(self, column, mean, variance):
        return super().statistics(column, mean, None if variance is None else variance * variance)


@mutant("batch-norm-gradient-statistics-constant", "batch_norm.gradient", "mean and variance pass no gradient")
class StatisticsConstant(Loops):
    def statistics(self, column, mean, variance):
        return super().statistics(stopped(column), mean, variance)


@mutant("batch-norm-gradient-variance-constant", "batch_norm.gradient", "the variance passes no gradient")
class VarianceConstant(Loops):
    def statistics(self, column, mean, variance):
        mean, variance = super().statistics(column, mean, variance)
        return mean, Number(variance.value) if isinstance(variance, Number) else variance
