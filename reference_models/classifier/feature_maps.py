"""The convolutional part of the classifier: from images to feature maps.        (LTRRE §2.1)

    conv, ReLU, conv, ReLU, pool,  conv, ReLU, conv, ReLU, pool

A few images at a time go through all layers, so that what one layer writes is still in the cache when the next one
reads it, and only what the backward pass needs is kept for the whole batch. A GPU, which takes long to start on
anything, has many at a time.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops import conv2d, conv2d_columns, conv2d_im2col, conv2d_relu, conv2d_winograd, max_pool2d, relu

from reference_models.parallel import data_parallel

CONVOLUTIONS: dict[str, ModuleType] = {"plain": conv2d, "im2col": conv2d_im2col, "columns": conv2d_columns,
                                       "winograd": conv2d_winograd}
"""The twins of the convolution, by name."""

POOLED = (2, 4)  # the layers that a pool follows
AT_ONCE = 8  # images
AT_ONCE_ON_A_GPU = 256


class Part(NamedTuple):
    """What the backward pass needs to know of a few images that went through together, by the number of the layer.

    The first layer's maps are the largest of all, half of all there would be to keep, and the cheapest to make: they
    are not kept, but made again.
    """

    rows: slice  # of the batch
    images: Array  # [b, H, W, 1]
    inputs: dict[int, Array]  # of layers 3 and 4
    pools: dict[int, max_pool2d.Cache]  # of layers 2 and 4
    relus: dict[int, relu.Cache]  # of layers 2 to 4


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    conv: str
    kernels: dict[int, Array]  # of all layers
    first_bias: Array
    parts: list[Part]


def kernels_of(params: dict[str, Array]) -> dict[int, Array]:
    """The kernels of each layer."""
    return {number: params[f"conv{number}.kernels"] for number in (1, 2, 3, 4)}


def evaluated(kernels: dict[int, Array], conv: str, *, turned: bool = False) -> dict[int, Array]:
    """What the twin would make of the kernels of each layer in every call: made once, for all parts and shards.

    Only Winograd's way has such a thing. `turned`: as the backward pass wants them.
    """
    if conv != "winograd":
        return {}

    def of_layer(number: int) -> Array:
        k = kernels[number]
        return conv2d_winograd.evaluated(conv2d_winograd.turned(k) if turned else k)

    numbers = (4, 3, 2)  # the largest first
    return dict(zip(numbers, data_parallel.run(of_layer, numbers), strict=True))


def forward(params: dict[str, Array], images: Array, conv: str, *,
            u: dict[int, Array] | None = None) -> tuple[Array, Cache]:
    """Feature maps of images [B, H, W, 1]: [B, H/4, W/4, F], sizes rounded up. `u` are the kernels `evaluated`."""
    kernels = kernels_of(params)
    u = evaluated(kernels, conv) if u is None else u
    cache = Cache(conv, kernels, params["conv1.bias"], [])
    maps = []
    at_once = AT_ONCE if module_of(images) is np else AT_ONCE_ON_A_GPU
    for start in range(0, max(1, len(images)), at_once):
        rows = slice(start, start + at_once)
        part = Part(rows, images[rows], {}, {}, {})
        x, _ = _first_layer(part, cache)  # [b, H, W, F]
        for number in (2, 3, 4):
            if number > 2:
                part.inputs[number] = x
            known = {"u": u[number]} if number in u else {}
            x, _ = CONVOLUTIONS[conv].forward(x, kernels[number], params[f"conv{number}.bias"], **known)
            if number in POOLED:
                # First the pool, then the ReLU: both only compare, so that values and gradients are the same as the
                # other way round, for a quarter of the work.
                x, part.pools[number] = max_pool2d.forward(x)  # [b, H/2, W/2, F]
            x, part.relus[number] = relu.forward(x)
        maps.append(x)
        cache.parts.append(part)
    return module_of(images).concatenate(maps), cache


def backward(d_maps: Array, cache: Cache, *, d_images: bool,
             u: dict[int, Array] | None = None) -> tuple[dict[str, Array], Array | None]:
    """Vector-Jacobian product of `forward`: the gradients of the params, and of the images where they are wanted.

    `u` are the kernels `evaluated`, turned.
    """
    u = evaluated(cache.kernels, cache.conv, turned=True) if u is None else u
    d_params: dict[str, Array] = {}
    of_images = []

    def add(number: int, d_kernels: Array, d_bias: Array) -> None:
        for name, gradient in ((f"conv{number}.kernels", d_kernels), (f"conv{number}.bias", d_bias)):
            d_params[name] = d_params[name] + gradient if name in d_params else gradient

    for part in cache.parts:
        inputs = dict(part.inputs)
        first_caches: list[tuple[ModuleType, Any]] = []
        dx = d_maps[part.rows]
        for number in (4, 3, 2):
            if number == 2:
                inputs[2], first_caches = _first_layer(part, cache)
            dx = relu.backward(dx, part.relus[number])
            if number in POOLED:
                dx = max_pool2d.backward(dx, part.pools[number])
            known = {"u": u[number]} if number in u else {}
            of_layer = conv2d.Cache(inputs[number], cache.kernels[number])
            dx, d_kernels, d_bias = CONVOLUTIONS[cache.conv].backward(dx, of_layer, **known)
            add(number, d_kernels, d_bias)
        *after, (op, of_op) = first_caches
        for operation, of_operation in after:
            dx = operation.backward(dx, of_operation)
        add(1, *op.backward_parameters(dx, of_op))
        if d_images:
            of_images.append(op.backward(dx, of_op)[0])
    return d_params, module_of(d_maps).concatenate(of_images) if d_images else None


def _first_layer(part: Part, cache: Cache) -> tuple[Array, list[tuple[ModuleType, Any]]]:
    """Convolution and ReLU of the one channel: the maps, and the operations with their caches, the convolution last."""
    arguments = part.images, cache.kernels[1], cache.first_bias
    if cache.conv == "winograd":  # one channel is too little to gain by Winograd's way
        y, fused = conv2d_relu.forward(*arguments)
        return y, [(conv2d_relu, fused)]
    x, of_conv = CONVOLUTIONS[cache.conv].forward(*arguments)
    y, of_relu = relu.forward(x)
    return y, [(relu, of_relu), (CONVOLUTIONS[cache.conv], of_conv)]
