"""The loops of `conv2d_relu`, compiled by numba (see `compiled`)."""

from typing import Any, TypeAlias

import numba

carray: Any = vars(numba)["carray"]  # numbers at an address, as an array
Numbers: TypeAlias = Any  # the address of numbers
index: Any = numba.uintp  # unsigned: numba then leaves out the check for negative ones


def slide(batch: int, height: int, width: int, filters: int, framed: Numbers, weights: Numbers,
          output: Numbers) -> None:
    """Write y [B, H, W F] of the images in a margin of zeros [B, H+2, W+2] and the weights [10 F]."""
    F = index(filters)
    frame = carray(framed, (batch, height + 2, width + 2))
    k = carray(weights, (10 * filters,))
    y = carray(output, (batch, height, width * filters))
    for b in range(batch):
        for h in range(height):
            for w in range(width):
                x0, x1, x2 = frame[b, h, w], frame[b, h, w + 1], frame[b, h, w + 2]
                x3, x4, x5 = frame[b, h + 1, w], frame[b, h + 1, w + 1], frame[b, h + 1, w + 2]
                x6, x7, x8 = frame[b, h + 2, w], frame[b, h + 2, w + 1], frame[b, h + 2, w + 2]
                first = index(w) * F
                for number in range(F):
                    f = index(number)
                    s = (k[f] + x0 * k[F + f] + x1 * k[index(2) * F + f]
                         + x2 * k[index(3) * F + f] + x3 * k[index(4) * F + f]
                         + x4 * k[index(5) * F + f] + x5 * k[index(6) * F + f]
                         + x6 * k[index(7) * F + f] + x7 * k[index(8) * F + f]
                         + x8 * k[index(9) * F + f])
                    y[b, h, first + f] = 0 if s <= 0 else s  # NaN stays NaN


KERNELS = (slide,)
