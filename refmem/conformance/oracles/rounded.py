"""Numbers of the dtype itself, added up as another machine might: the runs whose spread the tolerances must cover."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refmem.conformance.oracles.scalars import Arithmetic, Scalar, plain

Term = tuple[float, float]  # a product as the nearest number of the dtype, and what was rounded off


@dataclass(frozen=True)
class Machine:
    """One way to compute: the dtype, the order of a sum, and two liberties that compilers take."""

    dtype: str
    order: str = "forward"  # or "backward", "pairwise", or "permuted N"
    fused: bool = False  # products are added before they are rounded
    reciprocal: bool = False  # a / b is a times the rounded 1 / b

    def __call__(self, x: float) -> "Rounded":
        """A number of this machine."""
        return Rounded(self.rounded(x), self)

    def rounded(self, x: float) -> float:
        """The nearest number of the dtype."""
        return float(np.float32(x)) if self.dtype == "float32" else x

    def sum(self, terms: tuple[Term, ...]) -> float:
        """All terms, in the machine's order."""
        kind, _, seed = self.order.partition(" ")
        if kind == "pairwise":
            return self._pairwise(terms)
        if kind == "backward":
            terms = terms[::-1]
        elif kind == "permuted":  # by the length alone: what is equal stays equal
            terms = tuple(random.Random(int(seed) * 1000 + len(terms)).sample(terms, len(terms)))
        total = terms[0][0]
        for term in terms[1:]:
            total = self._added(total, term)
        return total

    def _pairwise(self, terms: tuple[Term, ...]) -> float:
        if len(terms) <= 2:
            return terms[0][0] if len(terms) == 1 else self._added(terms[0][0], terms[1])
        half = len(terms) // 2
        return self.rounded(self._pairwise(terms[:half]) + self._pairwise(terms[half:]))

    def _added(self, total: float, term: Term) -> float:
        return self.rounded(math.fsum((total, *term)) if self.fused else total + term[0])


def machines(dtype: str) -> list[Machine]:
    """The ways in which every vector is computed."""
    return [Machine(dtype), Machine(dtype, "backward"), Machine(dtype, "pairwise"), Machine(dtype, "permuted 1"),
            Machine(dtype, "permuted 2"), Machine(dtype, fused=True), Machine(dtype, "pairwise", reciprocal=True),
            Machine(dtype, "backward", fused=True, reciprocal=True)]


class Rounded(Arithmetic):
    """A number of a machine. A sum remembers its terms until something else is done with it."""

    __slots__ = ("machine", "terms")

    def __init__(self, value: float, machine: Machine, terms: tuple[Term, ...] | None = None) -> None:
        self.value, self.machine = value, machine
        self.terms = ((value, 0.0),) if terms is None else terms

    def plus(self, other: Scalar) -> "Rounded":
        more = other.terms if isinstance(other, Rounded) else ((self.machine.rounded(float(other)), 0.0),)
        terms = self.terms + more
        return Rounded(self.machine.sum(terms), self.machine, terms)

    def negative(self) -> "Rounded":
        return Rounded(-self.value, self.machine, tuple((-high, -low) for high, low in self.terms))

    def times(self, other: Scalar) -> "Rounded":
        a, b = self.value, self.machine.rounded(plain(other))
        y = self.machine.rounded(a * b)
        return Rounded(y, self.machine, ((y, _rounded_off(a, b, y)),))

    def over(self, other: Scalar) -> "Rounded":
        return self._quotient(self.value, self.machine.rounded(plain(other)))

    def under(self, other: float) -> "Rounded":
        return self._quotient(self.machine.rounded(other), self.value)

    def _quotient(self, a: float, b: float) -> "Rounded":
        if self.machine.reciprocal:
            return Rounded(self.machine.rounded(a * self.machine.rounded(1.0 / b)), self.machine)
        return Rounded(self.machine.rounded(a / b), self.machine)

    def one(self) -> "Rounded":
        return Rounded(1.0, self.machine)

    def call(self, name: str) -> "Rounded":
        function: Callable[[float], Any] = getattr(math, name)
        return Rounded(self.machine.rounded(function(self.value)), self.machine)


SPLIT = 2.0**27 + 1


def _rounded_off(a: float, b: float, y: float) -> float:
    """a b - y, exactly (Dekker 1971): the halves of a and b have products without rounding."""
    if not math.isfinite(SPLIT * a * b) or not math.isfinite(SPLIT * max(abs(a), abs(b))):
        return 0.0
    a_high = SPLIT * a - (SPLIT * a - a)
    b_high = SPLIT * b - (SPLIT * b - b)
    a_low, b_low = a - a_high, b - b_high
    return math.fsum((a_high * b_high, -y, a_high * b_low, a_low * b_high, a_low * b_low))
