"""What the memory of an Extended Neural GPU is asked with, made from one position of its mental image.

    LTRRE §2.1:     q = d_t[position t, row 0]                                          rows "first", nothing further
    further:        x = d_t[position t, all rows],   q = N(N(x) W)

"The position one step ahead" can also be read as all rows of that position. A projection W may follow, and a
normalisation N of each column before and after it: neither is in the paper. States of a network with gates lie close
together at first, so that all cosines are near 1; about their mean they are told apart.

The steps of the decoder ask one after another, each with few queries, too few to take a mean of. So N uses running
averages over all queries of the batches before, as constants:

    N(x) = (x - mean) / sqrt(variance + eps)
"""

from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import tape_read

EPSILON = 1e-5
MOMENTUM = 0.1  # of the running averages, a batch

Params = dict[str, Array]


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    shape: tuple[int, ...]  # of the images [B, n, w, m]
    position: int
    place: tape_read.Cache | None  # where row 0 alone was read
    before: Array  # [B, r m] what was read
    normal: Array  # [B, r m] N of it
    after: Array  # [B, D] what the second N is made of, with a projection; else the query
    scales: tuple[Array | None, Array | None]  # 1 / sqrt(variance + eps)
    weights: Array | None


def statistics(inputs: int, width: int | None, like: Array) -> dict[str, Array]:
    """Fresh running averages: mean 0, variance 1."""
    xp = module_of(like)
    found: dict[str, Array] = {}
    for name, columns in (("before", inputs), ("after", width)):
        if columns is not None:
            found |= {f"{name}.mean": xp.zeros(columns, like.dtype), f"{name}.variance": xp.ones(columns, like.dtype)}
    return found


def forward(params: Params, running: dict[str, Array], d: Array, position: int, *,
            rows: str = "first") -> tuple[Array, Cache]:
    """The queries of a step.

    Parameters
    ----------
    params : dict
        "query.weights" [r m, D] where there is a projection.
    running : dict
        As `statistics` makes them; empty: nothing is normalised.
    d : [B, n, w, m]
    position : int
    rows : "first" or "all"

    Returns
    -------
    q : [B, D]
    cache : Cache
    """
    place: tape_read.Cache | None = None
    if rows == "first":
        before, place = tape_read.forward(d, position=position)  # [B, m]
    else:
        before = d[:, position].reshape(len(d), -1)  # [B, w m]
    normal, first = _normalised(before, running, "before")
    weights = params.get("query.weights")
    after, second = normal, None
    if weights is not None:
        after = normal @ weights
    q = after
    if weights is not None:
        q, second = _normalised(after, running, "after")
    return q, Cache(d.shape, position, place, before, normal, after, (first, second), weights)


def backward(dq: Array, cache: Cache, gradients: Params) -> Array:
    """dd [B, n, w, m]; adds to the gradient of the projection."""
    first, second = cache.scales
    if second is not None:
        dq = dq * second
    if cache.weights is not None:
        gradients["query.weights"] += cache.normal.T @ dq
        dq = dq @ cache.weights.T
    if first is not None:
        dq = dq * first
    if cache.place is not None:
        return tape_read.backward(dq, cache.place)
    dd: Array = module_of(dq).zeros(cache.shape, dq.dtype)
    dd[:, cache.position] = dq.reshape(dd[:, cache.position].shape)
    return dd


def learn(running: dict[str, Array], asked: list[tuple[Cache, Array]]) -> None:
    """Move the running averages, in place, towards those of a batch: all its queries of the rows that asked."""
    for name in ("before", "after"):
        if f"{name}.mean" in running and asked:
            xp = module_of(running[f"{name}.mean"])
            x = xp.concatenate([getattr(cache, name)[rows] for cache, rows in asked])  # [N, D]
            for which, found in (("mean", x.mean(axis=0)), ("variance", x.var(axis=0))):
                kept = running[f"{name}.{which}"]
                kept += kept.dtype.type(MOMENTUM) * (found - kept)


def _normalised(x: Array, running: dict[str, Array], name: str) -> tuple[Array, Array | None]:
    if f"{name}.mean" not in running:
        return x, None
    scale = 1 / module_of(x).sqrt(running[f"{name}.variance"] + x.dtype.type(EPSILON))
    return (x - running[f"{name}.mean"]) * scale, scale
