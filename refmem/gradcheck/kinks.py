"""Kinks: where the slopes to the left and to the right differ, the gradient has to lie between them.

At a kink the central difference converges, with a small error bar, to the mean of both slopes, which is the gradient of
nobody. What gives a kink away is its bend, (y(h) + y(-h) - 2 y(0)) / h: it falls with h where y is smooth, and stays at
(right slope - left slope) at a kink. Whether a subgradient is one can only be judged for one output element and
one input element at a time: sums of several kinks may point anywhere.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from refmem.gradcheck.examine import jacobian_rows
from refmem.gradcheck.place import Indices, Mask, Place, flat, random_signs
from refmem.gradcheck.problem import Subject
from refmem.gradcheck.tableau import Tableau
from refmem.gradcheck.walk import MAX_LEVELS, NEAR, RATIO, SAFETY, Walk, axis, shifted, walk, with_argument

CLEAR = 30.0  # a bend counts when it stands this far out of the noise
STEADY = (0.6, 1 / 0.6)  # between two steps: 1/4 where smooth, 1 at a kink, 4 at a jump


@dataclass(frozen=True)
class Pair:
    """One kinked output element against one input element."""

    output: int
    input: int
    left: float
    right: float
    error: float  # of either slope
    analytic: float

    @property
    def jump(self) -> float:
        """By how much the slopes differ."""
        return abs(self.right - self.left)

    @property
    def kinked(self) -> bool:
        """Whether that is more than their error bars allow."""
        return self.jump > 2 * SAFETY * self.error

    @property
    def nearest(self) -> float:
        """The subgradient nearest to the analytic value."""
        low, high = sorted((self.left, self.right))
        return min(max(self.analytic, low), high)

    @property
    def beyond(self) -> float:
        """How far the analytic value is outside of both slopes, their error bars taken off; 0 for a subgradient."""
        return max(0.0, abs(self.analytic - self.nearest) - SAFETY * self.error)


def kinked_elements(place: Place, o: int, walked: Walk) -> Mask:
    """Which elements of output o bend at the place itself, as far as this walk can tell.  [n_out]"""
    n = place.outputs[o].size
    if len(walked.bends[o]) < 3 or n == 0:
        return np.zeros(n, np.bool_)
    noise = place.output_noise[o]
    sigma = noise.of_elements()  # [n] of w y
    w = np.abs(flat(place.cotangents[o]))
    bends = np.array(walked.bends[o])  # [L, n]
    bends = np.where(np.isfinite(bends), bends, 0.0)
    steps = np.array(walked.steps)[:, None]  # [L, 1]
    clear = w * np.abs(bends) * steps > CLEAR * sigma  # [L, n]

    levels = len(bends)
    last = levels - 1 - np.argmax(clear[::-1], axis=0)  # [n] smallest step at which the bend is clear
    able = clear.any(axis=0) & (last >= 2)
    last = np.maximum(last, 2)
    at, before, earlier = (np.take_along_axis(bends, (last - k)[None], axis=0)[0] for k in (0, 1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        steady = able
        for ratio in (at / before, before / earlier):
            steady = steady & (ratio > STEADY[0]) & (ratio < STEADY[1])
    # A kink at the place would still be clear at the next step, unless rounding hides it there.
    next_step = np.array([*walked.steps, 0.0])[last + 1]
    result: Mask = steady & (w * np.abs(at) * next_step <= CLEAR * sigma)
    return result


def movers(subject: Subject, place: Place, o: int, i: int, elements: Indices, most: int,
           rng: np.random.Generator) -> Indices:
    """Elements of argument i across which the kinked elements of the output bend, `most` at most.

    All of them where they are few. Else blocks that bend any of these outputs are halved until single elements are
    left, and those blocks that do not are dropped.
    """
    n = place.arguments[i].size
    blocks = [np.arange(n)]
    while len(blocks) < most and max(map(len, blocks)) > 1 and n > most and not subject.out_of_time:
        halves = [half for block in blocks for half in np.array_split(block, 2) if len(half)]
        blocks = []
        for half in halves:
            u = np.zeros(n)
            u[half] = random_signs(rng, half.shape)
            if kinked_elements(place, o, walk(subject, place, i, u, bends=True))[elements].any():
                blocks.append(half)
        if not blocks:
            break
    found = np.concatenate(blocks) if blocks else np.arange(n)
    return np.sort(rng.permutation(found)[:most])


def judge_pairs(subject: Subject, place: Place, o: int, i: int, elements: Indices, candidates: Indices,
                reach: float = NEAR) -> list[Pair]:
    """One-sided slopes of output elements `elements` along input elements `candidates`, with the analytic values."""
    y, x = flat(place.outputs[o]), place.arguments[i]
    noise = place.output_noise[o]
    sigma = noise.of_elements()[elements] / np.abs(flat(place.cotangents[o]))[elements]
    analytic = jacobian_rows(subject, place, o, i, elements)  # [E, n]
    pairs = []
    for j in candidates:
        if subject.out_of_time:
            break
        right = [Tableau(power=1) for _ in elements]
        left = [Tableau(power=1) for _ in elements]
        step = reach * place.spread(i)
        for _ in range(MAX_LEVELS[x.dtype]):
            for tables, sign in ((right, 1.0), (left, -1.0)):
                moved = shifted(x, axis(x.size, j), sign * step)
                gone = float((flat(moved) - flat(x))[j])
                there = subject.at_step(with_argument(place.arguments, i, moved))
                for table, e, s in zip(tables, elements, sigma, strict=True):
                    slope = math.nan if there is None or gone == 0 else float(flat(there[o])[e] - y[e]) / gone
                    table.add(step, slope, math.sqrt(2) * float(s) / step)
            step /= RATIO
        for e, r, l, row in zip(elements, right, left, analytic, strict=True):
            pairs.append(Pair(int(e), int(j), l.value, r.value, max(l.error, r.error), float(row[j])))
    return pairs


def measured_again(subject: Subject, place: Place, o: int, i: int, pair: Pair) -> Pair:
    """The pair with its error bar widened by what another walk finds."""
    only = np.array([pair.output]), np.array([pair.input])
    [other] = judge_pairs(subject, place, o, i, *only, reach=0.43)
    apart = max(abs(other.left - pair.left), abs(other.right - pair.right))
    return replace(pair, error=max(pair.error, other.error, apart))
