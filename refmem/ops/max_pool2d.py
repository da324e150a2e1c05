"""Max pooling over windows of 2x2, stride 2.

    y[b, h, w, c] = max over i, j in {0, 1} of x[b, 2h + i, 2w + j, c]

LTRRE §2.1 has one after each pair of convolutions. An odd height or width is padded at its end ("SAME") with -inf:
a window that sticks out takes the maximum of what it covers.
"""

from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """Which element of each window won, as the outcome of two semi-finals and a final.

    [B, h, w, C] bool each. The window is    a b
                                             c d.
    """

    a_beats_b: Array
    c_beats_d: Array
    top_beats_bottom: Array
    size: tuple[int, int]  # (H, W) of the input
    dtype: np.dtype[Any]  # of the input


def forward(x: Array) -> tuple[Array, Cache]:
    """The largest of each window.

    Parameters
    ----------
    x : [B, H, W, C] float
        Images. No NaN.

    Returns
    -------
    y : [B, ceil(H/2), ceil(W/2), C], dtype of `x`
    cache : Cache

    Raises
    ------
    ValueError
        If `x` has not four dimensions.
    TypeError
        If `x` is not float32 or float64.
    """
    check_float("x", x)
    check_rank("x", x, 4)
    xp = module_of(x)

    batch, height, width, channels = x.shape
    # spec: max_pool2d.odd-sizes -- odd sizes are padded at their end with -inf (released code, SAME)
    if height % 2 or width % 2:
        even = xp.full((batch, height + height % 2, width + width % 2, channels), -xp.inf, x.dtype)
        even[:, :height, :width] = x
    else:
        even = x
    # spec: max_pool2d.largest -- the largest of each window of 2x2, stride 2 (LTRRE §2.1)
    a, b = even[:, 0::2, 0::2], even[:, 0::2, 1::2]  # [B, h, w, C]
    c, d = even[:, 1::2, 0::2], even[:, 1::2, 1::2]  # [B, h, w, C]
    top, bottom = xp.maximum(a, b), xp.maximum(c, d)  # [B, h, w, C]
    y = xp.maximum(top, bottom)  # [B, h, w, C]
    # spec: max_pool2d.first-maximum -- of equal elements the first takes the gradient
    #     (PyTorch and TensorFlow)
    return y, Cache(a >= b, c >= d, top >= bottom, (height, width), x.dtype)


# The gradient of a window goes to the element that won. Among equals the first in the order a, b, c, d wins: that is
# what the >= of each match says. (At a tie the maximum has no derivative; one winner is what PyTorch and TensorFlow
# take. Giving every equal element the whole of dy would count it up to four times on each flat piece of background.)


def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`; of equal elements the first one takes the gradient.

    Parameters
    ----------
    dy : [B, h, w, C]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [B, H, W, C]
    """
    # spec: max_pool2d.gradient -- the gradient goes to the largest (derived)
    a_beats_b, c_beats_d, top_beats_bottom, (height, width), dtype = cache
    check_shape("dy", dy, a_beats_b.shape)
    check_dtype("dy", dy, dtype)
    xp = module_of(dy)

    batch, h, w, channels = dy.shape
    dx = xp.empty((batch, 2 * h, 2 * w, channels), dy.dtype)  # [B, 2h, 2w, C]
    d_top = dy * top_beats_bottom  # [B, h, w, C]
    d_bottom = dy * ~top_beats_bottom
    dx[:, 0::2, 0::2] = d_top * a_beats_b
    dx[:, 0::2, 1::2] = d_top * ~a_beats_b
    dx[:, 1::2, 0::2] = d_bottom * c_beats_d
    dx[:, 1::2, 1::2] = d_bottom * ~c_beats_d
    cropped: Array = dx[:, :height, :width]  # [B, H, W, C]
    return cropped
