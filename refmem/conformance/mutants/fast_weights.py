"""Mistakes in layer norm and in the fast weights; those of public programs say so."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/fast_weights.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.fast_weights import Loops, power, total
from refmem.conformance.oracles.loops import dot, taped_softmax, values_of
from refmem.conformance.oracles.tape import Number


# --- Layer norm -------------------------------------------------------------------------------------------------


@mutant("layer-norm-unbiased-variance", "layer_norm.forward", "the variance is divided by D - 1")
class Unbiased(Loops):
    def share(self, count):
        return count - 1


@mutant("layer-norm-no-gain", "layer_norm.forward", "the gain is missing")
class NoGain(Loops):
    def scaled(self, row, gain, bias):
        return [x + b for x, b in zip(row, bias, strict=True)]


@mutant("layer-norm-over-batch", "layer_norm.over-features", "mean and variance run over the batch",
        "jiamings/fast-weights, Victorwz/fast-weights-pytorch")
class OverBatch(Loops):
    def standardised(self, x, eps):
        columns = [self.standard(list(column), eps) for column in zip(*x, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]


@mutant("layer-norm-over-all", "layer_norm.over-features", "mean and variance are those of the whole batch")
class OverAll(Loops):
    def standardised(self, x, eps):
        flat = self.standard([number for row in x for number in row], eps)
        width = len(x[0])
        return [flat[start:start + width] for start in range(0, len(flat), width)]


@mutant("layer-norm-eps-outside", "layer_norm.eps", "eps is added to the standard deviation, not to the variance")
class EpsOutside(Loops):
    def deviation(self, variance, eps):
        return tape.sqrt(variance) + eps


@mutant("layer-norm-no-eps", "layer_norm.eps", "there is no eps", "jiamings/fast-weights")
class NoEps(Loops):
    def deviation(self, variance, eps):
        return tape.sqrt(variance)


@mutant("layer-norm-gradient-constant-statistics", "layer_norm.gradient",
        "mean and deviation are taken for constants on the way back")
class ConstantStatistics(Loops):
    def standard(self, row, eps):
        values = values_of(row)
        mean = sum(values) / len(row)
        variance = sum((x - mean) * (x - mean) for x in values) / len(row)
        deviation = scalars.sqrt(variance + eps)
        return [(x - mean) / deviation for x in row]


@mutant("layer-norm-gradient-bias-mean", "layer_norm.gradient", "the gradient of the bias is averaged over the rows")
class BiasMean(Loops):
    def gradient(self, op, name, slopes, options):
        return [s / 3.0 for s in slopes] if (op, name) == ("layer_norm", "bias") else slopes


# --- Reading by attention -----------------------------------------------------------------------------------------


@mutant("fast-read-latest-decayed", "fast_weights_attention.decay", "the latest state already counts lambda")
class LatestDecayed(Loops):
    def age(self, decay, tau, count):
        return power(decay, count - tau)


@mutant("fast-read-ages-reversed", "fast_weights_attention.decay", "the oldest state counts most")
class AgesReversed(Loops):
    def age(self, decay, tau, count):
        return power(decay, tau)


@mutant("fast-read-no-decay", "fast_weights_attention.decay", "nothing decays")
class NoDecay(Loops):
    def age(self, decay, tau, count):
        return decay * 0.0 + 1.0


@mutant("fast-read-softmax", "fast_weights_attention.scores", "the scores go through a softmax, as in other attention")
class SoftmaxScores(Loops):
    def scores(self, states, q):
        return taped_softmax(super().scores(states, q))


@mutant("fast-read-cosines", "fast_weights_attention.scores", "states are weighed by cosines")
class Cosines(Loops):
    def scores(self, states, q):
        return [score / (tape.sqrt(dot(h, h)) * tape.sqrt(dot(q, q)))
                for h, score in zip(states, super().scores(states, q), strict=True)]


@mutant("fast-read-eta-missing", "fast_weights_attention.forward", "eta is missing")
class EtaMissing(Loops):
    def eta(self, rate, count):
        return rate * 0.0 + 1.0


@mutant("fast-read-averaged", "fast_weights_attention.forward", "the sum is divided by the number of states")
class Averaged(Loops):
    def eta(self, rate, count):
        return rate / count


@mutant("fast-read-gradient-scores-constant", "fast_weights_attention.gradient",
        "the stored states get the gradient of one of their two places only")
class ScoresConstant(Loops):
    def scores(self, states, q):
        return [dot(values_of(h), q) for h in states]


@mutant("fast-read-gradient-decay-ignored", "fast_weights_attention.gradient", "lambda gets no gradient")
class DecayIgnored(Loops):
    def age(self, decay, tau, count):
        return power(Number(decay.value), count - 1 - tau)


# --- Reading the matrix -------------------------------------------------------------------------------------------


@mutant("fast-matrix-new-decayed", "fast_weights_matrix.learning",
        "the new product decays at once: lambda (A + eta h h^T)")
class NewDecayed(Loops):
    def learned(self, matrix, h, decay, rate):
        return [[decay * (a + rate * x * y) for a, y in zip(row, h, strict=True)]
                for row, x in zip(matrix, h, strict=True)]


@mutant("fast-matrix-keeps-all", "fast_weights_matrix.learning", "the old fast weights do not decay")
class KeepsAll(Loops):
    def learned(self, matrix, h, decay, rate):
        return super().learned(matrix, h, decay * 0.0 + 1.0, rate)


@mutant("fast-matrix-mixed", "fast_weights_matrix.learning", "A = lambda A + (1 - lambda) h h^T: a running mean")
class RunningMean(Loops):
    def learned(self, matrix, h, decay, rate):
        return super().learned(matrix, h, decay, rate * 0.0 + (1.0 - decay))


@mutant("fast-matrix-lag", "fast_weights_matrix.forward", "A(t-1) is read: the latest state is not in it",
        "waymane1/fast-weights-rnn")
class MatrixLag(Loops):
    def fast_weights(self, states, decay, rate):
        return super().fast_weights(states[:-1], decay, rate)


@mutant("fast-matrix-identity", "fast_weights_matrix.forward", "the query itself is added to the answer",
        "method 2 of the paper's appendix B, where it takes the place of the boundary")
class PlusIdentity(Loops):
    def answer(self, matrix, q):
        return [a + q_i for a, q_i in zip(super().answer(matrix, q), q, strict=True)]


@mutant("fast-matrix-gradient-one-side", "fast_weights_matrix.gradient",
        "dh = eta dA h: the transpose of dA is left out")
class OneSide(Loops):
    def product(self, x, y):
        return x * y.value


@mutant("fast-matrix-gradient-no-query", "fast_weights_matrix.gradient", "the query gets no gradient")
class NoQueryGradient(Loops):
    def gradient(self, op, name, slopes, options):
        return [s * 0.0 for s in slopes] if (op, name) == ("fast_weights_matrix", "query") else slopes


# --- Through time -------------------------------------------------------------------------------------------------


@mutant("fast-rnn-boundary-moves", "fast_weights_rnn.boundary", "W is applied to the state as it settles, not to h(t)")
class BoundaryMoves(Loops):
    def held(self, boundary, c_x, recurrent, state):
        return self.boundary(c_x, recurrent, state)


@mutant("fast-rnn-no-boundary", "fast_weights_rnn.boundary", "the inner loop lacks W h + C x")
class NoBoundary(Loops):
    def held(self, boundary, c_x, recurrent, state):
        return [b * 0.0 for b in boundary]


@mutant("fast-rnn-start-normed", "fast_weights_rnn.start", "h_0 is normalised too", "waymane1/fast-weights-rnn")
class StartNormed(Loops):
    def first(self, boundary, h, norm):
        return self.settled(boundary, norm)


@mutant("fast-rnn-start-is-last-state", "fast_weights_rnn.start", "the inner loop starts from h(t)")
class StartIsLastState(Loops):
    def first(self, boundary, h, norm):
        return h


@mutant("fast-rnn-lag", "fast_weights_rnn.no-lag", "step t+1 reads A(t-1)", "waymane1/fast-weights-rnn")
class Lag(Loops):
    def known(self, stored):
        return stored[:-1]


@mutant("fast-rnn-only-latest", "fast_weights_rnn.no-lag", "only the latest state is read")
class OnlyLatest(Loops):
    def known(self, stored):
        return stored[-1:]


@mutant("fast-rnn-one-iteration", "fast_weights_rnn.inner-loop", "there is one iteration, whatever S is")
class OneIteration(Loops):
    def iterations(self, steps):
        return 1


@mutant("fast-rnn-one-too-many", "fast_weights_rnn.inner-loop", "there is one iteration too many")
class OneTooMany(Loops):
    def iterations(self, steps):
        return steps + 1


@mutant("fast-rnn-no-norm", "fast_weights_rnn.inner-loop", "the layer norm is missing")
class NoNorm(Loops):
    def settled(self, sums, norm):
        return super().settled(sums, None)


@mutant("fast-rnn-preliminary-stored", "fast_weights_rnn.stored", "h_0 is stored instead of the settled state",
        "jiamings/fast-weights, GokuMohandas/fast-weights, which also read it at once")
class PreliminaryStored(Loops):
    def stored(self, h, first):
        return first


@mutant("fast-rnn-direction-stored", "fast_weights_rnn.stored", "the state is stored at length 1")
class DirectionStored(Loops):
    def stored(self, h, first):
        length = tape.sqrt(total([x * x for x in h]))
        return [x / length for x in h]


@mutant("fast-rnn-gradient-not-into-stored", "fast_weights_rnn.gradient",
        "what is in A is taken for a constant: no gradient reaches the states that were stored")
class NotIntoStored(Loops):
    def known(self, stored):
        return [[Number(x.value) for x in h] for h in stored]


@mutant("fast-rnn-gradient-one-step", "fast_weights_rnn.gradient", "no gradient goes back through W to the step before")
class OneStepBack(Loops):
    def carried(self, h):
        return [Number(x.value) for x in h]
