"""What the tests of all operations share: each operation with small inputs of its own."""

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from refmem.ops import (
    conv2d,
    conv2d_im2col,
    conv2d_relu,
    conv2d_winograd,
    dropout,
    l2_normalize,
    linear,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
)


@dataclass(frozen=True)
class Case:
    """An operation, the shapes of its float inputs, and whatever else it takes."""

    op: ModuleType
    shapes: tuple[tuple[int, ...], ...]
    rest: tuple = ()
    ranks: tuple[int | None, ...] = field(default=())  # that the inputs must have; None: any

    def inputs(self, dtype=np.float64, seed=0):
        """Random arrays, well away from the kinks of relu and of the pool."""
        rng = np.random.default_rng(seed)
        arrays = []
        for shape in self.shapes:
            size = int(np.prod(shape))
            spread = (rng.permutation(size) - (size - 1) / 2 + 0.25) / max(1, size) * 4  # all apart, none zero
            arrays.append(spread.reshape(shape).astype(dtype))
        return arrays

    def forward(self, *inputs):
        """With fresh random numbers from the same seed, where the operation draws some."""
        rest = [np.random.default_rng(argument.seed) if isinstance(argument, Seed) else argument
                for argument in self.rest]
        return self.op.forward(*inputs, *rest)

    def backward(self, dy, cache):
        """Always a tuple."""
        gradients = self.op.backward(dy, cache)
        return gradients if isinstance(gradients, tuple) else (gradients,)


@dataclass(frozen=True)
class Seed:
    """Stands for a generator."""

    seed: int


CONVOLUTION = ((2, 5, 6, 3), (3, 3, 3, 4), (4,))

CASES = {
    "conv2d": Case(conv2d, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_im2col": Case(conv2d_im2col, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_winograd": Case(conv2d_winograd, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_relu": Case(conv2d_relu, ((2, 5, 6, 1), (3, 3, 1, 4), (4,)), ranks=(4, 4, 1)),
    "max_pool2d": Case(max_pool2d, ((2, 5, 4, 3),), ranks=(4,)),
    "relu": Case(relu, ((3, 4),), ranks=(None,)),
    "linear": Case(linear, ((3, 4), (4, 2), (2,)), ranks=(2, 2, 1)),
    "dropout": Case(dropout, ((4, 5),), (0.6, Seed(1)), ranks=(None,)),
    "softmax": Case(softmax, ((2, 3, 4),), ranks=(None,)),
    "softmax_cross_entropy": Case(softmax_cross_entropy, ((3, 4),), (np.array([0, 3, 2]),), ranks=(2,)),
    "l2_normalize": Case(l2_normalize, ((3, 4),), ranks=(2,)),
}
