"""A gradient and a slope disagree along some direction. Is it an accident; and if not, where is it?"""

import math
from dataclasses import replace

import numpy as np

from refmem.gradcheck.complex_step import measure
from refmem.gradcheck.place import Indices, Place, Vector, flat, index_of, random_signs, settle
from refmem.gradcheck.problem import Subject
from refmem.gradcheck.report import Row
from refmem.gradcheck.walk import NEAR, SAFETY, Line, Walk, axis, shifted, with_argument

MAX_SUSPECTS = 8  # directions measured again
MAX_OUTPUTS = 256  # elements of an output that are asked for their share in an error
OTHER_STEPS = (0.71, 0.45)  # times the first step of before, in the repetitions
COARSE = 1e-10  # a machine epsilon above this leaves kinks unresolved
ASIDE = 3e-3  # how far the other places are, in typical sizes of the argument
PLACES = 3
CLARITY = 0.01  # a half is measured until its bound is this share of the disagreement


def confirm(subject: Subject, place: Place, o: int, i: int, lines: list[Line],
            rng: np.random.Generator, reach: float) -> Walk | None:
    """Measure the worst disagreements among `lines` again; return the walk of one that stands.

    The others were accidents, and their error bars are widened to hold all that was measured.
    """
    suspects = sorted((line for line in lines if line.suspicious), key=severity, reverse=True)
    for line in suspects[:MAX_SUSPECTS]:
        found = _repeated(subject, place, o, i, line, reach)
        if found is not None and (place.eps < COARSE or _persists(subject, place, o, i, line, rng, reach)):
            return found
    for line in suspects:
        line.error = max(line.error, 1.01 * abs(line.residual) / SAFETY)
    return None


def _repeated(subject: Subject, place: Place, o: int, i: int, line: Line, reach: float) -> Walk | None:
    """Twice more over the whole range of steps: both must show it, outside their bounds and their own difference.

    What large steps show, small ones must not contradict.
    """
    again = [measure(subject, place, i, line.u, reach=part * reach, bends=True) for part in OTHER_STEPS]
    first, second = (w.lines[o] for w in again)
    if reach > NEAR:
        near = measure(subject, place, i, line.u).lines[o]
        if abs(near.residual - first.residual) > near.bound + first.bound:
            line.error = near.error
            return None
    bound = max(first.bound, second.bound, abs(first.residual - second.residual))
    if first.residual * second.residual > 0 and min(abs(first.residual), abs(second.residual)) > bound:
        return again[0] if first.error < second.error else again[1]
    line.error = max(line.error, first.error, second.error)
    return None


def _persists(subject: Subject, place: Place, o: int, i: int, line: Line, rng: np.random.Generator,
              reach: float) -> bool:
    """Whether the disagreement is also there a little aside, at two places of three.

    In float32 a kink may be so near that rounding hides on which side of it the place is. Then slope and gradient
    disagree, and both are right. A wrong formula is wrong aside, too.
    """
    x = place.arguments[i]
    seen = unseen = 0
    for _ in range(PLACES):
        aside = shifted(x, random_signs(rng, (x.size,)), ASIDE * place.spread(i))
        problem = replace(subject.problem, arguments=with_argument(place.arguments, i, aside))
        there = replace(subject, problem=problem)
        elsewhere = settle(there, rng, cotangents=place.cotangents)
        other = measure(there, elsewhere, i, line.u, reach=reach).lines[o]
        subject.evaluations, subject.pulls = there.evaluations, there.pulls
        there_too = other.suspicious and other.residual * line.residual > 0
        seen, unseen = seen + there_too, unseen + (not there_too)
        if 2 in (seen, unseen):
            break
    return seen >= 2


def locate(subject: Subject, place: Place, o: int, i: int, line: Line, reach: float) -> tuple[Line, Indices]:
    """Halve the direction, and keep the half that disagrees more: the line and the elements that remain.

    The residuals of two halves add up to that of the whole, so that a half with most of it needs no look at the other.
    """

    def resolved(lines: list[Line]) -> bool:
        return lines[o].bound < CLARITY * abs(line.residual)

    block = np.flatnonzero(line.u)
    while len(block) > 1 and not subject.out_of_time:
        halves: list[tuple[Line, Indices]] = []
        for part in np.array_split(block, 2):
            u = np.zeros_like(line.u)
            u[part] = 1.0 if len(part) == 1 else line.u[part]
            half = measure(subject, place, i, u, reach=reach, enough=resolved).lines[o]
            halves.append((half, part))
            if half.suspicious and len(part) > 1 and abs(half.residual) >= abs(line.residual) / 2:
                break
        half, part = max(halves, key=lambda pair: severity(pair[0]))
        if not half.suspicious:
            break  # the error is spread so thin that no half shows it alone
        line, block = half, part
    return line, block


def fill(row: Row, place: Place, o: int, i: int, line: Line, block: Indices) -> None:
    """Write the disagreement into the row: both values, error bar, units in the last place, and where."""
    x = place.arguments[i]
    row.analytic, row.numeric, row.bar = line.predicted, line.numeric, line.error
    row.ulps = abs(line.residual) / float(np.spacing(np.abs(np.asarray(line.predicted, x.dtype))))
    if len(block) == 1:
        row.index = index_of(block[0], x.shape)
    elif len(block) < x.size:
        low, high = index_of(block[0], x.shape), index_of(block[-1], x.shape)
        row.region = f"{row.input}, somewhere from {list(low)} to {list(high)}"
    else:
        row.region = f"{row.input} along a random direction"


def severity(line: Line) -> float:
    """How far outside its bound a residual is."""
    if not math.isfinite(line.error):
        return 0.0
    return abs(line.residual) / line.bound if line.bound > 0 else (math.inf if line.residual else 0.0)


def through(subject: Subject, place: Place, o: int, i: int, j: int, step: float) -> str:
    """Which element of the output the error at input element j comes through, where one has more than half of it."""
    y, x = place.outputs[o], place.arguments[i]
    if not 1 < y.size <= MAX_OUTPUTS or not math.isfinite(step):
        return ""
    ahead, behind = (subject.at_step(with_argument(place.arguments, i, shifted(x, axis(x.size, j), sign * step)))
                     for sign in (1, -1))
    if ahead is None or behind is None:
        return ""
    slopes = (flat(ahead[o]) - flat(behind[o])) / (2 * step)  # [n_out]
    foretold = jacobian_rows(subject, place, o, i, np.arange(y.size))[:, j]
    shares = np.abs(flat(place.cotangents[o]) * (slopes - foretold))
    worst = int(shares.argmax())
    if shares[worst] <= 0.5 * shares.sum():
        return ""
    return f"through {subject.problem.output_name(o, len(place.outputs))}{list(index_of(worst, y.shape))}"


def jacobian_rows(subject: Subject, place: Place, o: int, i: int, elements: Indices) -> Vector:
    """The rows of the Jacobian as the backward pass has them, one call for each element of the output.  [E, n]"""
    _, pull = subject.linearize(place.arguments)
    rows = []
    for e in elements:
        cotangents = [np.zeros_like(w) for w in place.cotangents]
        cotangents[o].reshape(-1)[e] = 1
        gradient = pull(tuple(cotangents))[i]
        rows.append(np.zeros(place.arguments[i].size) if gradient is None else flat(gradient))
    return np.array(rows)
