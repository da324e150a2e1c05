"""The output tape of the Extended Neural GPU, and what its decoder's cells see of it.

At step t the tape p holds the embedded outputs of the positions before t and, where there is a memory, what that
answers at position t. The cells see it through a convolution, the `drive` W * p [B, n, w, 3 m l]. After the step the
output is written on position t, over what the memory had put there. In the *Markovian* variant the tape holds the last
output alone.

Two twins. `WholeTape` keeps p and convolves it at each step, as the text says. `WrittenTape` uses that a convolution is
linear and only one position changes at a time: what a vector v written on position t adds to the drive is one product
of matrices, at the three positions around t.
"""

from typing import Any, Protocol

from refmem.arrays import Array, module_of
from refmem.ops import conv2d, tape_write


class Tape(Protocol):
    """What both have in common. Steps come in order, and back in the opposite order."""

    def __init__(self, kernels: Array, like: Array, *, rows: str, markovian: bool) -> None:
        """An empty tape for images such as `like` [B, n, w, m]; kernels [3, 3, m, 3 m l]."""

    def drive(self, answer: Array | None, t: int) -> Array:
        """W * p, with the memory's answer [B, m] at position t."""

    def write(self, output: Array, t: int) -> None:
        """Put the embedded output [B, m] on position t."""

    def start_backward(self) -> None:
        """All gradients are zero; a second backward pass starts from there too."""

    def write_backward(self, t: int) -> Array:
        """The gradient of that output."""

    def drive_backward(self, d_drive: Array, t: int) -> Array | None:
        """The gradient of the answer at t, None where there was none; comes after `write_backward` of t."""

    def d_kernels(self) -> Array:
        """The gradient of the kernels, over all steps that came back."""


class WholeTape:
    """The tape as an image."""

    def __init__(self, kernels: Array, like: Array, *, rows: str, markovian: bool) -> None:
        xp = module_of(like)
        self.kernels, self.rows, self.markovian = kernels, rows, markovian
        self.no_bias = xp.zeros(kernels.shape[3], kernels.dtype)
        self.p = xp.zeros_like(like)
        self.answered: list[Any] = []  # caches, a step each
        self.convolved: list[conv2d.Cache] = []
        self.written: list[Any] = []

    def drive(self, answer: Array | None, t: int) -> Array:
        """W * p."""
        p, cache = (self.p, None) if answer is None else tape_write.forward(self.p, answer, position=t, rows=self.rows)
        self.answered.append(cache)
        y, convolved = conv2d.forward(p, self.kernels, self.no_bias)
        self.convolved.append(convolved)
        return y

    def write(self, output: Array, t: int) -> None:
        """p_{t+1}."""
        before = module_of(self.p).zeros_like(self.p) if self.markovian else self.p
        self.p, cache = tape_write.forward(before, output, position=t, rows=self.rows)
        self.written.append(cache)

    def start_backward(self) -> None:
        """Zeros."""
        self.d_p = module_of(self.p).zeros_like(self.p)
        self.total: Array = module_of(self.p).zeros_like(self.kernels)

    def write_backward(self, t: int) -> Array:
        """dp_t, and the gradient of the output."""
        d_output: Array
        self.d_p, d_output = tape_write.backward(self.d_p, self.written[t])
        if self.markovian:
            self.d_p = module_of(self.d_p).zeros_like(self.d_p)
        return d_output

    def drive_backward(self, d_drive: Array, t: int) -> Array | None:
        """Adds to dp_t."""
        d_p, d_kernels, _ = conv2d.backward(d_drive, self.convolved[t])
        self.total += d_kernels
        d_answer: Array | None = None
        if self.answered[t] is not None:
            d_p, d_answer = tape_write.backward(d_p, self.answered[t])
        self.d_p = self.d_p + d_p
        return d_answer

    def d_kernels(self) -> Array:
        """The sum over the steps."""
        return self.total


