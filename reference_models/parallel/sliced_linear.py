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
    x, weights = cache
    linear.check_gradient(dy, cache)
    xp = module_of(dy)
    d_weights = xp.empty(weights.shape, weights.dtype)  # [D, F]

    def of_slice(some: slice) -> Array:
        xp.matmul(x[:, some].T, dy, out=d_weights[some])  # [D_s, F]
        return dy @ weights[some].T  # [B, D_s]

    parts = data_parallel.run(of_slice, data_parallel.split(x.shape[1], slices))
    return xp.concatenate(parts, axis=1), d_weights, dy.sum(axis=0)
