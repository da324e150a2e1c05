"""Walk away from the place along one direction of one argument, and see whether the gradient foretold the slope.

What enters the tableau is the residual

    R(h) = (phi(x+) - phi(x-)) / 2h - <gradient, (x+ - x-) / 2h>,      x+ = fl(x + h u), x- = fl(x - h u),

whose limit is zero for a right gradient. Taking the gradient along the step that was really made removes the
rounding of x +- h u, which in float32 is as large as that of the function. Outputs are subtracted element by element
before they are summed, so that what does not change adds no noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from refmem.gradcheck.place import Place, Vector, flat
from refmem.gradcheck.problem import Arrays, HostArray, Subject
from refmem.gradcheck.tableau import Tableau

RATIO = 4.0  # of one step to the next
MIN_LEVELS = 4
MAX_LEVELS = {np.dtype(np.float32): 9, np.dtype(np.float64): 13}
SAFETY = 3.0  # error bars within which a residual counts as zero


@dataclass
class Line:
    """What one output shows along one direction."""

    u: Vector  # the direction, [n]
    predicted: float  # <gradient, u>
    residual: float = math.nan  # numeric slope less predicted
    error: float = math.inf  # its error bar
    noise: float = math.inf  # the share of rounding in it
    curve: list[tuple[float, float]] = field(default_factory=list)  # (step, R(step)), for the plot

    @property
    def bound(self) -> float:
        """A residual above this is an error of the gradient."""
        return SAFETY * self.error

    @property
    def numeric(self) -> float:
        """The slope measured."""
        return self.predicted + self.residual

    @property
    def suspicious(self) -> bool:
        """Whether the gradient and the slope disagree."""
        return not abs(self.residual) <= self.bound and math.isfinite(self.error)


@dataclass
class Walk:
    """One direction seen by all outputs: `lines[o]`, and how far each output element bent at each step."""

    lines: list[Line]
    steps: list[float]
    bends: list[list[Vector]]  # [o][level] [n_out] (y+ + y- - 2y) / h


def walk(subject: Subject, place: Place, i: int, u: Vector, *, reach: float = 0.6,
         enough: Callable[[list[Line]], bool] | None = None, bends: bool = False) -> Walk:
    """Take steps of falling size along `u` until `enough(lines)`, or rounding wins.

    Parameters
    ----------
    i : index of the argument.
    u : [n] float64
        The direction, with elements of size one.
    reach : first step, in typical sizes of the argument and for a direction along one axis.
    enough : asked after each step from the fourth on; all steps are taken where it is None.
    """
    x = place.arguments[i]
    moved = max(int(np.count_nonzero(u)), 1)
    step = reach * place.spread(i) / moved**0.25
    tables = [Tableau() for _ in place.outputs]
    lines = [Line(u, float(g[i] @ u)) for g in place.gradients]
    changed = [np.zeros(y.size, np.bool_) for y in place.outputs]
    result = Walk(lines, [], [[] for _ in place.outputs])
    first = step

    for level in range(MAX_LEVELS[x.dtype]):
        ahead, behind = shifted(x, u, step), shifted(x, u, -step)
        taken = (flat(ahead) - flat(behind)) / (2 * step)  # the direction really gone
        plus = subject.at_step(with_argument(place.arguments, i, ahead))
        minus = subject.at_step(with_argument(place.arguments, i, behind))
        result.steps.append(step)
        for o, (table, line) in enumerate(zip(tables, lines, strict=True)):
            y = place.outputs[o]
            if plus is None or minus is None or plus[o].shape != y.shape or minus[o].shape != y.shape:
                table.add(step, math.nan, math.nan)
                continue
            y_plus, y_minus = flat(plus[o]), flat(minus[o])
            changed[o] |= y_plus != y_minus
            with np.errstate(all="ignore"):
                slope = float(flat(place.cotangents[o]) @ (y_plus - y_minus)) / (2 * step)
                if bends:
                    result.bends[o].append((y_plus + y_minus - 2 * flat(y)) / step)
            residual = slope - float(place.gradients[o][i] @ taken)
            table.add(step, residual, place.output_noise[o].of(changed[o]) / (math.sqrt(2) * step))
            line.curve.append((step, residual))
            if math.isfinite(table.error):
                hidden = place.output_noise[o].hidden(changed[o]) / (math.sqrt(2) * first)
                line.residual = table.value
                line.noise = math.hypot(table.noise, hidden, place.gradient_error(o, i, u))
                line.error = table.error - table.noise + line.noise
        if enough is not None and level + 1 >= MIN_LEVELS and (enough(lines) or all(map(_drowned, tables))):
            break
        if subject.out_of_time:
            break
        step /= RATIO
    return result


def shifted(x: HostArray, u: Vector, step: float) -> HostArray:
    """`x + step u` in the dtype of x."""
    return np.asarray((flat(x) + step * u).reshape(x.shape), dtype=x.dtype)


def axis(n: int, j: int) -> Vector:
    """The direction along element j alone."""
    u = np.zeros(n)
    u[j] = 1.0
    return u


def with_argument(arguments: Arrays, i: int, x: HostArray) -> Arrays:
    """`arguments` with x in place i."""
    return (*arguments[:i], x, *arguments[i + 1:])


def _drowned(table: Tableau) -> bool:
    # The last entry of the first column is already noisier than the answer: smaller steps cannot help.
    return table.error < math.inf and table.latest_noise >= table.error

