"""Mistakes in batch normalisation."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.operation import stopped
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


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
