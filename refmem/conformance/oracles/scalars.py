"""What the oracles count with: floats, numbers of 50 digits, or numbers that know about rounding.

The loops of the oracles only add, subtract, multiply, divide, compare, and call the functions below. So one text of
the equations gives several things: a check (floats), the expected value of a vector (mpmath, an extra that only the
making of vectors needs), a bound of what rounding can do (`bounded.Bounded`), and the answers of a machine that adds
up in another order (`rounded.Rounded`).
"""

import math
from typing import Any, TypeAlias

Scalar: TypeAlias = Any


class Arithmetic:
    """A number that is more than a float. A subclass says what a sum, a product, a quotient and a function are.

    What no arithmetic rounds is done here: adding nothing, changing the sign, comparing.
    """

    __slots__ = ("value",)

    value: float

    def plus(self, other: Scalar) -> "Arithmetic":
        raise TypeError(f"{type(self).__name__} does not say what a sum is")

    def times(self, other: Scalar) -> "Arithmetic":
        raise TypeError(f"{type(self).__name__} does not say what a product is")

    def over(self, other: Scalar) -> "Arithmetic":
        raise TypeError(f"{type(self).__name__} does not say what a quotient is")

    def under(self, other: float) -> "Arithmetic":
        """`other` / self."""
        raise TypeError(f"{type(self).__name__} does not say what a quotient is")

    def negative(self) -> "Arithmetic":
        raise TypeError(f"{type(self).__name__} does not say what its negative is")

    def one(self) -> "Arithmetic":
        """The number 1 of the same kind."""
        raise TypeError(f"{type(self).__name__} does not say what 1 is")

    def call(self, name: str) -> "Arithmetic":
        """sqrt, exp, log or tanh of it."""
        raise TypeError(f"{type(self).__name__} does not say what {name} is")

    def __add__(self, other: Scalar) -> Any:
        return self if is_exactly(other, 0.0) else self.plus(other)

    def __neg__(self) -> Any:
        return self.negative()

    def __sub__(self, other: Scalar) -> Any:
        return self + -other

    def __rsub__(self, other: Scalar) -> Any:
        return -self + other

    def __mul__(self, other: Scalar) -> Any:
        if is_exactly(other, 1.0) or is_exactly(other, -1.0):
            return self if plain(other) > 0 else -self
        return self.times(other)

    def __truediv__(self, other: Scalar) -> Any:
        return self if is_exactly(other, 1.0) else self.over(other)

    def __rtruediv__(self, other: float) -> Any:
        return self.under(other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __abs__(self) -> Any:
        return -self if self.value < 0 else self

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


def is_exactly(x: Scalar, number: float) -> bool:
    """Whether x is this number and no computed one that happens to have its value."""
    return isinstance(x, (int, float)) and x == number


def plain(x: Any) -> float:
    """`x` as a float."""
    return x.value if isinstance(x, Arithmetic) else float(x)


def reciprocal(x: float, like: Scalar) -> Scalar:
    """1 / x for a constant x, with the rounding that numbers of the kind of `like` make of it."""
    return like.one() / x if isinstance(like, Arithmetic) else 1.0 / x


def sqrt(x: Scalar) -> Scalar:
    return _call("sqrt", x)


def exp(x: Scalar) -> Scalar:
    return _call("exp", x)


def log(x: Scalar) -> Scalar:
    return _call("log", x)


def tanh(x: Scalar) -> Scalar:
    return _call("tanh", x)


def _call(name: str, x: Scalar) -> Scalar:
    if isinstance(x, (int, float)):
        return getattr(math, name)(x)
    if isinstance(x, Arithmetic):
        return x.call(name)
    return getattr(x.context, name)(x)  # a number of mpmath
