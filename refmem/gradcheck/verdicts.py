"""From residuals and error bars to a detection floor and a verdict.

A residual is accepted up to its bound b = 3 error bars, and the measured slope is itself off by up to b. So an error of
the gradient that shows as more than 2b along a direction cannot pass there. The **detection floor** turns this into
a statement about elements: an error of at least floor x (typical element of the gradient) in any one
element, whatever the other elements do, would not have passed.

- Element by element: the direction is the axis itself, and the floor is the largest 2b.
- Along random directions u, an error vector d shows as <d, u>, which may cancel. The elements of u are independent with
  density at most 1/2, so <d, u> / |d| has density at most 1/sqrt(2) (Rogozin; Ball), and all of K directions
  miss d with probability at most prod_k sqrt(2) 2 b_k / |d|. Where |d| is at least
  sqrt(2) (prod_k 2 b_k)^(1/K) p^(-1/K), that is less than p = 1e-6, and no element is larger than |d|.
"""

import enum
import math
from collections.abc import Sequence

import numpy as np

from refmem.gradcheck.place import Place
from refmem.gradcheck.walk import Line

LUCK = 1e-6  # allowed probability that random directions all miss an error above the floor
SENSITIVITY = {np.dtype(np.float32): 1e-2, np.dtype(np.float64): 1e-6}


class Verdict(enum.StrEnum):
    """What a row of the report says."""

    PASS = "PASS"
    FAIL = "FAIL"
    KINK = "KINK"
    INCONCLUSIVE = "INCONCLUSIVE"


def floor_of_axes(lines: Sequence[Line]) -> float:
    """Smallest error of one element that would have been seen, when each element had its own line."""
    return max((2 * line.bound for line in lines), default=0.0)


def floor_of_directions(lines: Sequence[Line]) -> float:
    """The same from random directions."""
    bounds = [2 * line.bound for line in lines]
    if not bounds or math.inf in bounds:
        return math.inf
    if 0.0 in bounds:
        return 0.0
    mean = math.exp(sum(map(math.log, bounds)) / len(bounds))
    return math.sqrt(2) * mean * math.pow(LUCK, -1 / len(bounds))


def cause(place: Place, o: int, lines: Sequence[Line], vanishing: bool) -> str:
    """Why the error bar is as wide as it is, in words."""
    worst = max(lines, key=lambda line: line.error, default=None)
    if worst is None or not math.isfinite(worst.error):
        return "scale: the function is not finite near its arguments at any step tried"
    if worst.noise < 0.1 * worst.error:
        return "scale: the function bends or jumps within the smallest steps that its precision allows"
    noise = place.output_noise[o]
    if noise.whole > 100 * noise.last_places(noise.weighted, np.ones(noise.weighted.size, np.bool_)):
        return "noise: the function repeats its value to far fewer digits than its dtype holds"
    if vanishing:
        return "scale: the gradient vanishes beside the output"
    if place.outputs[o].dtype == np.float32 or place.eps > 1e-10:
        return "float32 rounding hides the slope"
    return "scale: rounding of a large output hides a small slope"
