"""Fast weights that grow with a sequence, kept as a matrix [B, R, R].       (FW eq. 1)

`fast_weights_matrix` is the rule, for a past that stands still. Here a sequence stores and reads in turn, and the
matrix is written anew in the same memory each time; the one before is kept too, for those who read with a lag.

The way back needs no matrix. The states are at hand, and with them A is known as their sum of products: what a read
owes to its query and to the states is found by attention (`fast_weights_by_attention`), at a fraction of the cost of
carrying a gradient dA [B, R, R] back through time.
"""

from refmem.arrays import Array, module_of
from refmem.ops import fast_weights_by_attention
from refmem.ops.fast_weights_by_attention import Read
from refmem.ops.fast_weights_matrix import read


class Weights(fast_weights_by_attention.Weights):
    """The fast weights of a batch of sequences, after P states of the past."""

    def __init__(self, past: Array, room: int, decay: Array, rate: Array) -> None:
        super().__init__(past, room, decay, rate)
        xp = module_of(past)
        batch, self.begun, width = past.shape
        self.matrix, self.before, self.product = (xp.zeros((batch, width, width), dtype=past.dtype) for _ in range(3))
        self.count = 0
        for tau in range(self.begun):
            self.store(past[:, tau])

    def store(self, state: Array) -> None:
        """Add the newest state [B, R]: A <- lambda A + eta h h^T."""
        super().store(state)
        xp = module_of(state)
        self.matrix, self.before = self.before, self.matrix
        xp.multiply(self.before, self.decay, out=self.matrix)
        xp.multiply((self.rate * state)[:, :, None], state[:, None, :], out=self.product)
        self.matrix += self.product

    def read(self, query: Array, known: int) -> tuple[Array, Read]:
        """A q [B, R], where A holds the `known` oldest states: all of them, or all but the latest."""
        self.reads += 1
        return read(self.matrix if known == self.count else self.before, query), Read(query, known, None)
