"""The life-long memory as the paper has it, in lists, loops and scalars.

Written from the equations of LTRRE section 2, with what they leave open settled as the profile PAPER of refmem says.
It shares no line with `refmem.memory`, takes its derivatives from a tape, and is slow: that is its use.
"""

from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.loops import (
    Labels,
    Loops,
    Row,
    RowRead,
    dot,
    taped_softmax,
    values_of,
)
from refmem.conformance.oracles.tape import Number

EMPTY = -1


class Paper(Loops):
    """One method a rule."""

    def __init__(self, key_dim: int, memory_size: int, k: int = 256, t: float = 40.0, alpha: float = 0.1,
                 correct_in_top: int = 1) -> None:
        self.key_dim, self.memory_size = key_dim, memory_size
        self.k, self.t, self.alpha, self.correct_in_top = min(k, memory_size), t, alpha, correct_in_top
        self.keys = [[0.0] * key_dim for _ in range(memory_size)]
        self.values = [EMPTY] * memory_size
        self.ages = [0] * memory_size
        self.sources = [-1] * memory_size

    # Reading

    def read(self, q: Row, label: int | None) -> RowRead:
        everywhere = [dot(values_of(q), key) for key in self.keys]
        ranking = self.ranking(everywhere)
        near = self.nearest(ranking)
        cosines = [dot(q, self.keys[i]) for i in near]
        missing = self.k - len(near)
        confidence = self.confidence(cosines) if near else []
        read = RowRead(everywhere, near + [EMPTY] * missing, cosines + [-1.0] * missing,
                       confidence + [0.0] * missing, self.answer(near), -1, -1, None, False)
        if label is not None:
            read.positive = self.positive(label, near, ranking)
            read.negative = self.negative(label, near)
            read.loss = self.row_loss(q, read.positive, read.negative)
            read.wrong = self.right_slot(label, near) == EMPTY
        return read

    def ranking(self, everywhere: Row) -> list[int]:
        """The filled slots by falling cosine, equal ones by rising slot."""
        filled = [i for i in range(self.memory_size) if self.values[i] != EMPTY]
        return sorted(filled, key=lambda i: (-everywhere[i], i))

    def nearest(self, ranking: list[int]) -> list[int]:
        return ranking[:self.k]

    def answer(self, near: list[int]) -> int:
        return self.values[near[0]] if near else EMPTY

    def confidence(self, cosines: Row) -> Row:
        return taped_softmax([c * self.t for c in cosines])

    # Losing

    def positive(self, label: int, near: list[int], ranking: list[int]) -> int:
        """The first neighbour with the value; without one "any vector from memory with value v": the nearest."""
        for i in list(near) + list(ranking):
            if self.values[i] == label:
                return i
        return EMPTY

    def negative(self, label: int, near: list[int]) -> int:
        for i in near:
            if self.values[i] != label:
                return i
        return EMPTY

    def row_loss(self, q: Row, positive: int, negative: int) -> Number:
        if positive == EMPTY or negative == EMPTY:
            return Number(0.0)
        return tape.relu(dot(q, self.keys[negative]) - dot(q, self.keys[positive]) + self.alpha)

    # Writing

    def write(self, q: list[Row], labels: Labels, reads: list[RowRead], noise: Row | None,
              oldest: list[int] | None, sources: list[int] | None) -> list[int]:
        keys_before = [list(key) for key in self.keys]
        values_before = list(self.values)
        claimed: set[int] = set()
        written = []
        for r, label in enumerate(labels):
            slot = self.right_slot(label, reads[r].pool, values_before)
            if slot != EMPTY:
                key = self.averaged(q[r], keys_before[slot])
            else:
                slot = self.oldest(claimed, noise) if oldest is None else oldest[r]
                key = self.new_key(q[r])
            claimed.add(slot)
            self.grow_older(r)
            self.put(slot, key, label, -1 if sources is None else sources[r])
            written.append(slot)
        return written

    def right_slot(self, label: int, near: list[int], values: list[int] | None = None) -> int:
        """The first of the `correct_in_top` nearest that has the value, else EMPTY."""
        for i in near[:self.correct_in_top]:
            if i != EMPTY and (self.values if values is None else values)[i] == label:
                return i
        return EMPTY

    def new_key(self, q: Row) -> Row:
        return q

    def oldest(self, claimed: set[int], noise: Row | None) -> int:
        """argmax A[i] + r_i among the slots that no earlier row has claimed, the lower slot of equals."""
        if len(claimed) == self.memory_size:
            claimed.clear()
        best = None
        for i in range(self.memory_size):
            if i not in claimed and (best is None or self.age(i, noise) > self.age(best, noise)):
                best = i
        assert best is not None  # there is a slot that is not claimed
        return best

    def age(self, slot: int, noise: Row | None) -> float:
        return self.ages[slot] + (0.0 if noise is None else scalars.plain(noise[slot]))

    def grow_older(self, row: int) -> None:
        """Each row is one memory update."""
        for i in range(self.memory_size):
            self.ages[i] += 1

    def put(self, slot: int, key: Row, value: int, source: int) -> None:
        self.keys[slot], self.values[slot], self.ages[slot], self.sources[slot] = key, value, 0, source
