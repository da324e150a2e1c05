"""The convolutional network that makes a query of an image.        (LTRRE §2.1)

    conv, ReLU, conv, ReLU, pool,  conv, ReLU, conv, ReLU, pool,  fully connected layers  ->  q

All convolutions are 3x3. The text gives 64 channels to the first pair and 128 to the second, and two fully connected
layers of 256 with dropout between them; it says neither how much dropout nor whether they have a non-linearity.
Here they have none, as in the released code. The result is not normalised: the memory does that.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_dtype, check_float, check_shape
from refmem.ops import conv2d, conv2d_im2col, conv2d_winograd, dropout, linear, max_pool2d, relu

SIDE = 28  # of an image
FIRST_TO_POOL = (2, 4)  # the convolutions that a pool follows

CONVOLUTIONS: dict[str, ModuleType] = {"plain": conv2d, "im2col": conv2d_im2col, "winograd": conv2d_winograd}


# --- Sizes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """How wide the network is, and how its weights start."""

    channels: tuple[int, int, int, int]
    """Filters of the four convolutions."""

    fully_connected: tuple[int, ...]
    """Widths of the linear layers; the last one is the width of a query."""

    keep: float
    """Dropout after the first linear layer keeps this share of it, in training."""

    initialisation: Literal["fan_in", "truncated"]
    """"fan_in": kernels N(0, 2 / fan_in) (He et al. 2015), linear weights N(0, 1 / fan_in).
    "truncated": all weights N(0, 0.1^2), drawn again beyond 0.2, as released. Biases start at 0 in both."""


SIZES = {
    "recipe": Size((32, 32, 64, 64), (256,), 1.0, "fan_in"),  # as good in accuracy, and four times faster
    "paper": Size((64, 64, 128, 128), (256, 256), 0.5, "fan_in"),
    "released": Size((64, 64, 128, 128), (128,), 0.3, "truncated"),  # the memory's query projection comes after it
}


def initial_params(size: Size, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
    """Fresh weights: "conv1.kernels" [3, 3, C, F], "conv1.bias" [F], ..., "linear1.weights" [D, F], "linear1.bias"."""
    params: dict[str, Array] = {}
    inputs = 1
    for number, filters in enumerate(size.channels, start=1):
        params[f"conv{number}.kernels"] = _draw((3, 3, inputs, filters), 9 * inputs, 2.0, size, rng).astype(dtype)
        params[f"conv{number}.bias"] = np.zeros(filters, dtype)
        inputs = filters
    inputs *= (SIDE // 4) ** 2
    for number, outputs in enumerate(size.fully_connected, start=1):
        params[f"linear{number}.weights"] = _draw((inputs, outputs), inputs, 1.0, size, rng).astype(dtype)
        params[f"linear{number}.bias"] = np.zeros(outputs, dtype)
        inputs = outputs
    return params


def _draw(shape: tuple[int, ...], fan_in: int, gain: float, size: Size, rng: np.random.Generator) -> Array:
    drawn = rng.standard_normal(shape)
    if size.initialisation == "fan_in":
        return drawn * (gain / fan_in) ** 0.5
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = rng.standard_normal(int(outside.sum()))
    return drawn * 0.1


# --- Forward and backward ---------------------------------------------------------------------------------------


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    convolution: str  # which twin
    convolutions: list[conv2d.Cache]
    relus: list[relu.Cache]
    pools: dict[int, max_pool2d.Cache]  # by the number of the convolution before
    pooled: tuple[int, ...]  # shape of the last feature map [B, 7, 7, F]
    linears: list[linear.Cache]
    scale: dropout.Cache | None


def dropout_scale(size: Size, images: Array, rng: np.random.Generator) -> Array:
    """What `embed` shall multiply the first linear layer by [B, F]: drawn for the whole batch, before it is split."""
    return dropout.draw((images.shape[0], size.fully_connected[0]), size.keep, rng, like=images)


def embed(params: dict[str, Array], images: Array, *, conv: str = "plain",
          scale: Array | None = None) -> tuple[Array, Cache]:
    """The query of each image, not yet normalised.

    Parameters
    ----------
    params : dict
        As `initial_params` makes them; they say how wide the network is.
    images : [B, 28, 28, 1], dtype of the params
    conv : "plain", "im2col" or "winograd"
        Which twin of the convolution. The first layer, with its one channel, is im2col in both fast cases.
    scale : [B, F], optional
        For training with dropout, see `dropout_scale`. None: no dropout.

    Returns
    -------
    q : [B, D]
    cache : Cache

    Raises
    ------
    ValueError, TypeError
        If `conv` is unknown, or a shape or dtype is wrong.
    """
    if conv not in CONVOLUTIONS:
        raise ValueError(f"conv must be one of {', '.join(CONVOLUTIONS)}, got {conv!r}")
    check_float("images", images)
    check_dtype("images", images, params["conv1.kernels"].dtype)
    check_shape("images", images, (images.shape[0] if images.ndim else 0, SIDE, SIDE, 1))

    x = images
    convolutions, relus, pools = [], [], {}
    for number in range(1, 5):
        kernels, bias = params[f"conv{number}.kernels"], params[f"conv{number}.bias"]
        x, conv_cache = _twin(conv, number).forward(x, kernels, bias)  # [B, H, W, F]
        convolutions.append(conv_cache)
        if number in FIRST_TO_POOL:
            # Pool, then ReLU: the same values and the same gradients as the other way round, since both only compare,
            # on a quarter of the elements.
            x, pools[number] = max_pool2d.forward(x)  # [B, H/2, W/2, F]
        x, relu_cache = relu.forward(x)
        relus.append(relu_cache)

    pooled = x.shape  # [B, 7, 7, F]
    x = x.reshape(pooled[0], -1)  # [B, 49 F]
    linears, scale_cache = [], None
    for number in range(1, _linear_layers(params) + 1):
        x, linear_cache = linear.forward(x, params[f"linear{number}.weights"], params[f"linear{number}.bias"])
        linears.append(linear_cache)
        if number == 1 and scale is not None:
            check_shape("scale", scale, x.shape)
            check_dtype("scale", scale, x.dtype)
            x, scale_cache = x * scale, dropout.Cache(scale)
    return x, Cache(conv, convolutions, relus, pools, pooled, linears, scale_cache)


def embed_backward(dq: Array, cache: Cache, *, d_images: bool = False) -> tuple[dict[str, Array], Array | None]:
    """Vector-Jacobian product of `embed`.

    Parameters
    ----------
    dq : [B, D]
        Gradient of the loss with respect to `q`.
    d_images : bool
        Whether the gradient of the images is wanted too; training does without, and is faster so.

    Returns
    -------
    d_params : dict
        As `params`.
    d_images : [B, 28, 28, 1], or None where not wanted
    """
    d_params: dict[str, Array] = {}
    dx = dq
    for number in range(len(cache.linears), 0, -1):
        if number == 1 and cache.scale is not None:
            dx = dropout.backward(dx, cache.scale)
        dx, d_weights, d_bias = linear.backward(dx, cache.linears[number - 1])
        d_params[f"linear{number}.weights"], d_params[f"linear{number}.bias"] = d_weights, d_bias
    dx = dx.reshape(cache.pooled)  # [B, 7, 7, F]

    for number in range(4, 0, -1):
        dx = relu.backward(dx, cache.relus[number - 1])
        if number in FIRST_TO_POOL:
            dx = max_pool2d.backward(dx, cache.pools[number])
        twin, conv_cache = _twin(cache.convolution, number), cache.convolutions[number - 1]
        if number > 1 or d_images:
            dx, d_kernels, d_bias = twin.backward(dx, conv_cache)
        else:
            d_kernels, d_bias = twin.backward_parameters(dx, conv_cache)
        d_params[f"conv{number}.kernels"], d_params[f"conv{number}.bias"] = d_kernels, d_bias
    return d_params, dx if d_images else None


def _twin(conv: str, number: int) -> ModuleType:
    return CONVOLUTIONS["im2col" if conv == "winograd" and number == 1 else conv]


def _linear_layers(params: dict[str, Array]) -> int:
    return sum(name.startswith("linear") and name.endswith(".weights") for name in params)
