"""The life-long memory in lists, loops and floats: once as the paper, once as the released code has it.

Written from the equations and from the description of the released code, not from `refmem`, with which it
shares no line. It is slow, holds one float at a time, and takes its derivatives from a tape: that is its use.

Both memories answer the same call,

    answer = memory.step(queries, labels, update=..., noise=..., oldest=..., sources=...)

where `noise` is the random part of the ages (one float a slot) and `oldest` the slot that each row writes if
it needs one. Everything in the answer is of before the update.
"""

import math
from dataclasses import dataclass

from oracles import tape
from oracles.tape import Number

SHORTEST = 1e-6  # the smallest length divided by


# --- Vectors ------------------------------------------------------------------------------------------------


def dot(a, b):
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total = total + x * y
    return total


def direction(x):
    """x / max(||x||, SHORTEST), for floats."""
    length = max(math.sqrt(dot(x, x)), SHORTEST)
    return [x_i / length for x_i in x]


def taped_direction(x):
    """The same for numbers on the tape: where SHORTEST is divided by, the length is no function of x."""
    squares = dot(x, x)
    length = tape.sqrt(squares) if squares.value >= SHORTEST**2 else SHORTEST
    return [x_i / length for x_i in x]


def taped_softmax(x):
    top = max(x_i.value for x_i in x)  # shifting all of x by a constant changes nothing
    powers = [tape.exp(x_i - top) for x_i in x]
    total = powers[0]
    for power in powers[1:]:
        total = total + power
    return [power / total for power in powers]


def floats(q):
    return [q_i.value for q_i in q]


def first_largest(numbers):
    best = 0
    for i in range(len(numbers)):
        if numbers[i].value > numbers[best].value:
            best = i
    return best


# --- What a step answers ------------------------------------------------------------------------------------


@dataclass
class Answer:
    values: list  # [B] int
    neighbours: list  # [B][C] int, slots
    cosines: list  # [B][C] float
    confidence: list  # [B][C or C-1] float
    loss: float | None
    smallest_gap: float  # between different cosines of one query: how far each choice was from another
    written: list  # [B] int, the slot that each row wrote; empty without an update
    tape: dict

    def gradients(self, d_loss=1.0, d_confidence=None):
        """(d_queries [B][D], d_projection [D][D] or None) of d_loss * loss + <d_confidence, confidence>."""
        outputs = []
        if self.loss is not None:
            outputs.append((self.tape["loss"], d_loss))
        if d_confidence is not None:
            for row, weights in zip(self.tape["confidence"], d_confidence, strict=True):
                for component, weight in zip(row, weights, strict=True):
                    if isinstance(component, Number):  # a missing neighbour's is the constant 0
                        outputs.append((component, weight))
        queries, projection = self.tape["queries"], self.tape["projection"]
        rows = queries if projection is None else queries + projection
        slopes = tape.gradients(outputs, [number for row in rows for number in row])
        d = len(queries[0])
        slopes = [slopes[i : i + d] for i in range(0, len(slopes), d)]
        batch = len(queries)
        return slopes[:batch], (None if projection is None else slopes[batch:])


def smallest_gap(cosines):
    ordered = sorted(set(cosines))
    return min((b - a for a, b in zip(ordered, ordered[1:])), default=math.inf)


def mean(numbers):
    total = Number(0.0)
    for number in numbers:
        total = total + number
    return total / len(numbers)


# --- The paper ----------------------------------------------------------------------------------------------


class Paper:
    """LTRRE section 2, with what it leaves open settled as the profile PAPER of refmem says."""

    def __init__(self, key_dim, memory_size, k=256, t=40.0, alpha=0.1, correct_in_top=1):
        self.key_dim, self.memory_size = key_dim, memory_size
        self.k, self.t, self.alpha, self.correct_in_top = min(k, memory_size), t, alpha, correct_in_top
        self.keys = [[0.0] * key_dim for _ in range(memory_size)]
        self.values = [-1] * memory_size  # -1: the slot is empty
        self.ages = [0] * memory_size
        self.sources = [-1] * memory_size

    def step(self, queries, labels=None, *, update=True, noise=None, oldest=None, sources=None):
        x = [[Number(x_i) for x_i in row] for row in queries]
        q = [taped_direction(row) for row in x]
        answer = Answer([], [], [], [], None, math.inf, [], {})
        confidences, losses = [], []
        for r in range(len(q)):
            everywhere = [dot(floats(q[r]), key) for key in self.keys]
            ranking = [i for i in range(self.memory_size) if self.values[i] != -1]
            ranking.sort(key=lambda i: (-everywhere[i], i))
            near = ranking[: self.k]
            missing = self.k - len(near)
            cosines = [dot(q[r], self.keys[i]) for i in near]
            confidence = taped_softmax([c * self.t for c in cosines]) if near else []
            answer.values.append(self.values[near[0]] if near else -1)
            answer.neighbours.append(near + [-1] * missing)
            answer.cosines.append(floats(cosines) + [-1.0] * missing)
            answer.confidence.append(floats(confidence) + [0.0] * missing)
            answer.smallest_gap = min(answer.smallest_gap, smallest_gap(everywhere))
            confidences.append(confidence + [0.0] * missing)
            if labels is not None:
                losses.append(self._row_loss(q[r], labels[r], near, ranking))
        loss = mean(losses) if labels is not None else None
        answer.loss = None if loss is None else loss.value
        answer.tape = {"queries": x, "projection": None, "loss": loss, "confidence": confidences}
        if update and labels is not None:
            rows = [floats(row) for row in q]
            answer.written = self._write(rows, labels, answer.neighbours, noise, oldest, sources)
        return answer

    def _row_loss(self, q, label, near, ranking):
        wrong = [i for i in near if self.values[i] != label]
        right = [i for i in near if self.values[i] == label]
        if not right:
            right = [i for i in ranking if self.values[i] == label]  # "any vector with value v"
        if not right or not wrong:
            return Number(0.0)
        return tape.relu(dot(q, self.keys[wrong[0]]) - dot(q, self.keys[right[0]]) + self.alpha)

    def _write(self, q, labels, neighbours, noise, oldest, sources):
        keys_before = [list(key) for key in self.keys]
        values_before = list(self.values)
        noise = [0.0] * self.memory_size if noise is None else noise
        claimed = set()
        written = []
        for r, label in enumerate(labels):
            top = neighbours[r][: self.correct_in_top]
            hits = [i for i in top if i != -1 and values_before[i] == label]
            if hits:
                slot = hits[0]
                key = direction([a + b for a, b in zip(q[r], keys_before[slot], strict=True)])
            else:
                slot = self._oldest(claimed, noise) if oldest is None else oldest[r]
                key = q[r]
            claimed.add(slot)
            for i in range(self.memory_size):  # each row is one memory update
                self.ages[i] += 1
            self.keys[slot], self.values[slot], self.ages[slot] = key, label, 0
            self.sources[slot] = -1 if sources is None else sources[r]
            written.append(slot)
        return written

    def _oldest(self, claimed, noise):
        if len(claimed) == self.memory_size:
            claimed.clear()
        best = None
        for i in range(self.memory_size):
            if i not in claimed and (best is None or self.ages[i] + noise[i] > self.ages[best] + noise[best]):
                best = i
        return best


