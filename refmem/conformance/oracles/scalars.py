"""What the oracles count with: floats, floats that are disturbed at every operation, or numbers of 50 digits.

The loops of the oracles only add, subtract, multiply, divide, compare, and call the three functions below. So one
text of the equations gives three things: a check (floats), how far rounding can move each result
(`Disturbed`), and the expected value of a vector (mpmath, an extra that only the making of vectors needs).
"""

import math
import random
from typing import Any, TypeAlias

Scalar: TypeAlias = Any

UNIT = 2.0**-30
"""Relative disturbance of an operation: far above the rounding of a float64, far below the gaps between choices."""


class Disturbed:
    """A float whose every operation is off by a random relative error of at most `UNIT`.

    The standard model of floating point is fl(x op y) = (x op y)(1 + delta), |delta| <= u. To first order
    the error of a result is proportional to u, so that what is measured for `UNIT` can be scaled to any dtype.
    """

    __slots__ = ("value", "rng")

    def __init__(self, value: float, rng: random.Random) -> None:
        self.value, self.rng = value, rng

    def _rounded(self, exact: float) -> "Disturbed":
        return Disturbed(exact * (1.0 + UNIT * (2.0 * self.rng.random() - 1.0)), self.rng)

    def __add__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value + plain(other))

    def __sub__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value - plain(other))

    def __rsub__(self, other: Scalar) -> "Disturbed":
        return self._rounded(plain(other) - self.value)

    def __mul__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value * plain(other))

    def __truediv__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value / plain(other))

    def __rtruediv__(self, other: Scalar) -> "Disturbed":
        return self._rounded(plain(other) / self.value)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Disturbed":
        return Disturbed(-self.value, self.rng)

    def __abs__(self) -> "Disturbed":
        return Disturbed(abs(self.value), self.rng)

    def __lt__(self, other: Scalar) -> bool:
        return self.value < plain(other)

    def __le__(self, other: Scalar) -> bool:
        return self.value <= plain(other)

    def __gt__(self, other: Scalar) -> bool:
        return self.value > plain(other)

    def __ge__(self, other: Scalar) -> bool:
        return self.value >= plain(other)

    def __eq__(self, other: object) -> bool:
        return self.value == plain(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __float__(self) -> float:
        return self.value

    def call(self, function: Any) -> "Disturbed":
        return self._rounded(function(self.value))


def plain(x: Any) -> float:
    """`x` as a float."""
    return x.value if isinstance(x, Disturbed) else float(x)


def sqrt(x: Scalar) -> Scalar:
    return _call("sqrt", x)


def exp(x: Scalar) -> Scalar:
    return _call("exp", x)


def log(x: Scalar) -> Scalar:
    return _call("log", x)


def _call(name: str, x: Scalar) -> Scalar:
    if isinstance(x, (int, float)):
        return getattr(math, name)(x)
    if isinstance(x, Disturbed):
        return x.call(getattr(math, name))
    return getattr(x.context, name)(x)  # a number of mpmath
