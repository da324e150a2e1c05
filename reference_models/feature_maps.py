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

LAYERS = (1, 2, 3, 4)
POOLED = (2, 4)  # the layers that a pool follows
AT_ONCE = 8  # images


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    conv: str
    some: list[slice]  # which images went through together
    layers: list["LayerCaches"]  # for each of them


class LayerCaches(NamedTuple):
    """Of a few images, by the number of the layer."""

    convolutions: dict[int, conv2d.Cache]
    pools: dict[int, max_pool2d.Cache]
    relus: dict[int, relu.Cache]


def forward(params: dict[str, Array], images: Array, conv: str) -> tuple[Array, Cache]:
    """Feature maps of images [B, H, W, 1]: [B, H/4, W/4, F], sizes rounded up."""
    xp = module_of(images)
    batch = images.shape[0]
    some = [slice(start, min(start + AT_ONCE, batch)) for start in range(0, max(1, batch), AT_ONCE)]
    maps, layers = [], []
    for rows in some:
        x = images[rows]
        caches = LayerCaches({}, {}, {})
        for number in LAYERS:
            kernels, bias = params[f"conv{number}.kernels"], params[f"conv{number}.bias"]
            x, caches.convolutions[number] = _twin(conv, number).forward(x, kernels, bias)  # [b, H, W, F]
            if number in POOLED:
                # First the pool, then the ReLU: both only compare, so that values and gradients are the same as the
                # other way round, for a quarter of the work.
                x, caches.pools[number] = max_pool2d.forward(x)  # [b, H/2, W/2, F]
            x, caches.relus[number] = relu.forward(x)
        maps.append(x)
        layers.append(caches)
    return xp.concatenate(maps), Cache(conv, some, layers)


def backward(d_maps: Array, cache: Cache, *, d_images: bool) -> tuple[dict[str, Array], Array | None]:
    """Vector-Jacobian product of `forward`: the gradients of the params, and of the images where they are wanted."""
    d_params: dict[str, Array] = {}
    all_d_images = []
    for rows, caches in zip(cache.some, cache.layers, strict=True):
        dx = d_maps[rows]
        for number in reversed(LAYERS):
            dx = relu.backward(dx, caches.relus[number])
            if number in POOLED:
                dx = max_pool2d.backward(dx, caches.pools[number])
            twin, conv_cache = _twin(cache.conv, number), caches.convolutions[number]
            if number > 1 or d_images:
                dx, d_kernels, d_bias = twin.backward(dx, conv_cache)
            else:
                d_kernels, d_bias = twin.backward_parameters(dx, conv_cache)
            for name, gradient in ((f"conv{number}.kernels", d_kernels), (f"conv{number}.bias", d_bias)):
                d_params[name] = d_params[name] + gradient if name in d_params else gradient
        all_d_images.append(dx)
    return d_params, module_of(d_maps).concatenate(all_d_images) if d_images else None


def _twin(conv: str, number: int) -> ModuleType:
    """The first layer has one channel: too little to gain by Winograd's way."""
    return CONVOLUTIONS["im2col" if conv == "winograd" and number == 1 else conv]
