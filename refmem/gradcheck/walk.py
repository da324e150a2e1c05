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

from refmem.gradcheck.place import ROUNDING, Place, Vector, flat, rounded_sum
from refmem.gradcheck.problem import Arrays, HostArray, Subject
from refmem.gradcheck.tableau import Tableau

NEAR = 0.6  # first step, in typical sizes of the argument
RATIO = 4.0  # of one step to the next
MIN_LEVELS = 4
MAX_LEVELS = {np.dtype(np.float32): 9, np.dtype(np.float64): 13}
STAIR = 16.0  # last places of a number of order one, up to which a rise counts as none
SAFETY = 3.0  # error bars within which a residual counts as zero


@dataclass
class Line:
    """What one output shows along one direction."""

    u: Vector  # the direction, [n]
    predicted: float  # <gradient, u>
    residual: float = math.nan  # numeric slope less predicted
    error: float = math.inf  # its error bar
    noise: float = math.inf  # the share of rounding in it
    step: float = math.nan  # at which the tableau chose it
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


def walk(subject: Subject, place: Place, i: int, u: Vector, *, reach: float = NEAR,
         enough: Callable[[list[Line]], bool] | None = None, bends: bool = False) -> Walk:
    """Take steps of falling size along `u` until `enough(lines)`, or rounding wins.

    Parameters
    ----------
    i : index of the argument.
    u : [n] float64
        The direction, with elements of size one.
    reach : first step, in typical sizes of the argument and for a direction along one axis.
    enough : asked after each step from the fourth on; all steps are taken where it is None.
    bends : whether to keep what shows a kink.
    """
    x = place.arguments[i]
    watches = [Watch(place, o, i, u) for o in range(len(place.outputs))]
    result = Walk([watch.line for watch in watches], [], [watch.bends for watch in watches])
    step = reach * place.spread(i) / max(int(np.count_nonzero(u)), 1) ** 0.25

    for level in range(MAX_LEVELS[x.dtype]):
        ahead, behind = shifted(x, u, step), shifted(x, u, -step)
        gone = (flat(ahead) - flat(behind)) / (2 * step)  # the direction really gone
        plus = subject.at_step(with_argument(place.arguments, i, ahead))
        minus = subject.at_step(with_argument(place.arguments, i, behind))
        result.steps.append(step)
        for o, watch in enumerate(watches):
            if plus is None or minus is None or not plus[o].shape == minus[o].shape == place.outputs[o].shape:
                watch.miss(step)
            else:
                watch.enter(step, gone, flat(plus[o]), flat(minus[o]), bends)
        if enough is not None and level + 1 >= MIN_LEVELS and (
                enough(result.lines) or all(watch.table.drowned for watch in watches)):
            break
        if subject.out_of_time:
            break
        step /= RATIO
    return result


class Watch:
    """One output along one walk: its tableau, and which of its elements move."""

    def __init__(self, place: Place, o: int, i: int, u: Vector) -> None:
        self.y, self.w = flat(place.outputs[o]), flat(place.cotangents[o])
        self.gradient, self.noise = place.gradients[o][i], place.output_noise[o]
        self.gradient_error = place.gradient_error(o, i, u)
        self.table, self.line = Tableau(), Line(u, float(self.gradient @ u))
        self.bends: list[Vector] = []
        self.changed = np.zeros(self.y.size, np.bool_)  # moved at any step
        self.height = np.abs(self.y)  # largest value of each element
        self.first = math.inf  # the largest step
        self.of_changed = 0.0  # noise of phi from what moved
        self.hidden: float | None = None  # error of the slope from what did not
        self.rises: list[tuple[float, float, bool]] = []  # (step, phi+ - phi-, whether some elements stood still)
        # The last place of phi if it is made of numbers of order one, or of its own size where that is larger.
        largest = max(1.0, float(np.abs(self.y).max(initial=0.0)))
        self.stair = ROUNDING * self.noise.eps * largest * float(np.linalg.norm(self.w))

    def miss(self, step: float) -> None:
        """There is no output at this step."""
        self.table.add(step, math.nan, math.nan)

    def enter(self, step: float, gone: Vector, y_plus: Vector, y_minus: Vector, bends: bool) -> None:
        """The outputs at `+step` and `-step`, between which the argument moved by `2 step gone`."""
        self.first = step if math.isinf(self.first) else self.first
        moving = y_plus != y_minus
        newly = moving & ~self.changed
        if newly.any() or self.hidden is None:
            self.changed |= newly
            self.of_changed = self.noise.of(self.changed)
            self.hidden = self.noise.last_places(self.w * self.y, ~self.changed) / (math.sqrt(2) * self.first)
        with np.errstate(all="ignore"):
            rise, rise_noise = rounded_sum(self.w * (y_plus - y_minus))
            foretold, foretold_noise = rounded_sum(self.gradient * gone)
            residual = rise / (2 * step) - foretold
            if bends:
                self.bends.append((y_plus + y_minus - 2 * self.y) / step)
            reached = np.fmax(np.abs(y_plus), np.abs(y_minus))
        self.height = np.fmax(self.height, np.where(np.isfinite(reached), reached, 0.0))
        # What moved at a larger step and stands still at this one is held back by the rounding of that larger value.
        stuck = self.noise.last_places(self.w * self.height, self.changed & ~moving)
        sigma = math.hypot(self.of_changed, stuck, rise_noise)
        self.table.add(step, residual, math.hypot(sigma / (math.sqrt(2) * step), foretold_noise))

        self.rises.append((step, rise, not moving.all()))
        self.line.curve.append((step, residual))
        if math.isfinite(self.table.error):
            self.line.residual, self.line.step = self.table.value, self.table.step
            still = 0.0 if self.changed.any() else self.stair / (2 * self.first)  # nothing moves at any step
            self.line.noise = math.hypot(self.table.noise, self.hidden, self.gradient_error, still)
            self.line.error = self.table.error - self.table.noise + self.line.noise
            if self._unresolved():
                self.line.noise = self.line.error = max(self.line.error, abs(self.line.residual))

    def _unresolved(self) -> bool:
        """Whether the slope is zero only because the output does not resolve what the gradient foretells.

        log(1 + e^-x) is a staircase for large x: it stands still, then jumps. So where some elements stand still at
        the step that was chosen, and the others move by the last places of a number of order one at most, the
        disagreement has to be a larger change there than the smallest real one that was seen.
        """
        if not any(standing for step, _, standing in self.rises if step == self.table.step):
            return False
        seen = [abs(rise) for _, rise, _ in self.rises if abs(rise) > STAIR * self.stair]
        within = [step for step, rise, _ in self.rises if abs(rise) <= STAIR * self.stair]
        if self.table.step not in within:
            return False
        return 2 * max(within) * abs(self.line.residual) <= max(STAIR * self.stair, seen[-1] if seen else 0.0)


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
