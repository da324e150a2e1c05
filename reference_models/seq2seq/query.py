"""What the memory is asked with at each step of the decoder.

    LTRRE §2.1:           q = a_t, the vector retrieved by the attention       ("context")
    the released code:    q = h_t, the output of the top layer                 ("top")
    both of them:         q = [a_t; h_t]                                       ("both")

A projection may follow, q W, and batch normalisation before and after it: neither is in the paper. They are what keeps
queries apart that would otherwise collapse onto one direction. The memory scales each query to length 1 itself.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import batch_norm

from reference_models.seq2seq.layers import Gradients, Params

MOMENTUM = 0.1  # of the running statistics


@dataclass(frozen=True)
class Query:
    """How a query is made. The defaults are the paper's."""

    source: Literal["context", "top", "both"] = "context"
    """What it is made of."""

    width: int | None = None
    """Of the projection; None: there is none."""

    norm: bool = False
    """Whether its columns are normalised over the batch, before and after the projection."""

    def __post_init__(self) -> None:
        if self.source not in ("context", "top", "both"):
            raise ValueError(f"the query must be made of 'context', 'top' or 'both', got {self.source!r}")
        if self.width is not None and self.width < 1:
            raise ValueError(f"the width of the query's projection must be at least 1, got {self.width}")

    def made_of(self, context: int, top: int) -> int:
        """The width before the projection."""
        return {"context": context, "top": top, "both": context + top}[self.source]

    def norms(self, inputs: int) -> dict[str, int]:
        """The width of each normalisation, by name."""
        if not self.norm:
            return {}
        return {"query.norm1": inputs} | ({} if self.width is None else {"query.norm2": self.width})


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    query: Query
    context: int  # its width
    projected: Array | None  # [N, D] what was projected
    weights: Array | None  # [D, width]
    norms: list[batch_norm.Cache]


def forward(params: Params, statistics: dict[str, Array], query: Query, context: Array, top: Array, *,
            training: bool) -> tuple[Array, Cache]:
    """The queries of N positions.

    Parameters
    ----------
    params : "query.projection" [D, width] where there is one, "query.norm1.gain" [D], ...
    statistics : "query.norm1.mean", "query.norm1.variance", ...
        Running averages. In training the batch's own are used, and these move towards them, in place.
    context : [N, D]
    top : [N, H]

    Returns
    -------
    q : [N, width]
    cache : Cache
    """
    xp = module_of(top)
    q = {"context": context, "top": top}.get(query.source)
    if q is None:
        q = xp.concatenate([context, top], axis=1)
    norms: list[batch_norm.Cache] = []
    if query.norm:
        q = _normalised(params, statistics, "query.norm1", q, training, norms)
    projected = weights = None
    if query.width is not None:
        projected, weights = q, params["query.projection"]
        q = projected @ weights
        if query.norm:
            q = _normalised(params, statistics, "query.norm2", q, training, norms)
    return q, Cache(query, context.shape[1], projected, weights, norms)


def backward(dq: Array, cache: Cache) -> tuple[Gradients, Array | None, Array | None]:
    """The gradients of the params, and those of context and top: None for what the query is not made of."""
    gradients: Gradients = {}
    norms = list(cache.norms)
    if cache.weights is not None and cache.projected is not None:
        if cache.query.norm:
            dq = _normalised_backward("query.norm2", dq, norms.pop(), gradients)
        gradients["query.projection"] = cache.projected.T @ dq
        dq = dq @ cache.weights.T
    if cache.query.norm:
        dq = _normalised_backward("query.norm1", dq, norms.pop(), gradients)
    if cache.query.source == "context":
        return gradients, dq, None
    if cache.query.source == "top":
        return gradients, None, dq
    return gradients, dq[:, :cache.context], dq[:, cache.context:]


def _normalised(params: Params, statistics: dict[str, Array], name: str, x: Array, training: bool,
                caches: list[batch_norm.Cache]) -> Array:
    gain, bias = params[f"{name}.gain"], params[f"{name}.bias"]
    mean, variance = statistics[f"{name}.mean"], statistics[f"{name}.variance"]
    y, cache = batch_norm.forward(x, gain, bias, None if training else (mean, variance))
    caches.append(cache)
    if training:
        mean += mean.dtype.type(MOMENTUM) * (cache.mean - mean)
        variance += variance.dtype.type(MOMENTUM) * (cache.variance - variance)
    return y


def _normalised_backward(name: str, dy: Array, cache: batch_norm.Cache, gradients: Gradients) -> Array:
    dx, gradients[f"{name}.gain"], gradients[f"{name}.bias"] = batch_norm.backward(dy, cache)
    return dx
