"""Clipping by the global norm: all gradients shrink together, so that the step keeps its direction.

    norm = sqrt(sum over all weights of g^2)            g <- g * limit / max(norm, limit)

As in TensorFlow's `clip_by_global_norm`, which the released code calls with 5. Where gradients are far smaller than any
fixed limit most of the time, `Usual` takes a multiple of their running mean in its place: in Adam, which divides by
the size that gradients used to have, one gradient of a hundred times that size moves every weight by several rates.
"""

import math
from dataclasses import dataclass

from refmem.arrays import Array


def global_norm(gradients: dict[str, Array]) -> float:
    """Length of all gradients taken as one vector; summed in float64."""
    return math.sqrt(sum(float((g.astype("float64") ** 2).sum()) for g in gradients.values()))


def clip_by_global_norm(gradients: dict[str, Array], limit: float) -> tuple[dict[str, Array], float]:
    """The gradients, scaled down where their global norm exceeds `limit`, and that norm before scaling.

    Raises
    ------
    ValueError
        If `limit` is not positive.
    FloatingPointError
        If a gradient is not finite: scaled NaNs would only spread.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    norm = global_norm(gradients)
    if not math.isfinite(norm):
        raise FloatingPointError(f"the gradients have the global norm {norm}: training has diverged; lower the rate")
    if norm <= limit:
        return dict(gradients), norm
    return {name: g * g.dtype.type(limit / norm) for name, g in gradients.items()}, norm


NEWEST = 0.05  # weight of a norm in the running mean


@dataclass
class Usual:
    """The running mean of the global norms, each as it was after clipping."""

    norm: float = 0.0
    """0: there was none yet."""

    def clip(self, gradients: dict[str, Array], times: float) -> tuple[dict[str, Array], float]:
        """As `clip_by_global_norm`, with `times` the usual norm as the limit; the first gradient is taken as usual."""
        limit = times * self.norm if self.norm else math.inf
        clipped, norm = clip_by_global_norm(gradients, limit)
        self.norm += (NEWEST if self.norm else 1) * (min(norm, limit) - self.norm)
        return clipped, norm
