"""Numbers that remember how they were made: reverse-mode derivatives, one number at a time.

It serves the oracles as a second opinion on derivatives worked out on paper: nothing here knows a derivation,
only the slope of +, *, /, sqrt, exp, log, tanh and max(0, x).
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from refmem.conformance.oracles import scalars
from refmem.conformance.oracles.scalars import Scalar

_serials = count()


class Number:
    """A scalar, and for each number it was made from the slope with respect to it."""

    __slots__ = ("value", "made_from", "serial")

    def __init__(self, value: Scalar, made_from: tuple[tuple["Number", Scalar], ...] = ()) -> None:
        self.value = value
        self.made_from = made_from  # pairs (number, slope)
        self.serial = next(_serials)  # whatever a number is made from has a smaller one

    def __add__(self, other: Any) -> "Number":
        if isinstance(other, Number):
            return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))
        return Number(self.value + other, ((self, 1.0),))

    def __mul__(self, other: Any) -> "Number":
        if isinstance(other, Number):
            return Number(self.value * other.value, ((self, other.value), (other, self.value)))
        return Number(self.value * other, ((self, other),))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Number":
        return Number(-self.value, ((self, -1.0),))

    def __sub__(self, other: Any) -> "Number":
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> "Number":
        return self.__neg__().__add__(other)

    def __truediv__(self, other: Any) -> "Number":
        if isinstance(other, Number):
            quotient = self.value / other.value
            return Number(quotient, ((self, 1.0 / other.value), (other, -quotient / other.value)))
        return Number(self.value / other, ((self, scalars.reciprocal(other, self.value)),))


def sqrt(x: Number) -> Number:
    root = scalars.sqrt(x.value)
    return Number(root, ((x, 0.5 / root),))


def exp(x: Number) -> Number:
    power = scalars.exp(x.value)
    return Number(power, ((x, power),))


def log(x: Number) -> Number:
    return Number(scalars.log(x.value), ((x, 1.0 / x.value),))


def tanh(x: Number) -> Number:
    y = scalars.tanh(x.value)
    return Number(y, ((x, 1.0 - y * y),))


def relu(x: Number) -> Number:
    """max(0, x), with slope 0 at 0 itself."""
    return Number(x.value, ((x, 1.0),)) if x.value > 0 else Number(0.0)


def constant(x: Any) -> Any:
    """The value of a number without its past: a gradient stop."""
    return x.value if isinstance(x, Number) else x


def gradients(outputs: Sequence[tuple[Number, Scalar]], inputs: Sequence[Number]) -> list[Scalar]:
    """sum_o weight_o * d output_o / d input_i for each input; `outputs` are pairs (number, weight)."""
    arrived: dict[int, list[Any]] = {}  # id of a number -> [number, what has been carried back to it so far]
    waiting: list[Number] = []
    for number, weight in outputs:
        entry = arrived.setdefault(id(number), [number, 0.0])
        entry[1] = entry[1] + weight
        waiting.append(number)
    while waiting:  # everything that the outputs were made from
        for source, _ in waiting.pop().made_from:
            if id(source) not in arrived:
                arrived[id(source)] = [source, 0.0]
                waiting.append(source)
    for number, carried in sorted(arrived.values(), key=lambda entry: -entry[0].serial):
        for source, slope in number.made_from:
            arrived[id(source)][1] = arrived[id(source)][1] + carried * slope
    return [arrived[id(number)][1] if id(number) in arrived else 0.0 for number in inputs]
