"""Layer normalisation: each row is shifted and scaled to mean 0 and variance 1, then given a learned gain and bias.

    y = gain * (x - mean) / sqrt(variance + eps) + bias

Mean and variance run over the features of one row (Ba, Kiros, Hinton 2016), so that a row does not depend on the
others of its batch. "Using Fast Weights to Attend to the Recent Past" (FW) needs it in eq. (5). Several public programs
for that paper take the statistics over the batch instead and still call it layer norm; `over="batch"` is what they do.
"""

from typing import Literal, NamedTuple, TypeAlias

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of

Over: TypeAlias = Literal["features", "batch"]


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    normed: Array  # [..., D] (x - mean) / sqrt(variance + eps)
    scale: Array  # [..., 1] 1 / sqrt(variance + eps); [1, D] over the batch
    gain: Array  # [D]
    over: Over


# spec: layer_norm.forward -- y = gain (x - mean) / sqrt(variance + eps) + bias, the variance with 1/D (FW eq. 5)
def forward(x: Array, gain: Array, bias: Array, *, eps: float = 1e-5,
            over: Over = "features") -> tuple[Array, Cache]:
    """Normalise each row of `x`.

    Parameters
    ----------
    x : [..., D] float
        At least a row of at least one number.
    gain, bias : [D], dtype of `x`
    eps : float
        Added to the variance, the mean of the squared deviations.
    over : "features" or "batch"
        Over what the mean and the variance run. "batch" takes a matrix [B, D] and normalises its columns.

    Returns
    -------
    y : [..., D], dtype of `x`
    cache : Cache

    Raises
    ------
    ValueError
        If a shape is wrong, `eps` is not positive, or `over` is unknown.
    TypeError
        If `x` is not float32 or float64, or the others are of another dtype.
    """
    check_float("x", x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have rows of at least one number, got shape {x.shape}")
    if over not in ("features", "batch") or (over == "batch" and x.ndim != 2):
        raise ValueError(f"over must be 'features', or 'batch' for a matrix, got {over!r} for shape {x.shape}")
    for name, array in (("gain", gain), ("bias", bias)):
        check_shape(name, array, x.shape[-1:])
        check_dtype(name, array, x.dtype)
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps}")

    # spec: layer_norm.over-features -- mean and variance are those of one row, not of the batch (FW §3; derived)
    centred = x - _mean(x, over)  # [..., D]
    # spec: layer_norm.eps -- eps is added to the variance, under the root (refmem)
    scale = 1 / module_of(x).sqrt(_mean(centred * centred, over) + x.dtype.type(eps))  # [..., 1]
    normed = centred * scale  # [..., D]
    return normed * gain + bias, Cache(normed, scale, gain, over)


# Let n = s (x - m), with s = (v + eps)^(-1/2) and the means over D numbers. For one row, with dn = gain * dy,
#
#     dn_i/dx_j = s (delta_ij - 1/D) - n_i n_j s / D
#
# since dm/dx_j = 1/D, dv/dx_j = 2 (x_j - m) / D and ds/dv = -s^3 / 2. Summed against dn_i:
#
#     dx_j = s (dn_j - mean(dn) - n_j mean(dn * n)).
#
# What a shift or a stretch of the row would do is taken away from the gradient: neither changes n (but for eps). The
# gain and the bias serve all rows, and collect from all: d_gain = sum dy * n, d_bias = sum dy.


# spec: layer_norm.gradient -- dx = s (dn - mean(dn) - n mean(dn n)) with dn = gain dy; d_gain = sum dy n,
#     d_bias = sum dy (derived)
def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [..., D]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [..., D]
    d_gain, d_bias : [D]
    """
    normed, scale, gain, over = cache
    check_shape("dy", dy, normed.shape)
    check_dtype("dy", dy, normed.dtype)
    d_gain = (dy * normed).reshape(-1, len(gain)).sum(axis=0)  # [D]
    d_bias = dy.reshape(-1, len(gain)).sum(axis=0)  # [D]
    return input_gradient(dy, cache), d_gain, d_bias


def input_gradient(dy: Array, cache: Cache) -> Array:
    """The first gradient of `backward`, for a caller who collects those of gain and bias himself: dx [..., D]."""
    normed, scale, gain, over = cache
    dn = dy * gain  # [..., D]
    dx: Array = scale * (dn - _mean(dn, over) - normed * _mean(dn * normed, over))  # [..., D]
    return dx


def _mean(x: Array, over: Over) -> Array:
    """The mean of each row [..., 1], or of each column [1, D]; a product with ones is the fastest sum of short rows."""
    ones = module_of(x).ones
    if over == "features":
        count = x.shape[-1]
        mean: Array = x @ ones((count, 1), dtype=x.dtype) / count
    else:
        count = x.shape[0]
        mean = ones((1, count), dtype=x.dtype) @ x / max(count, 1)
    return mean
