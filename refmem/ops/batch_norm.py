"""Batch normalisation of rows: each column has mean 0 and variance 1 over the batch.

    y = gain * (x - mean) / sqrt(variance + eps) + bias          (Ioffe and Szegedy 2015)

It keeps the queries of a memory from collapsing onto one direction, where all cosines are alike.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    normal: Array  # [B, D] (x - mean) / sqrt(variance + eps)
    scale: Array  # [D] 1 / sqrt(variance + eps)
    gain: Array  # [D]
    mean: Array  # [D] of the batch, or as given
    variance: Array  # [D] of the batch, without Bessel's correction, or as given
    given: bool  # whether mean and variance were constants


def forward(x: Array, gain: Array, bias: Array, statistics: tuple[Array, Array] | None = None, *,
            eps: float = 1e-5) -> tuple[Array, Cache]:
    """Normalise the columns of `x`.

    Parameters
    ----------
    x : [B, D] float
        B >= 1, unless `statistics` are given.
    gain, bias : [D], dtype of `x`
    statistics : ([D], [D]), optional
        Mean and variance to use in place of the batch's: the running ones, outside training. Not differentiated.
    eps : float
        Added to the variance.

    Returns
    -------
    y : [B, D], dtype of `x`
    cache : Cache
        `cache.mean` and `cache.variance` are what a running average is made of.

    Raises
    ------
    ValueError
        If a shape is wrong, there is no row to take a mean of, or `eps` is not positive.
    TypeError
        If `x` is not float32 or float64, or the others are of another dtype.
    """
    check_float("x", x)
    check_rank("x", x, 2)
    for name, vector in (("gain", gain), ("bias", bias)):
        check_shape(name, vector, x.shape[1:])
        check_dtype(name, vector, x.dtype)
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps}")
    xp = module_of(x)
    if statistics is not None:
        # spec: batch_norm.given-statistics -- a given mean and variance stand for the batch's, as constants
        mean, variance = statistics
        for name, vector in (("mean", mean), ("variance", variance)):
            check_shape(name, vector, x.shape[1:])
            check_dtype(name, vector, x.dtype)
    else:
        if x.shape[0] == 0:
            raise ValueError("x must have at least one row to take a mean of, got none")
        mean = x.mean(axis=0)  # [D]
        variance = ((x - mean) ** 2).mean(axis=0)  # [D]
    # spec: batch_norm.forward -- y = gain (x - mean) / sqrt(variance + eps) + bias, variance divided by B
    scale = 1 / xp.sqrt(variance + x.dtype.type(eps))  # [D]
    normal = (x - mean) * scale  # [B, D]
    return gain * normal + bias, Cache(normal, scale, gain, mean, variance, statistics is not None)


# With n_b = (x_b - mean) s and s = 1 / sqrt(variance + eps), a change of x_b moves n_b itself, the mean, and the
# variance:   d mean / d x_b = 1/B,   d variance / d x_b = 2 (x_b - mean) / B,   d s / d variance = - s^3 / 2, so
#
#     dn_b = dy_b gain
#     dx_b = s (dn_b - mean_b(dn) - n_b mean_b(dn n)).
#
# With given statistics only the first term is left. d_gain = sum_b dy_b n_b, and d_bias = sum_b dy_b.


# spec: batch_norm.gradient -- dx = s (dn - mean(dn) - n mean(dn n)), dn = dy gain (derived)
def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [B, D]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [B, D]
    d_gain, d_bias : [D]
    """
    normal, scale, gain = cache[:3]
    check_shape("dy", dy, normal.shape)
    check_dtype("dy", dy, normal.dtype)
    dn = dy * gain  # [B, D]
    if not cache.given:
        dn = dn - dn.mean(axis=0) - normal * (dn * normal).mean(axis=0)
    return scale * dn, (dy * normal).sum(axis=0), dy.sum(axis=0)
