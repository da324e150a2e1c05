"""All numeric rows about one argument: one for each output, from walks that serve all outputs at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refmem.gradcheck.complex_step import measure
from refmem.gradcheck.examine import confirm, fill, locate, through
from refmem.gradcheck.kinks import judge_pairs, kinked_elements, measured_again, movers
from refmem.gradcheck.place import Mask, Place, Vector, index_of, random_signs, settle
from refmem.gradcheck.plan import MAX_DIRECTIONS, MIN_DIRECTIONS
from refmem.gradcheck.problem import Subject
from refmem.gradcheck.report import GRADIENT, Row
from refmem.gradcheck.verdicts import SENSITIVITY, Verdict, cause, floor_of_axes, floor_of_directions
from refmem.gradcheck.walk import NEAR, RATIO, Line, Walk, axis

MAX_ELEMENTS = 2048  # of an argument that is walked element by element where directions do not suffice
MAX_KINKED = 64  # elements of an output, and of an input, whose kinks are judged
FAR = NEAR * RATIO**7  # first step where rounding hides the slope of smaller ones
COMFORT = 0.1  # a walk goes on until the floor is this share of the sensitivity, or rounding wins


@dataclass
class ArgumentCheck:
    """The check of argument i. `elements`: each element by itself from the start."""

    subject: Subject
    place: Place
    i: int
    rng: np.random.Generator
    sensitivity: float | None = None
    elements: bool = False
    sweep: bool = False  # take one walk over all steps, for the plot
    at_kinks: bool = False  # the kinks have been judged already

    def __post_init__(self) -> None:
        x, outputs = self.place.arguments[self.i], self.place.outputs
        self.n = x.size
        self.reach, self.looked_far = NEAR, False
        self.wanted = [self.sensitivity or max(SENSITIVITY[x.dtype], SENSITIVITY[y.dtype]) for y in outputs]
        self.scales = [self.place.scale(o, self.i) for o in range(len(outputs))]
        self.open = [o for o in range(len(outputs)) if self.n and np.isfinite(self.place.gradients[o][self.i]).all()]

    def row(self, o: int) -> Row:
        """The row of output o alone."""
        self.open = [o] if o in self.open else []
        return self.rows([o])[0]

    def rows(self, outputs: Sequence[int] | None = None) -> list[Row]:
        """Walk, and judge the outputs."""
        one_by_one = self.elements or self.n <= MIN_DIRECTIONS
        walks = [] if one_by_one or not self.open else self._random_walks()
        short = self.open if one_by_one else [o for o in self.open if not self._settled(walks, o)]
        axes = self._axis_walks(short, one_by_one) if short and (one_by_one or self.n <= MAX_ELEMENTS) else []
        return [self._judge(o, walks, axes if o in short else []) if o in self.open else self._unwalked(o)
                for o in (range(len(self.place.outputs)) if outputs is None else outputs)]

    # --- Walks

    def _walk(self, u: Vector, outputs: list[int], copies: int) -> Walk:
        """One walk, ended early when `copies` lines like it would bring the floors well below the sensitivity."""

        def enough(lines: list[Line]) -> bool:
            return all(self._floor(o, [lines[o]] * copies, copies == 1) <= COMFORT * self.wanted[o] for o in outputs)

        bends = copies > 1 or self.n <= MIN_DIRECTIONS
        near = measure(self.subject, self.place, self.i, u, reach=self.reach, enough=enough, bends=bends)
        if self.looked_far or enough(near.lines):
            return near

        # Rounding may be too large for steps of the size of the argument: a small bias beside a large x W. Larger steps
        # are taken where they measure better, and agree with these. Not where these see nothing at all: a function
        # may have another slope far away.
        self.looked_far = True
        far = measure(self.subject, self.place, self.i, u, reach=FAR, enough=enough)
        pairs = [(near.lines[o], far.lines[o], float(np.linalg.norm(u)) * self.scales[o][0]) for o in outputs]
        if all(a.error > 2 * b.error and a.bound <= slope and abs(a.residual - b.residual) <= a.bound + b.bound
               for a, b, slope in pairs):
            self.reach = FAR
            return far
        return near

    def _random_walks(self) -> list[Walk]:
        walks: list[Walk] = []
        while len(walks) < MAX_DIRECTIONS and not self.subject.out_of_time:
            walks.append(self._walk(random_signs(self.rng, (self.n,)), self.open, MIN_DIRECTIONS))
            if len(walks) >= MIN_DIRECTIONS and all(self._settled(walks, o) for o in self.open):
                break
        return walks

    def _axis_walks(self, outputs: list[int], alone: bool) -> list[Walk]:
        """One walk for each element; unless they are `alone`, given up where one is as blurred as directions were."""
        walks: list[Walk] = []
        for j in range(self.n):
            if self.subject.out_of_time:
                break
            walks.append(self._walk(axis(self.n, j), outputs, 1))
            lines = walks[-1].lines
            if not alone and not any(self._floor(o, [lines[o]], True) <= self.wanted[o] for o in outputs):
                break
        return walks

    def _settled(self, walks: list[Walk], o: int) -> bool:
        """No more walks are needed: the floor is low enough, or there is something to examine."""
        lines = [w.lines[o] for w in walks]
        return (any(line.suspicious for line in lines) or self._floor(o, lines, False) <= self.wanted[o]
                or (not self.at_kinks and bool(self._bent(o, walks, []).any())))

    def _floor(self, o: int, lines: list[Line], by_axes: bool) -> float:
        """The detection floor relative to a typical element of the gradient."""
        floor = floor_of_axes(lines) if by_axes else floor_of_directions(lines)
        scale = self.scales[o][0]
        return floor / scale if scale > 0 else (0.0 if floor == 0 else math.inf)

    # --- Rows

    def _row(self, o: int) -> Row:
        problem, place = self.subject.problem, self.place
        return Row(problem.name, str(place.arguments[self.i].dtype), GRADIENT, Verdict.PASS, problem.names[self.i],
                   problem.output_name(o, len(place.outputs)), scale=self.scales[o][0], cotangent=place.cotangents[o])

    def _unwalked(self, o: int) -> Row:
        row = self._row(o)
        if self.n == 0:
            row.floor, row.note = 0.0, "empty"
            return row
        gradient = self.place.gradients[o][self.i]
        worst = int(np.flatnonzero(~np.isfinite(gradient))[0])
        row.verdict, row.analytic = Verdict.FAIL, float(gradient[worst])
        row.index = index_of(worst, self.place.arguments[self.i].shape)
        row.note = f"the gradient is {row.analytic} at {row.place}"
        return row

    def _judge(self, o: int, walks: list[Walk], axes: list[Walk]) -> Row:
        """The verdict on output o from the random walks and those along single elements."""
        row, vanishing = self._row(o), self.scales[o][1]
        directions, elements = [w.lines[o] for w in walks], [w.lines[o] for w in axes]
        by_axes = len(elements) == self.n
        row.method = f"{len(elements)} elements" if by_axes else f"{len(directions)} directions"
        if self.sweep:
            u = random_signs(self.rng, (self.n,))
            shown = measure(self.subject, self.place, self.i, u, reach=self.reach).lines[o]
            row.curve, row.chosen = shown.curve, (shown.step, shown.error)

        disagreeing = sum(line.suspicious for line in elements)
        found = (confirm(self.subject, self.place, o, self.i, elements, self.rng, self.reach)
                 or confirm(self.subject, self.place, o, self.i, directions, self.rng, self.reach))
        bent = self._bent(o, walks, axes if found is None else [*axes, found])
        if bent.any() and not self.at_kinks:
            at_kink = self._judge_kink(o, bent)
            if at_kink is not None:
                return at_kink
        if found is not None:
            line, block = locate(self.subject, self.place, o, self.i, found.lines[o], self.reach)
            fill(row, self.place, o, self.i, line, block)
            row.verdict = Verdict.FAIL
            notes = [f"{disagreeing} of {self.n} elements disagree"] if disagreeing > 1 else []
            if len(block) == 1:
                notes.append(through(self.subject, self.place, o, self.i, int(block[0]), line.step))
            row.note = "; ".join(filter(None, notes))
            return row

        lines = elements if by_axes else directions
        row.floor = min(self._floor(o, directions, False), self._floor(o, elements, True) if by_axes else math.inf)
        if vanishing:
            row.note = "the gradient is zero here, and its floor relative to |w y| / |x|"
        if row.floor > self.wanted[o]:
            row.verdict = Verdict.INCONCLUSIVE
            late = "the budget ran out; " if self.subject.out_of_time else ""
            row.note = late + cause(self.place, o, lines, vanishing)
        return row

    # --- Kinks

    def _bent(self, o: int, walks: list[Walk], axes: list[Walk]) -> Mask:
        """Elements of output o at a kink: every random direction shows it, a single axis may."""
        bent: Mask = np.zeros(self.place.outputs[o].size, np.bool_)
        for walked in axes:
            bent |= kinked_elements(self.place, o, walked)
        if walks:
            votes = sum(kinked_elements(self.place, o, walked).astype(np.intp) for walked in walks)
            bent |= votes > len(walks) // 2
        return bent

    def _judge_kink(self, o: int, bent: Mask) -> Row | None:
        """Judge the kinked elements of the output pair by pair, and its other elements as usual. None: no kink."""
        elements = np.sort(self.rng.permutation(np.flatnonzero(bent))[:MAX_KINKED])
        candidates = movers(self.subject, self.place, o, self.i, elements, MAX_KINKED, self.rng)
        pairs = [pair for pair in judge_pairs(self.subject, self.place, o, self.i, elements, candidates) if pair.kinked]
        if not pairs:
            return None
        outside = [pair for pair in pairs if pair.beyond > self.wanted[o] * pair.jump]
        if outside:
            worst = max(outside, key=lambda pair: pair.beyond)
            worst = measured_again(self.subject, self.place, o, self.i, worst)
            outside = outside if worst.kinked and worst.beyond > self.wanted[o] * worst.jump else []
        shown = max(outside, key=lambda pair: pair.beyond) if outside else max(pairs, key=lambda pair: pair.jump)
        row = self._row(o)
        if not outside and not bent.all():
            smooth = tuple(w.copy() for w in self.place.cotangents)
            smooth[o].reshape(-1)[bent] = 0
            rest = settle(self.subject, self.rng, smooth)
            row = ArgumentCheck(self.subject, rest, self.i, self.rng, self.wanted[o], self.elements,
                                self.sweep, True).row(o)
            if row.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
                row.note += f"{'; ' if row.note else ''}in the elements of the output that have no kink"
                return row
        row.verdict = Verdict.FAIL if outside else Verdict.KINK
        row.method = f"one-sided slopes of {len(pairs)} pairs of elements" + (f", {row.method}" if row.method else "")
        row.index = index_of(shown.input, self.place.arguments[self.i].shape)
        row.analytic, row.numeric, row.bar = shown.analytic, shown.nearest, shown.error
        row.note = (f"slopes {shown.left:.6g} to the left and {shown.right:.6g} to the right at output "
                    f"{list(index_of(shown.output, self.place.outputs[o].shape))}; "
                    f"{len(pairs) - len(outside)} of {len(pairs)} kinks hold a subgradient")
        return row
