"""Mistakes in the sigmoid and the tanh."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


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
