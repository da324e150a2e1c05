"""Mistakes in attention."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.loops import taped_softmax
from refmem.conformance.oracles.operation import stopped
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


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