# --- The released code --------------------------------------------------------------------------------------


class Released:
    """memory.py of the released TensorFlow code, line after line, its quirks included."""

    def __init__(self, key_dim, memory_size, vocab_size, k=256, alpha=0.1, correct_in_top=1,
                 recent_hint=True):
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

    def step(self, queries, labels=None, *, update=True, noise=None, oldest=None, sources=None):
        x = [[Number(x_i) for x_i in row] for row in queries]
        w = [[Number(w_ij) for w_ij in row] for row in self.projection]
        columns = [[w[i][j] for i in range(self.key_dim)] for j in range(self.key_dim)]
        q = [taped_direction([dot(row, column) for column in columns]) for row in x]
        answer = Answer([], [], [], [], None, math.inf, [], {})
        confidences, losses, teachers, wrong = [], [], [], []
        for r in range(len(q)):
            everywhere = [dot(floats(q[r]), key) for key in self.keys]
            pool = sorted(range(self.memory_size), key=lambda i: (-everywhere[i], i))[: self.k]
            if labels is not None and self.recent_hint:
                pool.append(self.recent[labels[r]])
            s = [dot(q[r], self.keys[i]) for i in pool]
            kept = s[:-1]  # the last column is dropped, whichever it is
            mask = taped_softmax([s_c * self.temperature for s_c in kept])
            answer.values.append(self.values[pool[first_largest(kept)]])
            answer.neighbours.append(pool)
            answer.cosines.append(floats(s))
            answer.confidence.append(floats(mask))
            answer.smallest_gap = min(answer.smallest_gap, smallest_gap(everywhere))
            confidences.append(mask)
            if labels is not None:
                h = [1.0 if self.values[i] == labels[r] else 0.0 for i in pool]
                masked = [s_c * h_c for s_c, h_c in zip(s, h, strict=True)]
                others = [s_c * (1.0 - h_c) for s_c, h_c in zip(s, h, strict=True)]
                pos_column = first_largest(masked)  # a zero of another column may be the largest
                pos, neg = masked[pos_column], others[first_largest(others)]
                losses.append(tape.relu(neg - pos + self.alpha) - self.alpha)
                teachers.append(pool[pos_column])
                wrong.append(sum(h[: self.correct_in_top]) == 0)
        loss = mean(losses) if labels is not None else None
        answer.loss = None if loss is None else loss.value
        answer.tape = {"queries": x, "projection": w, "loss": loss, "confidence": confidences}
        if update and labels is not None:
            rows = [floats(row) for row in q]
            answer.written = self._write(rows, labels, teachers, wrong, noise, oldest, sources)
        return answer

    def _write(self, q, labels, teachers, wrong, noise, oldest, sources):
        noise = [0.0] * self.memory_size if noise is None else noise
        if oldest is None:  # one slot a row, whether the row needs it or not
            oldest = sorted(range(self.memory_size), key=lambda i: (-(self.ages[i] + noise[i]), i))
        writes = []
        for r, label in enumerate(labels):
            if wrong[r]:
                writes.append((oldest[r], q[r], label))
            else:
                old = self.keys[teachers[r]]
                key = direction([a + b for a, b in zip(q[r], old, strict=True)])
                writes.append((teachers[r], key, self.values[teachers[r]]))
        for i in range(self.memory_size):
            self.ages[i] += 1
        for r, (slot, key, value) in enumerate(writes):
            self.keys[slot], self.values[slot], self.ages[slot] = key, value, 0
            self.sources[slot] = -1 if sources is None else sources[r]
            if self.recent_hint:
                self.recent[labels[r]] = slot
        return [slot for slot, _, _ in writes]
