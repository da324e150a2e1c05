"""What both memories of lists and loops share: vectors, the answer to a step, and the step itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.scalars import Scalar
from refmem.conformance.oracles.tape import Number

Row: TypeAlias = list[Any]  # of scalars or Numbers
Labels: TypeAlias = Sequence[int]

SHORTEST = 1e-6  # the smallest length divided by


# --- Vectors ------------------------------------------------------------------------------------------------


def dot(a: Row, b: Row) -> Any:
    total: Any = 0.0
    for x, y in zip(a, b, strict=True):
        total = total + x * y
    return total


def direction(x: Row) -> Row:
    """x / max(||x||, SHORTEST), for scalars."""
    length = scalars.sqrt(dot(x, x))
    length = SHORTEST if length < SHORTEST else length
    return [x_i / length for x_i in x]


def taped_direction(x: Row) -> Row:
    """The same for numbers on the tape: where SHORTEST is divided by, the length is no function of x."""
    squares = dot(x, x)
    length = tape.sqrt(squares) if squares.value >= SHORTEST**2 else SHORTEST
    return [x_i / length for x_i in x]


def taped_softmax(x: Row) -> Row:
    top = x[0].value
    for x_i in x:  # shifting all of x by a constant changes nothing
        top = x_i.value if x_i.value > top else top
    powers = [tape.exp(x_i - top) for x_i in x]
    total = powers[0]
    for power in powers[1:]:
        total = total + power
    return [power / total for power in powers]


def values_of(numbers: Row) -> Row:
    return [tape.constant(number) for number in numbers]


def first_largest(numbers: Row) -> int:
    best = 0
    for i in range(len(numbers)):
        if tape.constant(numbers[i]) > tape.constant(numbers[best]):
            best = i
    return best


def mean(numbers: Row) -> Number:
    total = Number(0.0)
    for number in numbers:
        total = total + number
    return total / len(numbers)


# --- A step -------------------------------------------------------------------------------------------------


@dataclass
class RowRead:
    """What one query found."""

    everywhere: Row  # [m] scalars, q . K[i]
    pool: list[int]  # slots, nearest first
    cosines: Row  # [C] Numbers
    confidence: Row  # Numbers, or the constant 0.0 for a missing neighbour
    value: int
    positive: int  # slot of p, -1 for none
    negative: int
    loss: Number | None
    wrong: bool  # case 2 of the update


@dataclass
class Answer:
    """What a step answers; everything is of before the update."""

    values: list[int]  # [B]
    neighbours: list[list[int]]  # [B][C] slots, -1 for none
    cosines: list[Row]  # [B][C]
    confidence: list[Row]  # [B][C or C-1]
    loss: Scalar | None
    smallest_gap: float  # between different cosines of one query: how far each choice was from another
    written: list[int] = field(default_factory=list)  # [B] the slot that each row wrote; empty without an update
    tape: dict[str, Any] = field(default_factory=dict)

    def gradients(self, d_loss: Scalar = 1.0,
                  d_confidence: list[Row] | None = None) -> tuple[list[Row], list[Row] | None]:
        """(d_queries [B][D], d_projection [D][D] or None) of d_loss * loss + <d_confidence, confidence>."""
        outputs: list[tuple[Number, Scalar]] = []
        if isinstance(self.tape["loss"], Number):
            outputs.append((self.tape["loss"], d_loss))
        if d_confidence is not None:
            for row, weights in zip(self.tape["confidence"], d_confidence, strict=True):
                for component, weight in zip(row, weights, strict=True):
                    if isinstance(component, Number):  # a missing neighbour's is the constant 0
                        outputs.append((component, weight))
        queries, projection = self.tape["queries"], self.tape["projection"]
        rows = queries if projection is None else queries + projection
        flat = tape.gradients(outputs, [number for row in rows for number in row])
        d, batch = len(queries[0]), len(queries)
        slopes = [flat[i:i + d] for i in range(0, len(flat), d)]
        return slopes[:batch], (None if projection is None else slopes[batch:])


def smallest_gap(cosines: Row) -> float:
    ordered = sorted({scalars.plain(c) for c in cosines})
    return min((b - a for a, b in zip(ordered, ordered[1:], strict=False)), default=float("inf"))


class Loops:
    """A memory in lists. The methods that the subclasses give are the rules, one each: a mutant changes one."""

    keys: list[Row]
    values: list[int]
    ages: list[int]
    sources: list[int]
    projection: list[Row] | None = None

    def step(self, queries: list[Row], labels: Labels | None = None, *, update: bool = True,
             noise: Row | None = None, oldest: list[int] | None = None,
             sources: list[int] | None = None) -> Answer:
        """Answer, lose, write.

        `noise` is the random part of the ages (one a slot), `oldest` the slot that each row writes if it needs one.
        """
        x = [[Number(x_i) for x_i in row] for row in queries]
        w = None if self.projection is None else [[Number(w_ij) for w_ij in row] for row in self.projection]
        q = self.normalised([self.projected(row, w) for row in x])
        reads = [self.read(q[r], None if labels is None else labels[r]) for r in range(len(q))]
        loss = None if labels is None else self.batch_loss([read.loss for read in reads], reads)
        answer = Answer(
            values=[read.value for read in reads],
            neighbours=[read.pool for read in reads],
            cosines=[values_of(read.cosines) for read in reads],
            confidence=[values_of(read.confidence) for read in reads],
            loss=None if loss is None else loss.value,
            smallest_gap=min((smallest_gap(read.everywhere) for read in reads), default=float("inf")),
            tape={"queries": x, "projection": w, "loss": loss, "confidence": [read.confidence for read in reads]},
        )
        if update and labels is not None:
            rows = [values_of(row) for row in q]
            answer.written = self.write(rows, labels, reads, noise, oldest, sources)
        return answer

    def projected(self, x: Row, w: list[Row] | None) -> Row:
        """x, or x W where there is a projection."""
        return x if w is None else [dot(x, [w_i[j] for w_i in w]) for j in range(len(w[0]))]

    def normalised(self, rows: list[Row]) -> list[Row]:
        return [taped_direction(row) for row in rows]

    def batch_loss(self, losses: Row, reads: list[RowRead]) -> Number:
        return mean(losses)

    def averaged(self, q: Row, key: Row) -> Row:
        """The key of case 1: (q + K) / ||q + K||."""
        return direction([a + b for a, b in zip(q, key, strict=True)])

    def read(self, q: Row, label: int | None) -> RowRead:
        raise TypeError("Loops has no rules of its own; use Paper or Released")

    def write(self, q: list[Row], labels: Labels, reads: list[RowRead], noise: Row | None,
              oldest: list[int] | None, sources: list[int] | None) -> list[int]:
        raise TypeError("Loops has no rules of its own; use Paper or Released")
