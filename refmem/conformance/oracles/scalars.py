"""What the oracles count with: floats, floats that are disturbed at every operation, or numbers of 50 digits.

The loops of the oracles only add, subtract, multiply, divide, compare, and call the three functions below. So one
text of the equations gives three things: a check (floats), how far rounding can move each result
(`Disturbed`), and the expected value of a vector (mpmath, an extra that only the making of vectors needs).
"""

import math
from typing import Any, TypeAlias

Scalar: TypeAlias = Any

UNIT = 2.0**-30
"""Relative disturbance of an operation: far above the rounding of a float64, far below the gaps between choices."""


class Disturbed:
    """A float whose every operation is off by a relative error of at most `UNIT`.

    The standard model of floating point is fl(x op y) = (x op y)(1 + delta), |delta| <= u. To first order
    the error of a result is proportional to u, so that what is measured for `UNIT` can be scaled to any dtype.
    Like rounding, delta depends on the number alone, so that what is equal stays equal; each seed has its own deltas.
    """

    __slots__ = ("value", "seed")

    def __init__(self, value: float, seed: int) -> None:
        self.value, self.seed = value, seed

    def _rounded(self, exact: float) -> "Disturbed":
        scrambled = (hash(exact) ^ self.seed * 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93 >> 16 & 0xFFFFFFFF
        return Disturbed(exact * (1.0 + UNIT * (scrambled / 2.0**31 - 1.0)), self.seed)

    def __add__(self, other: Scalar) -> "Disturbed":
        if plain(other) == 0.0 or self.value == 0.0:  # no rounding: exact in every dtype
            return Disturbed(self.value + plain(other), self.seed)
        return self._rounded(self.value + plain(other))

    def __sub__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value - plain(other))

    def __rsub__(self, other: Scalar) -> "Disturbed":
        return self._rounded(plain(other) - self.value)

    def __mul__(self, other: Scalar) -> "Disturbed":
        if abs(plain(other)) == 1.0 or abs(self.value) == 1.0:
            return Disturbed(self.value * plain(other), self.seed)
        return self._rounded(self.value * plain(other))

    def __truediv__(self, other: Scalar) -> "Disturbed":
        return self._rounded(self.value / plain(other))

    def __rtruediv__(self, other: Scalar) -> "Disturbed":
        return self._rounded(plain(other) / self.value)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Disturbed":
        return Disturbed(-self.value, self.seed)

    def __abs__(self) -> "Disturbed":
        return Disturbed(abs(self.value), self.seed)

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
