"""A gradient and a slope disagree along some direction. Is it an accident, a kink, or an error; and where?"""

import math

import numpy as np

from refmem.gradcheck.kinks import MAX_INPUTS, MAX_OUTPUTS, Pair, judge_pairs, kinked_elements
from refmem.gradcheck.place import Place, Vector, random_signs, settle
from refmem.gradcheck.problem import Subject
from refmem.gradcheck.report import Row
from refmem.gradcheck.verdicts import Verdict, floor_of_directions
from refmem.gradcheck.walk import SAFETY, Line, Walk, walk

MAX_SUSPECTS = 8  # directions measured again
OTHER_REACHES = (0.43, 0.27)  # first steps of the repetitions; the first time it was 0.6
DIRECTIONS = 4


def confirm(subject: Subject, place: Place, o: int, i: int, line: Line) -> Walk | None:
    """Measure again, twice, over the whole range of steps.

    The disagreement stands if both repetitions show it, outside their bounds and their own difference. Otherwise the
    error bar was too narrow by chance: it is widened to hold all three.
    """
    again = [walk(subject, place, i, line.u, reach=reach, bends=True) for reach in OTHER_REACHES]
    first, second = (w.lines[o] for w in again)
    apart = abs(first.residual - second.residual)
    bound = max(first.bound, second.bound, apart)
    if first.residual * second.residual > 0 and min(abs(first.residual), abs(second.residual)) > bound:
        return again[0] if first.error < second.error else again[1]
    line.error = max(line.error, first.error, second.error, 1.01 * abs(line.residual) / SAFETY)
    return None


def examine(subject: Subject, place: Place, o: int, i: int, row: Row, lines: list[Line],
            walks: list[Walk], rng: np.random.Generator) -> Row | None:
    """The row for a confirmed FAIL or a KINK; None where there is neither.

    `lines` are those to be judged, and `walks` all that may show a kink.
    """
    suspects = sorted((line for line in lines if line.suspicious), key=_severity, reverse=True)
    confirmed: list[Walk] = []
    for line in suspects[:MAX_SUSPECTS]:
        found = confirm(subject, place, o, i, line)
        if found is not None:
            confirmed.append(found)
            break
    else:
        for line in suspects[MAX_SUSPECTS:]:
            line.error = max(line.error, 1.01 * abs(line.residual) / SAFETY)

    bent = np.zeros(place.outputs[o].size, np.bool_)
    for walked in [*walks, *confirmed]:
        bent |= kinked_elements(place, o, walked)
    if bent.any():
        at_kink = _kink_row(subject, place, o, i, row, np.flatnonzero(bent), rng)
        if at_kink is not None:
            return at_kink
    if not confirmed:
        return None
    line, block = locate(subject, place, o, i, confirmed[0].lines[o])
    fill(row, place, o, i, line, block)
    row.verdict = Verdict.FAIL
    wrong = sum(other.suspicious for other in lines)
    if row.method.endswith("elements") and wrong > 1:
        row.note = f"{wrong} of {len(lines)} elements disagree"
    return row


def locate(subject: Subject, place: Place, o: int, i: int, line: Line) -> tuple[Line, Vector]:
    """Halve the direction, and keep the half that disagrees more: the line and the elements that remain."""
    block = np.flatnonzero(line.u)
    while len(block) > 1 and not subject.out_of_time:
        halves = []
        for part in np.array_split(block, 2):
            u = np.zeros_like(line.u)
            u[part] = 1.0 if len(part) == 1 else line.u[part]
            halves.append((walk(subject, place, i, u).lines[o], part))
        half, part = max(halves, key=lambda pair: _severity(pair[0]))
        if not half.suspicious:
            break  # the error is spread so thin that no half shows it alone
        line, block = half, part
    return line, block


def fill(row: Row, place: Place, o: int, i: int, line: Line, block: Vector) -> None:
    """Write the disagreement into the row: both values, error bar, units in the last place, and where."""
    x = place.arguments[i]
    row.analytic, row.numeric, row.bar = line.predicted, line.numeric, line.error
    row.ulps = abs(line.residual) / float(np.spacing(np.abs(np.asarray(line.predicted, x.dtype))))
    row.curve = line.curve
    if len(block) == 1:
        row.index = tuple(int(k) for k in np.unravel_index(int(block[0]), x.shape))
    elif len(block) < x.size:
        low, high = (tuple(int(k) for k in np.unravel_index(int(e), x.shape)) for e in (block[0], block[-1]))
        row.region = f"{row.input}, somewhere from {list(low)} to {list(high)}"
    else:
        row.region = f"{row.input} along a random direction"


def _kink_row(subject: Subject, place: Place, o: int, i: int, row: Row, bent: Vector,
              rng: np.random.Generator) -> Row | None:
    """Judge the kinked elements pair by pair, and the rest of the output as usual. None: no kink after all."""
    x = place.arguments[i]
    elements = np.sort(rng.permutation(bent)[:MAX_OUTPUTS])
    candidates = np.sort(rng.permutation(x.size)[:MAX_INPUTS])
    pairs = [pair for pair in judge_pairs(subject, place, o, i, elements, candidates) if pair.kinked]
    if not pairs:
        return None
    row.method = f"one-sided slopes of {len(pairs)} kinked (output, input) elements"
    outside = [pair for pair in pairs if not pair.inside]
    if outside:
        _fill_pair(row, place, o, i, max(outside, key=_beyond))
        row.verdict = Verdict.FAIL
        return row

    # The elements of the output without a kink have an ordinary gradient.
    smooth = np.ones(place.outputs[o].size, np.bool_)
    smooth[bent] = False
    if smooth.any():
        rest = settle(subject, rng, silent={o: ~smooth})
        lines = [walk(subject, rest, i, random_signs(rng, (x.size,))).lines[o] for _ in range(DIRECTIONS)]
        worst = max(lines, key=_severity)
        if worst.suspicious and (again := confirm(subject, rest, o, i, worst)) is not None:
            line, block = locate(subject, rest, o, i, again.lines[o])
            fill(row, rest, o, i, line, block)
            row.verdict = Verdict.FAIL
            return row
        scale, _ = rest.scale(o, i)
        floor = floor_of_directions(lines)
        row.floor = floor / scale if scale > 0 else (0.0 if floor == 0 else math.inf)
        row.scale = scale
    _fill_pair(row, place, o, i, max(pairs, key=lambda pair: abs(pair.right - pair.left)))
    row.verdict = Verdict.KINK
    row.note = f"{row.note}; all {len(pairs)} kinked pairs looked at hold a subgradient"
    return row


def _fill_pair(row: Row, place: Place, o: int, i: int, pair: Pair) -> None:
    low, high = sorted((pair.left, pair.right))
    at = tuple(int(k) for k in np.unravel_index(pair.output, place.outputs[o].shape))
    row.index = tuple(int(k) for k in np.unravel_index(pair.input, place.arguments[i].shape))
    row.analytic, row.bar = pair.analytic, pair.error
    row.numeric = min(max(pair.analytic, low), high)  # the nearest subgradient
    row.ulps = None
    row.note = f"slopes {pair.left:.6g} to the left and {pair.right:.6g} to the right at output {list(at)}"


def _beyond(pair: Pair) -> float:
    low, high = sorted((pair.left, pair.right))
    return max(low - pair.analytic, pair.analytic - high)


def _severity(line: Line) -> float:
    if not math.isfinite(line.error):
        return 0.0
    return abs(line.residual) / line.bound if line.bound > 0 else (math.inf if line.residual else 0.0)

