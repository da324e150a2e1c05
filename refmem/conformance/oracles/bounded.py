"""Numbers that know how far rounding can move them: what the tolerances of the vectors are derived from.

The standard model of floating point is fl(x op y) = (x op y)(1 + delta), |delta| <= c u, where u = eps / 2 is the unit
roundoff of the dtype and c counts the roundings of the operation (`COST`). To first order the error of a result y is
the sum over all operations z that led to it

    |error(y)| <= u sum_z |dy/dz| r_z,      r_z = c_z |z|,

a bound that no assignment of the deltas can exceed. It is computed by one backward sweep over the operations, with
all outputs side by side.

The bound holds for every order of summation: a sum of n terms, added up in any order or as a tree, makes n - 1
roundings, the last of the sum itself and the others of partial sums that are no larger than sum |terms|, so

    r_sum = |sum_i term_i| + (n - 2) sum_i |term_i|.

Fused multiply-adds only leave roundings out.
"""

import math
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.conformance.oracles.scalars import Arithmetic, Scalar, plain

COST = {"product": 1.0, "quotient": 4.0, "sqrt": 4.0, "exp": 4.0, "log": 4.0, "tanh": 4.0}
"""Roundings of an operation, in units of u. IEEE 754 rounds sums and products correctly: 1. Quotients and functions
are allowed 2 ulp = 4 u: what the CUDA C++ Programming Guide states as the largest error of division and rsqrt without
IEEE rounding and of expf and tanhf, and more than the C libraries and vector libraries on CPUs state."""

SLOPE: dict[str, Callable[[float, float], float]] = {
    "sqrt": lambda x, y: 0.5 / y if y else 0.0,  # at 0 nothing was moved
    "exp": lambda x, y: y,
    "log": lambda x, y: 1.0 / x,
    "tanh": lambda x, y: 1.0 - y * y,
}
"""dy/dx of each function, from x and y."""

_serials = count()


class Bounded(Arithmetic):
    """A float, what it was made from, and the rounding that making it added."""

    __slots__ = ("made_from", "rounding", "mass", "count", "serial")

    made_from: tuple[tuple["Bounded", float], ...]
    rounding: float
    mass: float
    count: int
    serial: int

    def __init__(self, value: float, made_from: tuple[tuple["Bounded", float], ...] = (),
                 rounding: float = 0.0) -> None:
        self.value, self.made_from, self.rounding, self.serial = value, made_from, rounding, next(_serials)
        self.mass, self.count = abs(value), 1  # of a sum: sum |terms|, and how many there are

    def plus(self, other: Scalar) -> "Bounded":
        more = _bounded(other)
        return _sum(self.value + more.value, self._terms() + more._terms(), self.mass + more.mass)

    def negative(self) -> "Bounded":
        return _sum(-self.value, tuple((term, -sign) for term, sign in self._terms()), self.mass)

    def times(self, other: Scalar) -> "Bounded":
        y = self.value * plain(other)
        cost = COST["product"] if not _is_power_of_two(other) else 0.0
        return Bounded(y, *_pair(self, plain(other), other, self.value, cost * abs(y)))

    def over(self, other: Scalar) -> "Bounded":
        b = plain(other)
        y = self.value / b
        cost = COST["quotient"] if not _is_power_of_two(other) else 0.0
        return Bounded(y, *_pair(self, 1.0 / b, other, -y / b, cost * abs(y)))

    def under(self, other: float) -> "Bounded":
        y = other / self.value
        return Bounded(y, ((self, -y / self.value),), (COST["quotient"] + _unrepresentable(other)) * abs(y))

    def one(self) -> "Bounded":
        return Bounded(1.0)

    def call(self, name: str) -> "Bounded":
        y = getattr(math, name)(self.value)
        return Bounded(y, ((self, SLOPE[name](self.value, y)),), COST[name] * abs(y))

    def _terms(self) -> tuple[tuple["Bounded", float], ...]:
        """The terms of a sum with their signs; a number that is no sum is its own one term."""
        return self.made_from if self.count > 1 else ((self, 1.0),)


def _sum(value: float, terms: tuple[tuple[Bounded, float], ...], mass: float) -> Bounded:
    total = Bounded(value, terms, abs(value) + (len(terms) - 2) * mass if len(terms) > 1 else 0.0)
    total.mass, total.count = mass, len(terms)
    return total


def _bounded(x: Scalar) -> Bounded:
    return x if isinstance(x, Bounded) else Bounded(float(x), (), _unrepresentable(x) * abs(float(x)))


def _pair(a: Bounded, slope_a: float, b: Scalar, slope_b: float,
          rounding: float) -> tuple[tuple[tuple[Bounded, float], ...], float]:
    """What a product or quotient was made from, and its rounding, to which a constant adds its own."""
    if isinstance(b, Bounded):
        return ((a, slope_a), (b, slope_b)), rounding
    return ((a, slope_a),), rounding + _unrepresentable(b) * abs(slope_b * float(b))


def _unrepresentable(x: float) -> float:
    """1 for a constant that float32 has to round, such as alpha = 0.1."""
    return float(float(np.float32(x)) != x)


def _is_power_of_two(x: Scalar) -> bool:
    return isinstance(x, (int, float)) and abs(math.frexp(x)[0]) == 0.5


def bounds(outputs: Sequence[Any]) -> npt.NDArray[np.float64]:
    """sum_z |dy/dz| r_z for each output y, in units of the unit roundoff; 0 for what is no computed number."""
    seeds: dict[int, list[int]] = {}
    for i, y in enumerate(outputs):
        if isinstance(y, Bounded):
            seeds.setdefault(y.serial, []).append(i)
    moved = np.zeros(len(outputs))
    carried: dict[int, npt.NDArray[np.float64]] = {}  # by serial: the slopes of all outputs
    for number in _latest_first(outputs):
        slopes = carried.pop(number.serial, None)
        if slopes is None:
            slopes = np.zeros(len(outputs))
        slopes[seeds.get(number.serial, [])] += 1.0
        if number.rounding:
            moved += np.abs(slopes) * number.rounding
        for source, slope in number.made_from:
            if source.serial in carried:
                carried[source.serial] += slopes * slope
            elif source.made_from or source.rounding:  # inputs are what they are
                carried[source.serial] = slopes * slope
    return moved


def _latest_first(outputs: Sequence[Any]) -> list[Bounded]:
    """All that the outputs were made from; whatever a number was made from comes after it."""
    found = {y.serial: y for y in outputs if isinstance(y, Bounded)}
    waiting = list(found.values())
    while waiting:
        for source, _ in waiting.pop().made_from:
            if source.serial not in found and (source.made_from or source.rounding):
                found[source.serial] = source
                waiting.append(source)
    return [found[serial] for serial in sorted(found, reverse=True)]
