"""The convolutional part of the classifier: from images to feature maps.        (LTRRE §2.1)

    conv, ReLU, conv, ReLU, pool,  conv, ReLU, conv, ReLU, pool

A few images at a time go through all layers, so that what one layer writes is still in the cache when the next one
reads it, and only what the backward pass needs is kept for the whole batch.
"""

from types import ModuleType
from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import conv2d, conv2d_im2col, conv2d_winograd, max_pool2d, relu

CONVOLUTIONS: dict[str, ModuleType] = {"plain": conv2d, "im2col": conv2d_im2col, "winograd": conv2d_winograd}
"""The twins of the convolution, by name."""

POOLED = (2, 4)  # the layers that a pool follows
AT_ONCE = 8  # images


class Part(NamedTuple):
    """What the backward pass needs to know of a few images that went through together, by the number of the layer.

    The first layer's maps are the largest of all, half of all there would be to keep, and the cheapest to make: they
    are not kept, but made again.
    """

    rows: slice  # of the batch
    images: Array  # [b, H, W, 1]
    first: tuple[Array, Array]  # kernels and bias of layer 1
    second: Array  # kernels of layer 2
    convolutions: dict[int, conv2d.Cache]  # of layers 3 and 4
    pools: dict[int, max_pool2d.Cache]  # of layers 2 and 4
    relus: dict[int, relu.Cache]  # of layers 2 to 4


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    conv: str
    parts: list[Part]


def forward(params: dict[str, Array], images: Array, conv: str) -> tuple[Array, Cache]:
    """Feature maps of images [B, H, W, 1]: [B, H/4, W/4, F], sizes rounded up."""
    maps, parts = [], []
    for start in range(0, max(1, len(images)), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        first = params["conv1.kernels"], params["conv1.bias"]
        part = Part(rows, images[rows], first, params["conv2.kernels"], {}, {}, {})
        x, _, _ = _first_layer(part, conv)  # [b, H, W, F]
        for number in (2, 3, 4):
            kernels, bias = params[f"conv{number}.kernels"], params[f"conv{number}.bias"]
            x, cache = CONVOLUTIONS[conv].forward(x, kernels, bias)  # [b, H, W, F]
            if number > 2:
                part.convolutions[number] = cache
            if number in POOLED:
                # First the pool, then the ReLU: both only compare, so that values and gradients are the same as the
                # other way round, for a quarter of the work.
                x, part.pools[number] = max_pool2d.forward(x)  # [b, H/2, W/2, F]
            x, part.relus[number] = relu.forward(x)
        maps.append(x)
        parts.append(part)
    return module_of(images).concatenate(maps), Cache(conv, parts)


def backward(d_maps: Array, cache: Cache, *, d_images: bool) -> tuple[dict[str, Array], Array | None]:
    """Vector-Jacobian product of `forward`: the gradients of the params, and of the images where they are wanted."""
    d_params: dict[str, Array] = {}
    of_images = []

    def add(number: int, d_kernels: Array, d_bias: Array) -> None:
        for name, gradient in ((f"conv{number}.kernels", d_kernels), (f"conv{number}.bias", d_bias)):
            d_params[name] = d_params[name] + gradient if name in d_params else gradient

    for part in cache.parts:
        x, first_conv, first_relu = _first_layer(part, cache.conv)
        convolutions = part.convolutions | {2: conv2d.Cache(x, part.second)}
        dx = d_maps[part.rows]
        for number in (4, 3, 2):
            dx = relu.backward(dx, part.relus[number])
            if number in POOLED:
                dx = max_pool2d.backward(dx, part.pools[number])
            dx, d_kernels, d_bias = CONVOLUTIONS[cache.conv].backward(dx, convolutions[number])
            add(number, d_kernels, d_bias)
        dx = relu.backward(dx, first_relu)
        add(1, *_first_twin(cache.conv).backward_parameters(dx, first_conv))
        if d_images:
            of_images.append(_first_twin(cache.conv).backward(dx, first_conv)[0])
    return d_params, module_of(d_maps).concatenate(of_images) if d_images else None


def _first_layer(part: Part, conv: str) -> tuple[Array, conv2d.Cache, relu.Cache]:
    x, conv_cache = _first_twin(conv).forward(part.images, *part.first)
    y, relu_cache = relu.forward(x)
    return y, conv_cache, relu_cache


def _first_twin(conv: str) -> ModuleType:
    """The first layer has one channel: too little to gain by Winograd's way."""
    return CONVOLUTIONS["im2col" if conv == "winograd" else conv]
