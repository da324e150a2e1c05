"""Numbers that remember how they were made: reverse-mode derivatives, one float at a time.

It serves the oracles as a second opinion on derivatives worked out on paper: nothing here knows a derivation,
only the slope of +, *, /, sqrt, exp and max(0, x).
"""

import math
from itertools import count

_serials = count()


class Number:
    """A float, and for each number it was made from the slope with respect to it."""

    __slots__ = ("value", "made_from", "serial")

    def __init__(self, value, made_from=()):
        self.value = float(value)
        self.made_from = made_from  # pairs (number, slope)
        self.serial = next(_serials)  # whatever a number is made from has a smaller one

    def __add__(self, other):
        if isinstance(other, Number):
            return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))
        return Number(self.value + other, ((self, 1.0),))

    def __mul__(self, other):
        if isinstance(other, Number):
            return Number(self.value * other.value, ((self, other.value), (other, self.value)))
        return Number(self.value * other, ((self, float(other)),))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        if isinstance(other, Number):
            quotient = self.value / other.value
            return Number(quotient, ((self, 1.0 / other.value), (other, -quotient / other.value)))
        return Number(self.value / other, ((self, 1.0 / other),))


def sqrt(x):
    root = math.sqrt(x.value)
    return Number(root, ((x, 0.5 / root),))


def exp(x):
    power = math.exp(x.value)
    return Number(power, ((x, power),))


def relu(x):
    """max(0, x), with slope 0 at 0 itself."""
    return Number(x.value, ((x, 1.0),)) if x.value > 0 else Number(0.0)


def gradients(outputs, inputs):
    """sum_o weight_o * d output_o / d input_i for each input; `outputs` are pairs (number, weight)."""
    arrived = {}  # id of a number -> [number, what has been carried back to it so far]
    waiting = []
    for number, weight in outputs:
        arrived.setdefault(id(number), [number, 0.0])[1] += weight
        waiting.append(number)
    while waiting:  # everything that the outputs were made from
        for source, _ in waiting.pop().made_from:
            if id(source) not in arrived:
                arrived[id(source)] = [source, 0.0]
                waiting.append(source)
    for entry in sorted(arrived.values(), key=lambda entry: -entry[0].serial):
        number, carried = entry
        for source, slope in number.made_from:
            arrived[id(source)][1] += carried * slope
    return [arrived[id(number)][1] if id(number) in arrived else 0.0 for number in inputs]
