"""Reading: from a query to its neighbours, the value of the nearest, and a confidence.

    (n_1, ..., n_k) = NN_k(q, M),    d_i = q . K[n_i]
    the answer is V[n_1], its confidence the first component of softmax(t d_1, ..., t d_k)        (LTRRE §2)

Two readings stand side by side. Both give a pool of neighbours [B, C]; the loss and the write look into it.
The choice of neighbours is not differentiated: it is piecewise constant. The cosines are, with respect to the
query only, since keys are activations of the past, not parameters. Who the neighbours are is asked of an exact
search, or of `index` where the memory has one.
"""

from typing import NamedTuple

from refmem.arrays import Array, inner_products, module_of
from refmem.memory.profiles import Profile
from refmem.memory.state import MemoryState
from refmem.neighbours import Neighbours, exact


class Reading(NamedTuple):
    """What a batch of queries found in the memory."""

    neighbours: Array  # [B, C] int64 slots, nearest first; -1 where the memory has no more
    cosines: Array  # [B, C] q . K[n]
    found: Array  # [B, C] int64 V[n]; the empty value where there is no neighbour
    values: Array  # [B] int64 the answer
    confidence: Array  # [B, C] (paper) or [B, C-1] (tf2017): softmax(t * cosine)
    temperature: float  # t


def read_paper(state: MemoryState, q: Array, profile: Profile, labels: Array | None,
               index: Neighbours | None = None) -> Reading:
    """The text: k neighbours among the filled slots, softmax over all of them. `labels` are not looked at.

    An empty memory answers with the empty value and confidence 0.
    """
    xp = module_of(q)
    m = state.keys.shape[0]
    t = profile.temperature_in(m)
    # spec: memory.read.empty-slots -- empty slots are no neighbours (LTRRE §2: keys are normalised)
    filled = state.values != profile.empty_value  # [m]
    k = profile.neighbours_in(m)
    if index is None:
        neighbours, cosines = exact.search(q, state.keys, k, filled=filled)  # [B, k] each
    else:
        neighbours, cosines = through_index(index, state, q, k, filled)
    present = neighbours >= 0  # [B, k]
    found = xp.where(present, state.values[neighbours], profile.empty_value)  # [B, k]

    # exp(t d_i) / sum_j exp(t d_j), with t d_1, the largest, taken off first.
    weights = xp.exp(t * (cosines - cosines[:, :1]))  # [B, k]
    # spec: memory.read.confidence -- softmax(t d_1, ..., t d_k), d_i = q . K[n_i] (LTRRE §2)
    weights = xp.where(present, weights, xp.zeros_like(weights))
    total = weights.sum(axis=1, keepdims=True)  # [B, 1]; 0 for an empty memory
    # spec: memory.read.empty-memory -- an empty memory answers with no class (-1) and confidence 0
    #     (LTRRE §2 is silent)
    confidence = weights / xp.where(total > 0, total, xp.ones_like(total))  # [B, k]
    # spec: memory.read.answer -- the answer is V[n_1] (LTRRE §2)
    return Reading(neighbours, cosines, found, found[:, 0], confidence, t)


