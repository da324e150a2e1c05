"""Dropout, inverted: what is kept is scaled up, so that nothing changes in expectation.

    y = x * m / keep        m ~ Bernoulli(keep), one draw an element

LTRRE §2.1 puts it between its two fully connected layers, without a rate; the released code keeps 0.3.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_float, check_shape, to_device


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    scale: Array  # [...] m / keep: what each element was multiplied by


def draw(shape: tuple[int, ...], keep: float, rng: np.random.Generator, *, like: Array) -> Array:
    """The factors m / keep, with the dtype and on the device of `like`.

    One number in [0, 1) is drawn on the host for each element, in row-major order and always in float64: the same
    generator gives the same mask for either dtype and on either device. For keep = 1 nothing is drawn. A batch that
    is split among workers draws its mask here, whole, so that the mask does not depend on the split.

    Raises
    ------
    ValueError
        If `keep` does not lie in (0, 1].
    TypeError
        If `rng` is not a `numpy.random.Generator`, or `like` not float32 or float64.
    """
    check_float("like", like)
    if not 0 < keep <= 1:
        raise ValueError(f"keep must lie in (0, 1], got {keep}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    # spec: dropout.keep-is-probability -- an element is kept where its number in [0, 1) is below keep (LTRRE §2.1)
    kept = np.ones(shape, bool) if keep == 1 else rng.random(shape) < keep  # [...]
    # spec: dropout.inverted -- what is kept is scaled by 1 / keep (released code)
    return to_device(kept.astype(like.dtype) / like.dtype.type(keep), like=like)  # [...]


def forward(x: Array, keep: float, rng: np.random.Generator) -> tuple[Array, Cache]:
    """Set elements of `x` to zero at random, and scale up the rest.

    Parameters
    ----------
    x : [...] float
        Any shape.
    keep : float
        Probability that an element is kept, in (0, 1]. With 1 this is the identity.
    rng : numpy.random.Generator
        Where the mask is drawn from; see `draw`.

    Returns
    -------
    y : shape and dtype of `x`
    cache : Cache

    Raises
    ------
    ValueError, TypeError
        As `draw`.
    """
    check_float("x", x)
    scale = draw(x.shape, keep, rng, like=x)  # [...]
    return x * scale, Cache(scale)


# For a given mask the map is linear: dx = dy * m / keep. The mask depends on no input and carries no gradient.


# spec: dropout.gradient -- dx = dy m / keep (derived)
def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`, for the mask that `forward` drew.

    Parameters
    ----------
    dy : shape and dtype of `y`
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : shape and dtype of `y`
    """
    check_shape("dy", dy, cache.scale.shape)
    check_dtype("dy", dy, cache.scale.dtype)
    return dy * cache.scale  # [...]
