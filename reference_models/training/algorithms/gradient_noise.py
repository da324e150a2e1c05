"""Noise on the gradients, which helps a Neural GPU out of wrong algorithms: less of it as time passes, and less the
more it gets right.

    g <- g + N(0, std^2)        std = scale * step^(-1/4) * error                  "paper", arXiv 1511.08228 §3
                                std = scale * sqrt((step + 1)^(-0.55) * error)     "released", drawn again beyond 2 std

The error is the share of sequences that are not fully correct. The released code adds it after clipping.
"""

import math

import numpy as np

from refmem.arrays import Array, to_device, truncated_normal

RULES = ("paper", "released")


def deviation(scale: float, step: int, error: float, rule: str = "paper") -> float:
    """The standard deviation at a step, counted from 1.

    Raises
    ------
    ValueError
        If an argument is out of range, or the rule is unknown.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if scale < 0 or step < 1 or not 0 <= error <= 1:
        raise ValueError("scale must be at least 0, step at least 1, and error in [0, 1], "
                         f"got {scale}, {step}, {error}")
    if rule == "paper":
        return float(scale * float(step) ** -0.25 * error)
    return scale * math.sqrt((step + 1) ** -0.55 * error)


def add(gradients: dict[str, Array], std: float, rng: np.random.Generator, rule: str = "paper") -> dict[str, Array]:
    """New arrays: each gradient with noise of this deviation. With std = 0 nothing is drawn."""
    if std == 0:
        return dict(gradients)

    def noise(shape: tuple[int, ...]) -> Array:
        return rng.standard_normal(shape) if rule == "paper" else truncated_normal(rng, shape)

    return {name: g + to_device((std * noise(g.shape)).astype(g.dtype), like=g) for name, g in gradients.items()}
