"""The linear layer for a whole batch on a few cores: sliced by its inputs, not by the batch.

    y = sum_s x_s W_s + b        x_s [B, D_s] some columns of x, W_s [D_s, F] the same rows of W

A batch in shards would make the gradient of W once in each, all of its size, only to add them up. Here each slice
makes its own rows of it, and nothing is made twice. With one slice it is `linear`.
"""

from refmem.arrays import Array, module_of
from refmem.ops import linear
from refmem.ops.linear import Cache

from reference_models.parallel import data_parallel


def forward(x: Array, weights: Array, bias: Array, slices: int) -> tuple[Array, Cache]:
    """As `linear.forward`, in so many slices."""
    linear.check_arguments(x, weights, bias)
    parts = data_parallel.run(lambda some: x[:, some] @ weights[some], data_parallel.split(x.shape[1], slices))
    y = parts[0]  # [B, F]
    for part in parts[1:]:
        y = y + part
    return y + bias, Cache(x, weights)


def backward(dy: Array, cache: Cache, slices: int) -> tuple[Array, Array, Array]:
    """As `linear.backward`, in so many slices."""
    return backward_inputs(dy, cache, slices), *backward_parameters(dy, cache, slices)


def backward_inputs(dy: Array, cache: Cache, slices: int) -> Array:
    """dx alone, for those who want the gradient of the weights later: it is as large as they are."""
    linear.check_gradient(dy, cache)
    x, weights = cache
    parts = data_parallel.run(lambda some: dy @ weights[some].T, data_parallel.split(x.shape[1], slices))  # [B, D_s]
    dx: Array = module_of(dy).concatenate(parts, axis=1)
    return dx


def backward_parameters(dy: Array, cache: Cache, slices: int) -> tuple[Array, Array]:
    """(d_weights, d_bias) alone."""
    linear.check_gradient(dy, cache)
    x, weights = cache
    xp = module_of(dy)
    d_weights = xp.empty(weights.shape, weights.dtype)  # [D, F]
    data_parallel.run(lambda some: xp.matmul(x[:, some].T, dy, out=d_weights[some]),
                      data_parallel.split(x.shape[1], slices))
    return d_weights, dy.sum(axis=0)
