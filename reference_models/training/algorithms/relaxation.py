"""Parameter sharing relaxation: S sets of weights at first, drawn together until they are one.  (arXiv 1511.08228 §3)

A recurrent network is hard to train because every step has the same weights. So step t uses the set t mod S (see
`refmem.ops.cgru_steps`), and the cost gains

    pull * sum_i ||w_i - mean||^2

over the sets. The pull is multiplied whenever the curriculum advances, and at its end the sets are replaced by their
mean. Arrays that are shared out have the set as their first dimension.
"""

from collections.abc import Iterable

from refmem.arrays import Array


def cost(params: dict[str, Array], names: Iterable[str], pull: float) -> tuple[float, dict[str, Array]]:
    """The added cost, and its gradient.

    d/dw_i sum_j ||w_j - mean||^2 = 2 (w_i - mean): what comes through the mean adds up to nothing.

    Parameters
    ----------
    names : of the arrays [S, ...] that are relaxed
    pull : float
        At least 0.
    """
    if pull < 0:
        raise ValueError(f"pull must be at least 0, got {pull}")
    total, gradients = 0.0, {}
    for name in names:
        apart = params[name] - params[name].mean(axis=0)  # [S, ...]
        total += pull * float((apart.astype("float64") ** 2).sum())
        gradients[name] = apart * apart.dtype.type(2 * pull)
    return total, gradients


def averaged(params: dict[str, Array], names: Iterable[str]) -> dict[str, Array]:
    """All params, with one set [1, ...] of those named: their mean."""
    return params | {name: params[name].mean(axis=0, keepdims=True) for name in names}