def read_tf2017(state: MemoryState, q: Array, profile: Profile, labels: Array | None,
                index: Neighbours | None = None) -> Reading:
    """The released code: empty slots are neighbours too, the label's recent slot joins as the last column, and the
    softmax and the answer leave the last column out, whether it is the recent slot or the k-th neighbour.
    """
    xp = module_of(q)
    m = state.keys.shape[0]
    t = profile.temperature_in(m)
    # spec: tf2017.read.empty-slots-answer -- empty slots take part: cosine 0, value 0 (released code)
    k = profile.neighbours_in(m)
    if index is None:
        pool, _ = exact.search(q, state.keys, k)  # [B, k]
    else:
        pool, _ = through_index(index, state, q, k, None)
    if labels is not None and state.recent is not None and profile.recent_hint:
        # spec: tf2017.read.recent-column -- with a label, the slot last written for it joins as the last
        #     column (released code, recent_idx)
        pool = xp.concatenate([pool, state.recent[labels][:, None]], axis=1)  # [B, k + 1]
    if pool.shape[1] < 2:
        raise ValueError("the released code leaves out the last of its neighbours and needs at least 2 slots")
    cosines = inner_products(q[:, None, :], state.keys[pool])  # [B, C]
    found = state.values[pool]  # [B, C]

    # spec: tf2017.read.drop-last-column -- softmax and answer leave out the last column, whichever it is
    #     (released code)
    answering = cosines[:, :-1]  # [B, C - 1]
    best = answering.argmax(axis=1)[:, None]  # [B, 1] the first of equals
    values = xp.take_along_axis(found, best, axis=1)[:, 0]  # [B]
    weights = xp.exp(t * (answering - answering.max(axis=1, keepdims=True)))  # [B, C - 1]
    confidence = weights / weights.sum(axis=1, keepdims=True)  # [B, C - 1]
    return Reading(pool, cosines, found, values, confidence, t)


def through_index(index: Neighbours, state: MemoryState, q: Array, k: int,
                  filled: Array | None) -> tuple[Array, Array]:
    """As `exact.search`. A zero query has no direction that an index could use, and is compared with every key."""
    xp = module_of(q)
    directed = (q != 0).any(axis=1)  # [B]
    if bool(directed.all()):
        return index.search(q, k)
    slots = xp.empty((len(q), k), dtype=xp.int64)
    cosines = xp.empty((len(q), k), dtype=q.dtype)
    slots[directed], cosines[directed] = index.search(q[directed], k)
    slots[~directed], cosines[~directed] = exact.search(q[~directed], state.keys, k, filled=filled)
    return slots, cosines


READ = {"paper": read_paper, "tf2017": read_tf2017}


# With c = softmax(t d):   dd_i = t c_i (dc_i - sum_j dc_j c_j),   and   d_i = q . K[n_i]   gives
#
#     dq = sum_i dd_i K[n_i].
#
# Neighbours of a batch overlap, so each key is kept once.

GATHERED = 2 ** 18
"""Numbers of keys that are laid side by side at a time: as many as stay in cache."""


class KeysRead(NamedTuple):
    """The keys that a reading stood on, as they were: a later write may change the memory."""

    slots: Array  # [u] int64, increasing
    keys: Array  # [u, d]


def keys_read(state: MemoryState, reading: Reading) -> KeysRead:
    """Copies of the keys of all neighbours of the batch, each once."""
    xp = module_of(state.keys)
    read = xp.zeros(len(state.keys), dtype=bool)  # [m]
    read[reading.neighbours] = True  # an absent neighbour, -1, keeps the last key for nothing
    slots = xp.flatnonzero(read)
    return KeysRead(slots, state.keys[slots])


# spec: memory.read.confidence-gradient -- dq = sum_i t c_i (dc_i - <dc, c>) K[n_i] (LTRRE §2, derived)
def confidence_backward(d_confidence: Array, reading: Reading, kept: KeysRead) -> Array:
    """Gradient of the loss with respect to q, through the confidence alone.

    Parameters
    ----------
    d_confidence : shape of `reading.confidence`

    Returns
    -------
    dq : [B, d]
    """
    xp = module_of(d_confidence)
    c = reading.confidence
    d_cosines = reading.temperature * c * (d_confidence - (d_confidence * c).sum(axis=1, keepdims=True))
    neighbours = reading.neighbours[:, :c.shape[1]]
    columns = xp.searchsorted(kept.slots, neighbours)  # [B, k] where each neighbour's key is kept; any where c = 0
    dq: Array = xp.empty((c.shape[0], kept.keys.shape[1]), dtype=c.dtype)  # [B, d]
    few = max(1, GATHERED // max(1, c.shape[1] * kept.keys.shape[1]))
    for start in range(0, c.shape[0], few):
        rows = slice(start, start + few)
        dq[rows] = xp.matmul(d_cosines[rows, None, :], kept.keys[columns[rows]])[:, 0]
    return dq
