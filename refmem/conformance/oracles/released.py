"""The life-long memory as the released TensorFlow code has it, quirks included, in lists, loops and scalars.

Written from the description of `memory.py`, line after line; it shares no line with `refmem.memory`.
"""

import math

from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.loops import (
    Labels,
    Loops,
    Row,
    RowRead,
    dot,
    first_largest,
    taped_softmax,
    values_of,
)
from refmem.conformance.oracles.tape import Number


class Released(Loops):
    """One method a rule."""

    projection: list[Row]

    def __init__(self, key_dim: int, memory_size: int, vocab_size: int, k: int = 256, alpha: float = 0.1,
                 correct_in_top: int = 1, recent_hint: bool = True) -> None:
        self.key_dim, self.memory_size = key_dim, memory_size
        self.k, self.alpha, self.correct_in_top = min(k, memory_size), alpha, correct_in_top
        self.recent_hint = recent_hint
        self.temperature = max(1.0, math.log(0.2 * self.k) / alpha)
        self.projection = [[float(i == j) for j in range(key_dim)] for i in range(key_dim)]
        self.keys = [[0.0] * key_dim for _ in range(memory_size)]
        self.values = [0] * memory_size
        self.ages = [0] * memory_size
        self.sources = [-1] * memory_size
        self.recent = [0] * vocab_size

    # Reading

    def read(self, q: Row, label: int | None) -> RowRead:
        everywhere = [dot(values_of(q), key) for key in self.keys]
        pool = self.pool(everywhere, label)
        s = [dot(q, self.keys[i]) for i in pool]
        kept = self.kept(s)
        read = RowRead(everywhere, pool, s, self.mask(kept), self.values[pool[self.best(kept)]], -1, -1, None,
                       False)
        if label is not None:
            h = self.hints(label, pool)
            masked = self.masked(s, h)
            others = self.masked(s, [1.0 - h_c for h_c in h])
            pos_column, neg_column = first_largest(masked), first_largest(others)
            read.positive, read.negative = pool[pos_column], pool[neg_column]
            read.loss = self.row_loss(masked[pos_column], others[neg_column])
            read.wrong = self.is_wrong(h)
        return read

    def pool(self, everywhere: Row, label: int | None) -> list[int]:
        """The k nearest of all slots, empty ones too, and with a label the slot last written for it."""
        pool = sorted(range(self.memory_size), key=lambda i: (-everywhere[i], i))[:self.k]
        if label is not None and self.recent_hint:
            pool.append(self.recent[label])
        return pool

    def kept(self, s: Row) -> Row:
        return s[:-1]  # the last column is dropped, whichever it is

    def best(self, kept: Row) -> int:
        return first_largest(kept)

    def mask(self, kept: Row) -> Row:
        return taped_softmax([s_c * self.temperature for s_c in kept])

    # Losing

    def hints(self, label: int, pool: list[int]) -> Row:
        return [1.0 if self.values[i] == label else 0.0 for i in pool]

    def masked(self, s: Row, h: Row) -> Row:
        """s h: a zero of another column may then be the largest."""
        return [s_c * h_c for s_c, h_c in zip(s, h, strict=True)]

    def row_loss(self, pos: Number, neg: Number) -> Number:
        return tape.relu(neg - pos + self.alpha) - self.alpha

    # Writing

    def is_wrong(self, h: Row) -> bool:
        return sum(h[:self.correct_in_top]) == 0

    def write(self, q: list[Row], labels: Labels, reads: list[RowRead], noise: Row | None,
              oldest: list[int] | None, sources: list[int] | None) -> list[int]:
        if oldest is None:
            oldest = self.oldest(noise)
        writes = []
        for r, label in enumerate(labels):
            teacher = reads[r].positive
            if reads[r].wrong:
                writes.append((oldest[r], q[r], label))
            else:
                writes.append((teacher, self.averaged(q[r], self.keys[teacher]), self.kept_value(teacher, label)))
        self.grow_older(len(labels))
        for r, (slot, key, value) in enumerate(writes):
            self.put(slot, key, value, -1 if sources is None else sources[r])
            self.remember(labels[r], slot)
        return [slot for slot, _, _ in writes]

    def oldest(self, noise: Row | None) -> list[int]:
        """One slot a row, whether the row needs it or not."""
        return sorted(range(self.memory_size), key=lambda i: (-self.age(i, noise), i))

    def age(self, slot: int, noise: Row | None) -> float:
        return self.ages[slot] + (0.0 if noise is None else scalars.plain(noise[slot]))

    def kept_value(self, teacher: int, label: int) -> int:
        return self.values[teacher]

    def grow_older(self, batch: int) -> None:
        for i in range(self.memory_size):
            self.ages[i] += 1

    def put(self, slot: int, key: Row, value: int, source: int) -> None:
        self.keys[slot], self.values[slot], self.ages[slot], self.sources[slot] = key, value, 0, source

    def remember(self, label: int, slot: int) -> None:
        if self.recent_hint:
            self.recent[label] = slot
