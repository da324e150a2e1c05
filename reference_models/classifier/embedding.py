"""The network that makes a query of an image.        (LTRRE §2.1)

    image -> feature maps (`feature_maps`) -> fully connected layers, dropout after the first -> q

All convolutions are 3x3. The text gives 64 channels to the first pair and 128 to the second, and two fully connected
layers of 256 with dropout between them; it says neither how much dropout nor whether they have a non-linearity.
Here they have none, as in the released code. The result is not normalised: the memory does that.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of, truncated_normal
from refmem.ops import dropout, linear

from reference_models.classifier import feature_maps
from reference_models.classifier.feature_maps import CONVOLUTIONS
from reference_models.parallel import data_parallel
from reference_models.parallel import sliced_linear

SIDE = 28  # of an image
DRAWN_AT_ONCE = 2**16  # numbers: they are drawn in float64, which is not to be kept of all weights at once


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
    "recipe": Size((32, 32, 64, 64), (256,), 1.0, "fan_in"),  # half the widths: four times as many images a second
    "paper": Size((64, 64, 128, 128), (256, 256), 0.5, "fan_in"),
    "released": Size((64, 64, 128, 128), (128,), 0.3, "truncated"),  # the memory's query projection comes after it
}


def initial_params(size: Size, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
    """Fresh weights: "conv1.kernels" [3, 3, C, F], "conv1.bias" [F], ..., "linear1.weights" [D, F], "linear1.bias"."""
    params: dict[str, Array] = {}
    inputs = 1
    for number, filters in enumerate(size.channels, start=1):
        params[f"conv{number}.kernels"] = _draw((3, 3, inputs, filters), 9 * inputs, 2.0, size, rng, dtype)
        params[f"conv{number}.bias"] = np.zeros(filters, dtype)
        inputs = filters
    inputs *= (SIDE // 4) ** 2
    for number, outputs in enumerate(size.fully_connected, start=1):
        params[f"linear{number}.weights"] = _draw((inputs, outputs), inputs, 1.0, size, rng, dtype)
        params[f"linear{number}.bias"] = np.zeros(outputs, dtype)
        inputs = outputs
    return params


def _draw(shape: tuple[int, ...], fan_in: int, gain: float, size: Size, rng: np.random.Generator,
          dtype: npt.DTypeLike) -> Array:
    if size.initialisation == "truncated":
        return (0.1 * truncated_normal(rng, shape)).astype(dtype)
    weights = np.empty(shape, dtype)
    for rows in np.array_split(weights, min(len(weights), 1 + weights.size // DRAWN_AT_ONCE)):  # views
        rows[...] = (gain / fan_in) ** 0.5 * rng.standard_normal(rows.shape)
    return weights


# --- Forward and backward ---------------------------------------------------------------------------------------


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    shards: int
    parts: list[slice]  # of the batch, one a shard
    features: list[feature_maps.Cache]  # one a shard
    maps: tuple[int, ...]  # shape of the feature maps [B, 7, 7, F]
    linears: list[linear.Cache]
    scale: dropout.Cache | None  # None without dropout


def dropout_scale(size: Size, images: Array, rng: np.random.Generator) -> Array:
    """What `embed` shall multiply the first linear layer by [B, F]: drawn for the whole batch, before it is split."""
    return dropout.draw((images.shape[0], size.fully_connected[0]), size.keep, rng, like=images)


def embed(params: dict[str, Array], images: Array, *, conv: str = "plain", scale: Array | None = None,
          shards: int = 1) -> tuple[Array, Cache]:
    """The query of each image, not yet normalised.

    Parameters
    ----------
    params : dict
        As `initial_params` makes them; they say how wide the network is.
    images : [B, 28, 28, 1], dtype of the params
    conv : "plain", "im2col", "columns" or "winograd"
        Which twin of the convolution. Winograd's makes the first layer, with its one channel, by `conv2d_relu`.
    scale : [B, F], optional
        For training with dropout, see `dropout_scale`. None: no dropout.
    shards : int
        Into how many parts the work is split, to be done side by side: the convolutions by images, the linear layers
        by their inputs. The result is the same bits on any number of cores.

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

    parts = data_parallel.split(images.shape[0], shards)
    u = feature_maps.evaluated(feature_maps.kernels_of(params), conv)
    done = data_parallel.run(lambda rows: feature_maps.forward(params, images[rows], conv, u=u), parts)
    maps = module_of(images).concatenate([of_shard for of_shard, _ in done])  # [B, 7, 7, F]
    x = maps.reshape(maps.shape[0], math.prod(maps.shape[1:]))  # [B, 49 F]
    linears: list[linear.Cache] = []
    scale_cache = None
    for number in range(1, _linear_layers(params) + 1):
        weights, bias = params[f"linear{number}.weights"], params[f"linear{number}.bias"]
        x, linear_cache = sliced_linear.forward(x, weights, bias, shards)
        linears.append(linear_cache)
        if number == 1 and scale is not None:
            check_shape("scale", scale, x.shape)
            check_dtype("scale", scale, x.dtype)
            x, scale_cache = x * scale, dropout.Cache(scale)
    return x, Cache(shards, parts, [features for _, features in done], maps.shape, linears, scale_cache)


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
    dx, d_outputs = dq, {}  # the second: of each linear layer
    for number in range(len(cache.linears), 0, -1):
        if number == 1 and cache.scale is not None:
            dx = dropout.backward(dx, cache.scale)
        d_outputs[number] = dx
        dx = sliced_linear.backward_inputs(dx, cache.linears[number - 1], cache.shards)
    d_params, d_x = _convolutions_backward(dx.reshape(cache.maps), cache, d_images)
    # Last, since it is the largest of all gradients: so it does not stand beside what the convolutions need.
    for number, dy in d_outputs.items():
        d_params[f"linear{number}.weights"], d_params[f"linear{number}.bias"] = sliced_linear.backward_parameters(
            dy, cache.linears[number - 1], cache.shards)
    return d_params, d_x


def _convolutions_backward(d_maps: Array, cache: Cache, d_images: bool) -> tuple[dict[str, Array], Array | None]:
    """`feature_maps.backward` of d_maps [B, 7, 7, F], in shards."""
    u = feature_maps.evaluated(cache.features[0].kernels, cache.features[0].conv, turned=True)

    def of_shard(shard: tuple[slice, feature_maps.Cache]) -> tuple[dict[str, Array], Array | None]:
        rows, features = shard
        return feature_maps.backward(d_maps[rows], features, d_images=d_images, u=u)

    done = data_parallel.run(of_shard, zip(cache.parts, cache.features, strict=True))
    parts = [part for _, part in done if part is not None]
    d_params = data_parallel.add([gradients for gradients, _ in done])
    return d_params, module_of(d_maps).concatenate(parts) if parts else None


def _linear_layers(params: dict[str, Array]) -> int:
    return sum(name.startswith("linear") and name.endswith(".weights") for name in params)
