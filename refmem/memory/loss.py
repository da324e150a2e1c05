"""The margin loss: the right neighbour shall be nearer than the best wrong one, by alpha.

    loss(q, v, M) = [ q . K[n_b] - q . K[n_p] + alpha ]_+        (LTRRE §2)

p is the first neighbour with the value v, b the first with another value. The loss of a batch is the mean of its
rows. Which p and b are taken is not differentiated; the two cosines are, with respect to q.
"""

from typing import NamedTuple

from refmem.arrays import Array, along_rows, inner_products, module_of, to_host
from refmem.memory.profiles import Profile
from refmem.memory.read import Reading
from refmem.memory.state import MemoryState


class Margin(NamedTuple):
    """The loss, and the two keys that pull at each query."""

    loss: Array  # scalar, mean over the batch
    positive: Array  # [B] int64 slot of p, -1 for none
    negative: Array  # [B] int64 slot of b, -1 for none
    d_positive: Array  # [B] d loss_row / d cosine of p: -1, or 0 where the hinge is shut or p gives no gradient
    d_negative: Array  # [B] d loss_row / d cosine of b: 1, or 0
    positive_keys: Array  # [B, d] K[n_p] as it was
    negative_keys: Array  # [B, d] K[n_b] as it was


def margin_paper(state: MemoryState, q: Array, labels: Array, reading: Reading, profile: Profile) -> Margin:
    """The text, on raw cosines. What it leaves open:

    - "any vector from memory with value v" when no neighbour has it: the nearest such slot of the whole memory;
    - v nowhere in the memory, or no neighbour of another value: the row loses nothing.
    """
    xp = module_of(q)
    present = reading.neighbours >= 0  # [B, k]
    right = present & (reading.found == labels[:, None])  # [B, k]
    wrong = present & (reading.found != labels[:, None])  # [B, k]
    positive, cosine_p = _first(right, reading)  # [B] each
    negative, cosine_b = _first(wrong, reading)

    # spec: memory.loss.no-positive-nearby -- no neighbour has the value: the nearest such slot of the whole
    #     memory (LTRRE §2: "any vector from memory with value v")
    for row in to_host(xp.flatnonzero(positive < 0)).tolist():
        candidates = xp.flatnonzero(state.values == labels[row])
        if candidates.size:
            cosines = inner_products(q[row], state.keys[candidates])
            best = cosines.argmax()  # the lowest slot of equals
            positive[row], cosine_p[row] = candidates[best], cosines[best]

    # spec: memory.loss.nothing-to-compare -- no slot with the value, or no neighbour without: the row loses
    #     nothing (LTRRE §2 is silent)
    both = (positive >= 0) & (negative >= 0)  # [B]
    # spec: memory.loss.margin -- [q . K[n_b] - q . K[n_p] + alpha]_+ on raw cosines (LTRRE §2)
    slack = cosine_b - cosine_p + q.dtype.type(profile.alpha)  # [B]
    # spec: memory.loss.shut-hinge -- a row that loses nothing passes no gradient; nor does the hinge at 0
    #     (LTRRE §2, derived)
    active = (both & (slack > 0)).astype(q.dtype)  # [B] the hinge at 0 passes no gradient
    # spec: memory.loss.batch-mean -- the loss of a batch is the mean of all its rows (released code)
    loss = (active * slack).sum() / q.dtype.type(max(1, len(q)))
    return Margin(loss, positive, negative, -active, active, state.keys[positive], state.keys[negative])


def margin_tf2017(state: MemoryState, q: Array, labels: Array, reading: Reading, profile: Profile) -> Margin:
    """The released code: cosines of the other kind are set to 0 before the maximum, and alpha is taken off again.

    So a positive below 0 loses to a column of the wrong value (which then stands for p, without a gradient), no
    positive at all counts as cosine 0, and the least loss of a row is -alpha.
    """
    xp = module_of(q)
    right = (reading.found == labels[:, None]).astype(q.dtype)  # [B, C]
    # spec: tf2017.loss.masked-zeros -- the other kind counts as 0 in either maximum, and so does a missing
    #     kind (released code)
    column_p = (reading.cosines * right).argmax(axis=1)[:, None]  # [B, 1]
    column_b = (reading.cosines * (1 - right)).argmax(axis=1)[:, None]  # [B, 1]
    # spec: tf2017.loss.masked-gradient -- a zero that stands for a cosine passes no gradient (released code)
    right_p = xp.take_along_axis(right, column_p, axis=1)[:, 0]  # [B] 1 where p has the value
    wrong_b = 1 - xp.take_along_axis(right, column_b, axis=1)[:, 0]  # [B] 1 where b has another
    cosine_p = xp.take_along_axis(reading.cosines, column_p, axis=1)[:, 0] * right_p  # [B]
    cosine_b = xp.take_along_axis(reading.cosines, column_b, axis=1)[:, 0] * wrong_b  # [B]

    alpha = q.dtype.type(profile.alpha)
    slack = cosine_b - cosine_p + alpha  # [B]
    active = (slack > 0).astype(q.dtype)  # [B]
    # spec: tf2017.loss.minus-alpha -- [neg - pos + alpha]_+ - alpha (released code)
    loss = (active * slack - alpha).sum() / q.dtype.type(max(1, len(q)))
    positive = xp.take_along_axis(reading.neighbours, column_p, axis=1)[:, 0]  # [B]
    negative = xp.take_along_axis(reading.neighbours, column_b, axis=1)[:, 0]  # [B]
    return Margin(loss, positive, negative, -active * right_p, active * wrong_b,
                  state.keys[positive], state.keys[negative])


MARGIN = {"paper": margin_paper, "tf2017": margin_tf2017}


# With loss = 1/B sum_row loss_row:   dq = 1/B (d_negative K[n_b] + d_positive K[n_p]).
# The query is pushed away from the best wrong key and pulled towards the right one.


# spec: memory.loss.gradient -- dq = 1/B (K[n_b] - K[n_p]) where the hinge is open (LTRRE §2, derived)
def margin_backward(d_loss: float, margin: Margin) -> Array:
    """Gradient with respect to q. Returns [B, d]."""
    pushed = margin.d_negative[:, None] * margin.negative_keys  # [B, d]
    pulled = margin.d_positive[:, None] * margin.positive_keys  # [B, d]
    scale = margin.positive_keys.dtype.type(d_loss / max(1, len(margin.positive)))
    dq: Array = scale * (pushed + pulled)
    return dq


def _first(wanted: Array, reading: Reading) -> tuple[Array, Array]:
    """Slot and cosine of the first wanted neighbour of each row; slot -1 where there is none."""
    xp = module_of(wanted)
    column = wanted.argmax(axis=1)[:, None]  # [B, 1] the first True
    found = along_rows(wanted, column)[:, 0]  # [B]
    slots = along_rows(reading.neighbours, column)[:, 0]  # [B]
    return xp.where(found, slots, -1), along_rows(reading.cosines, column)[:, 0]
