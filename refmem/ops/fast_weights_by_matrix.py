"""Fast weights that grow with a sequence, kept as a matrix [B, R, R].       (FW eq. 1)

`fast_weights_matrix` is the rule, for a past that stands still. Here a sequence stores and reads in turn. All matrices
of the way are kept for the way back, on which one gradient dA goes along: a read adds dr q^T to it, a stored state
takes its own gradient from it, and then it decays as the matrix did.
"""

from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops.fast_weights_matrix import learned, read, unlearned


class Read(NamedTuple):
    """One read."""

    query: Array  # [B, R]
    known: int  # how many states the matrix held


class Weights:
    """The fast weights of a batch of sequences, after P states of the past."""

    def __init__(self, past: Array, room: int, decay: Array, rate: Array) -> None:
        batch, self.begun, width = past.shape
        self.matrices = [module_of(past).zeros((batch, width, width), dtype=past.dtype)]  # A after 0, 1, .. states
        self.states: list[Array] = []  # each [B, R]
        self.decay, self.rate = decay, rate
        for tau in range(self.begun):
            self.store(past[:, tau])

    @property
    def count(self) -> int:
        """How many states are stored by now."""
        return len(self.states)

    @property
    def past(self) -> Array:
        """[B, n, R] what is stored by now."""
        xp = module_of(self.matrices[0])
        batch, width, _ = self.matrices[0].shape
        none = xp.empty((batch, 0, width), dtype=self.matrices[0].dtype)
        return xp.concatenate([none, *(state[:, None] for state in self.states)], axis=1)  # type: ignore[no-any-return]

    def store(self, state: Array) -> None:
        """Add the newest state [B, R]."""
        self.matrices.append(learned(self.matrices[-1], state, self.decay, self.rate))
        self.states.append(state)

    def read(self, query: Array, known: int) -> tuple[Array, Read]:
        """A q [B, R], where A holds the `known` oldest states."""
        return read(self.matrices[known], query), Read(query, known)

    def backward(self) -> "Backward":
        """The way back, from now."""
        return Backward(self)


class Backward:
    """The gradients of all reads, latest first, and of the stored states."""

    def __init__(self, weights: Weights) -> None:
        xp = module_of(weights.matrices[0])
        self.weights, self.left = weights, weights.count
        self.d_matrices: dict[int, Array] = {}  # by how many states A holds: [B, R, R], where there is any
        self.d_decay = xp.zeros((), dtype=weights.matrices[0].dtype)
        self.d_rate = xp.zeros((), dtype=weights.matrices[0].dtype)

    def query_gradient(self, d_read: Array, of_read: Read) -> Array:
        """A^T dr [B, R]; dr q^T is added to dA."""
        query, known = of_read
        product = d_read[:, :, None] * query[:, None, :]  # [B, R, R]
        self._add(known, product)
        return read(self.weights.matrices[known], d_read)

    def stored_gradient(self) -> Array:
        """dh [B, R] of the latest state that was stored, from all later reads; the state is then off the list."""
        d_matrix = self.d_matrices.pop(self.left, None)
        self.left -= 1
        state = self.weights.states[self.left]
        if d_matrix is None:  # nothing was read since
            return module_of(state).zeros_like(state)  # type: ignore[no-any-return]
        before = self.weights.matrices[self.left]
        d_state, d_decay, d_rate = unlearned(d_matrix, before, state, self.weights.rate)
        self.d_decay, self.d_rate = self.d_decay + d_decay, self.d_rate + d_rate
        self._add(self.left, self.weights.decay * d_matrix)
        return d_state

    def _add(self, known: int, d_matrix: Array) -> None:
        if known in self.d_matrices:
            d_matrix += self.d_matrices[known]
        self.d_matrices[known] = d_matrix

    def rest(self) -> tuple[Array, Array, Array]:
        """(d_past [B, P, R], d_decay [], d_rate []), when time has gone back to the beginning."""
        xp = module_of(self.weights.matrices[0])
        d_past = [self.stored_gradient() for _ in range(self.left)][::-1]
        batch, width, _ = self.weights.matrices[0].shape
        none = xp.empty((batch, 0, width), dtype=self.weights.matrices[0].dtype)
        joined = xp.concatenate([none, *(row[:, None] for row in d_past)], axis=1)
        return joined, xp.asarray(self.d_decay), xp.asarray(self.d_rate)
