"""The gate of the Neural GPU: a sigmoid that is stretched a little and cut, so that it can be shut for good.

    g = max(0, min(1, c sigma(x) - 0.1))        sigma(x) = 1 / (1 + e^-x)

The paper (arXiv 1511.08228) has c = 1.1, which reaches 0 for x < -2.3 and 1 only in the limit; the code released with
it has c = 1.2, which reaches both. A plain sigmoid leaks a little of the state at every step, and n steps leak all of
it.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of

CUTOFFS = {"paper": 1.1, "released": 1.2}
"""c, by name."""

SHIFT = 0.1


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    g: Array  # [...] the gate; sigma(x) follows from it wherever there is a gradient
    stretch: float  # c


def stretch_of(cutoff: str) -> float:
    """c of a cutoff by its name."""
    if cutoff not in CUTOFFS:
        raise ValueError(f"cutoff must be one of {', '.join(CUTOFFS)}, got {cutoff!r}")
    return CUTOFFS[cutoff]


def forward(x: Array, *, cutoff: str = "paper") -> tuple[Array, Cache]:
    """Open or shut a gate for each element of `x`.

    Parameters
    ----------
    x : [...] float
    cutoff : "paper" or "released"
        c = 1.1 or c = 1.2.

    Returns
    -------
    g : shape and dtype of `x`, in [0, 1]
    cache : Cache

    Raises
    ------
    ValueError
        If there is no such cutoff.
    TypeError
        If `x` is not float32 or float64.
    """
    check_float("x", x)
    xp = module_of(x)
    c = stretch_of(cutoff)
    sigma = 0.5 + 0.5 * xp.tanh(0.5 * x)  # [...] the same function as 1 / (1 + e^-x), which would overflow
    # spec: hard_gate.cutoff -- g = max(0, min(1, 1.1 sigma(x) - 0.1)), and 1.2 in place of 1.1 as released
    #     (Neural GPU, arXiv 1511.08228 §2; released code)
    g = xp.minimum(xp.maximum(c * sigma - SHIFT, 0.0), 1.0)  # [...]
    return g, Cache(g, c)


# Inside the bounds g = c sigma - 0.1, hence sigma = (g + 0.1) / c and
#
#     dx = dg c sigma (1 - sigma).
#
# At a bound the gate is constant on one side. It passes nothing there: a gate that is shut does not learn.


# spec: hard_gate.gradient -- dx = dg c sigma (1 - sigma) where 0 < g < 1, and 0 at the bounds (derived)
def backward(dg: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dg : shape and dtype of `g`
        Gradient of the loss with respect to `g`.

    Returns
    -------
    dx : shape and dtype of `g`
    """
    g, c = cache
    check_shape("dg", dg, g.shape)
    check_dtype("dg", dg, g.dtype)
    sigma = (g + SHIFT) / c  # [...]
    inside = (g > 0) & (g < 1)
    dx: Array = module_of(g).where(inside, dg * (c * sigma * (1 - sigma)), module_of(g).zeros_like(g))
    return dx