# y[h, w] = sum_ij x[h + i - 1, w + j - 1] k[i, j]. With v in the rows R of position t alone, position h = t - 1 + a
# sees it through i = 2 - a, and row r through j = i' - r + 1 for each row i' of R:
#
#     y[t - 1 + a, r] += v B[a, r]        B[a, r] = sum_{i' in R, |i' - r| <= 1} k[2 - a, i' - r + 1]
#
# and so dv = sum_{a, r} dy[t - 1 + a, r] B[a, r]^T, dB[a, r] = v^T dy[t - 1 + a, r].


class WrittenTape:
    """The tape by what was written on it."""

    def __init__(self, kernels: Array, like: Array, *, rows: str, markovian: bool) -> None:
        xp = module_of(like)
        self.kernels, self.markovian = kernels, markovian
        batch, self.positions, w, m = like.shape
        self.width = kernels.shape[3]
        sources = 1 if rows == "first" else w
        self.pairs = [(r, i) for r in range(w) for i in range(sources) if abs(i - r) <= 1]
        self.seen = min(w, sources + 1)  # rows that see anything
        blocks = xp.zeros((3, self.seen, m, self.width), kernels.dtype)  # B
        for r, i in self.pairs:
            for a in range(3):
                blocks[a, r] += kernels[2 - a, i - r + 1]
        self.matrix = blocks.transpose(2, 0, 1, 3).reshape(m, 3 * self.seen * self.width)
        self.base = xp.zeros((batch, self.positions, w, self.width), like.dtype)  # of the outputs
        self.answers: list[Array | None] = []
        self.outputs: list[Array] = []

    def drive(self, answer: Array | None, t: int) -> Array:
        """That of the outputs, and of the answer."""
        self.answers.append(answer)
        y: Array = self.base.copy()
        if answer is not None:
            self._add(y, answer, t)
        return y

    def write(self, output: Array, t: int) -> None:
        """Adds to the drive of all later steps."""
        self.outputs.append(output)
        if self.markovian:
            self.base[...] = 0
        self._add(self.base, output, t)

    def start_backward(self) -> None:
        """Zeros."""
        self.d_matrix = module_of(self.base).zeros_like(self.matrix)
        self.d_base = module_of(self.base).zeros_like(self.base)

    def write_backward(self, t: int) -> Array:
        """From the drives of all later steps; of the next one alone if Markovian."""
        d_output = self._back(self.d_base, self.outputs[t], t)
        if self.markovian:
            self.d_base[...] = 0
        return d_output

    def drive_backward(self, d_drive: Array, t: int) -> Array | None:
        """The gradient of the answer at t."""
        answer = self.answers[t]
        d_answer = None if answer is None else self._back(d_drive, answer, t)
        self.d_base += d_drive
        return d_answer

    def d_kernels(self) -> Array:
        """Each block's gradient goes to the kernels that it was made from."""
        total: Array = module_of(self.kernels).zeros_like(self.kernels)
        m = self.kernels.shape[2]
        d_blocks = self.d_matrix.reshape(m, 3, self.seen, self.width).transpose(1, 2, 0, 3)
        for r, i in self.pairs:
            for a in range(3):
                total[2 - a, i - r + 1] += d_blocks[a, r]
        return total

    def _around(self, t: int) -> tuple[slice, slice]:
        """The positions t-1 .. t+1 that there are, and which a they are."""
        first, last = max(0, t - 1), min(self.positions, t + 2)
        return slice(first, last), slice(first - t + 1, last - t + 1)

    def _add(self, y: Array, v: Array, t: int) -> None:
        here, a = self._around(t)
        y[:, here, :self.seen] += (v @ self.matrix).reshape(len(v), 3, self.seen, self.width)[:, a]

    def _back(self, dy: Array, v: Array, t: int) -> Array:
        here, a = self._around(t)
        around = module_of(dy).zeros((len(v), 3, self.seen, self.width), dy.dtype)
        around[:, a] = dy[:, here, :self.seen]
        flat = around.reshape(len(v), -1)
        self.d_matrix += v.T @ flat
        dv: Array = flat @ self.matrix.T
        return dv


TAPES: dict[str, type[Tape]] = {"plain": WholeTape, "columns": WrittenTape, "winograd": WrittenTape}
"""By the name of the convolution that the cells use."""
