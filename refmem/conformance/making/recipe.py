"""A recipe: everything of a case but its answer, in float64; and the small tools that recipes are written with."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.conformance.case import HostArray


@dataclass(frozen=True)
class Recipe:
    """Two cases are made of it, one a dtype."""

    group: str
    name: str
    rules: tuple[str, ...]
    level: str
    title: str
    check: tuple[str, ...]
    """The outputs that are compared, in the order of the computation."""
    steps: list[dict[str, Any]]
    profile: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    """"Tie": equal numbers are part of the case. "Kink": a derivative that does not exist is settled."""
    needs: tuple[str, ...] = ()


INTEGERS = ("labels", "oldest", "sources", "values", "ages", "recent", "actions", "shuffles", "tokens", "mask")
STAY_DOUBLE = ("noise", "uniforms")
"""Random numbers, which are float64 whatever the case counts in."""


def cast(arrays: dict[str, Any], dtype: str) -> dict[str, HostArray]:
    """Arrays of the case's dtype; what counts or names is int64, and random numbers stay float64.

    Whole numbers count or name. `values` name classes in a memory and measure elsewhere: an array of floats stays one.
    """
    def kind(name: str, x: Any) -> str:
        measured = isinstance(x, np.ndarray) and x.dtype.kind == "f"
        if np.asarray(x).dtype.kind in "iub" or (name in INTEGERS and not measured):
            return "int64"
        return "float64" if name in STAY_DOUBLE else dtype

    return {name: np.asarray(x, dtype=kind(name, x)) for name, x in arrays.items()}


class Draw:
    """Numbers that are the same on every machine and with every NumPy."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def numbers(self, *shape: int, scale: float = 1.0) -> npt.NDArray[np.float64]:
        """Uniform in [-scale, scale)."""
        flat = [scale * (2 * self.rng.random() - 1) for _ in range(math.prod(shape))]
        return np.array(flat).reshape(shape)

    def units(self, count: int, d: int) -> npt.NDArray[np.float64]:
        """`count` directions."""
        return np.array([unit(row) for row in self.numbers(count, d).tolist()]).reshape(count, d)

    def near(self, rows: Sequence[Sequence[float]], off: float) -> npt.NDArray[np.float64]:
        """Directions that lie about `off` beside the given ones."""
        return np.array([unit([x + off * (2 * self.rng.random() - 1) for x in row]) for row in rows])

    def labels(self, count: int, classes: int) -> list[int]:
        return [self.rng.randrange(classes) for _ in range(count)]


def unit(x: Sequence[float]) -> list[float]:
    """`x` at length 1."""
    length = math.sqrt(math.fsum(x_i * x_i for x_i in x))
    return [x_i / length for x_i in x]
