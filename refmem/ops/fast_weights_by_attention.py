"""Fast weights that grow with a sequence, kept as the list of the states that were stored.       (FW eq. 4)

`fast_weights_attention` is the equation, for one read. Here a sequence reads again and again while its past grows, and
the gradient goes back through all these reads. Each of them is a sum of products w a_tau h(tau), and sends
w (a_tau dr + g_tau q) to the state h(tau). Those gradients are not added up read by read: the factors are noted down,
and when time has gone back to h(tau) they are added up at once, as one product

    dh(tau) = [w a_tau; w g_tau]^T [dr; q]         over all later reads.
"""

from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import fast_weights_attention
from refmem.ops.fast_weights_attention import ages_of, weighed


class Read(NamedTuple):
    """One read."""

    query: Array  # [B, R] q
    known: int  # n, how many states were read
    scores: Array | None  # [B, n] a; None where the read was made without them


class Weights:
    """The fast weights of a batch of sequences, for P states of the past and `room` more."""

    def __init__(self, past: Array, room: int, decay: Array, rate: Array) -> None:
        xp = module_of(past)
        batch, self.begun, width = past.shape
        self.states = xp.empty((batch, self.begun + room, width), dtype=past.dtype)  # [B, P + room, R]
        self.states[:, :self.begun] = past
        self.count = self.begun
        self.decay, self.rate = decay, rate
        self.factors = rate * ages_of(self.begun + room, decay)  # eta lambda^age, the latest last
        self.reads = 0

    @property
    def past(self) -> Array:
        """[B, n, R] what is stored by now."""
        stored: Array = self.states[:, :self.count]
        return stored

    def store(self, state: Array) -> None:
        """Add the newest state [B, R]."""
        self.states[:, self.count] = state
        self.count += 1

    def read(self, query: Array, known: int) -> tuple[Array, Read]:
        """A q [B, R], where A holds the `known` oldest states."""
        self.reads += 1
        scores = self.scores(query, known)  # [B, n]
        return weighed(scores * self.weights(known), self.states[:, :known]), Read(query, known, scores)

    def scores(self, query: Array, known: int) -> Array:
        """h(tau)^T q for the `known` oldest states: [B, n]."""
        scores: Array = (self.states[:, :known] @ query[:, :, None])[:, :, 0]
        return scores

    def weights(self, known: int) -> Array:
        """eta lambda^age of each, when there are `known` of them: [n]."""
        latest: Array = self.factors[len(self.factors) - known:]
        return latest

    def backward(self) -> "Backward":
        """The way back, from now."""
        return Backward(self)


class Backward:
    """The gradients of all reads, latest first, and of the stored states."""

    def __init__(self, weights: Weights) -> None:
        xp = module_of(weights.states)
        batch, count, width = weights.states.shape
        self.weights, self.left = weights, weights.count
        self.noted = 0  # rows that are filled in the next two
        self.factors = xp.zeros((batch, count, 2 * weights.reads), dtype=weights.states.dtype)  # w a and w g
        self.vectors = xp.empty((batch, 2 * weights.reads, width), dtype=weights.states.dtype)  # dr and q
        self.d_weights = xp.zeros((count,), dtype=weights.states.dtype)  # of eta lambda^age, the latest last

    def query_gradient(self, d_read: Array, read: Read) -> Array:
        """A^T dr [B, R]; what the read owes to the stored states is noted."""
        query, known, scores = read
        if scores is None:
            scores = self.weights.scores(query, known)  # [B, n] a
        answers = self.weights.scores(d_read, known)  # [B, n] g
        weights, now = self.weights.weights(known), self.noted
        of_query = answers * weights  # [B, n] w g
        self.factors[:, :known, now], self.factors[:, :known, now + 1] = scores * weights, of_query
        self.vectors[:, now], self.vectors[:, now + 1] = d_read, query
        self.noted += 2
        self.d_weights[len(self.d_weights) - known:] += (scores * answers).sum(axis=0)
        return weighed(of_query, self.weights.states[:, :known])

    def stored_gradient(self) -> Array:
        """dh [B, R] of the latest state that was stored, from all later reads; the state is then off the list."""
        self.left -= 1
        return weighed(self.factors[:, self.left, :self.noted], self.vectors[:, :self.noted])

    def rest(self) -> tuple[Array, Array, Array]:
        """(d_past [B, P, R], d_decay [], d_rate []), when time has gone back to the beginning."""
        d_past = self.factors[:, :self.weights.begun, :self.noted] @ self.vectors[:, :self.noted]
        return d_past, *fast_weights_attention.weight_gradients(self.d_weights, self.weights.decay, self.weights.rate)
