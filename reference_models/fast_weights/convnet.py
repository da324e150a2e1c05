"""A small convolutional network that sees the whole image at once: the baseline of the glimpse tasks.   (FW §4.2, 4.3)

    [5 x 5 convolution, pool, ReLU] x 3 -> R rectified units -> class

FW compares with a ConvNet and gives its number of features, 50, 100 or 200, which is R here; the rest is settled here:
16, 32 and 32 filters, each layer followed by a pool of 2 x 2. Pool and ReLU commute, and in this order cost less.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import conv2d, conv2d_columns, conv2d_im2col, linear, max_pool2d, relu

from reference_models.fast_weights.cores.core import Params

FILTERS = (16, 32, 32)
KERNEL = 5


class Layer(NamedTuple):
    """What the backward pass needs to know of one convolution."""

    conv: conv2d.Cache
    pool: max_pool2d.Cache
    relu: relu.Cache


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    layers: list[Layer]
    maps: tuple[int, ...]  # shape of the last feature maps
    hidden: linear.Cache
    rectified: relu.Cache
    output: linear.Cache


class ConvNet:
    """The network.

    Parameters
    ----------
    side : int
        S: images are S x S, at least 8 x 8.
    units, classes : int
    filters : tuple of int
        Of each convolution.
    seed : int
        For the initial weights: N(0, 2 / fan_in), He et al. (2015).
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
    """

    def __init__(self, *, side: int, units: int, classes: int, filters: tuple[int, ...] = FILTERS, seed: int = 0,
                 dtype: npt.DTypeLike = np.float32) -> None:
        for name, least, value in (("side", 8, side), ("units", 1, units), ("classes", 1, classes)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        self.side, self.layers = side, len(filters)
        rng = np.random.default_rng(seed)
        self.params: Params = {}
        channels, rest = 1, side
        for number, width in enumerate(filters, start=1):
            fan_in = KERNEL * KERNEL * channels
            drawn = rng.standard_normal((KERNEL, KERNEL, channels, width)) * (2 / fan_in) ** 0.5
            self.params |= {f"conv{number}.kernels": drawn, f"conv{number}.bias": np.zeros(width)}
            channels, rest = width, -(-rest // 2)
        for name, inputs, outputs in (("hidden", rest * rest * channels, units), ("output", units, classes)):
            self.params |= {f"{name}.weights": rng.standard_normal((inputs, outputs)) * (2 / inputs) ** 0.5,
                            f"{name}.bias": np.zeros(outputs)}
        self.params = {name: array.astype(dtype) for name, array in self.params.items()}

    def forward(self, images: Array) -> tuple[Array, Cache]:
        """The scores of the classes [B, C] for images [B, S, S].

        Raises
        ------
        ValueError, TypeError
            If the images have another size or dtype.
        """
        if images.shape[1:] != (self.side, self.side):
            raise ValueError(f"images must be {self.side} x {self.side}, got shape {images.shape}")
        p, conv = self.params, _twin(images)
        x, layers = images[..., None], []
        for number in range(1, self.layers + 1):
            x, of_conv = conv.forward(x, p[f"conv{number}.kernels"], p[f"conv{number}.bias"])
            x, of_pool = max_pool2d.forward(x)
            x, of_relu = relu.forward(x)
            layers.append(Layer(of_conv, of_pool, of_relu))
        maps = x.shape
        x, hidden = linear.forward(x.reshape(len(x), -1), p["hidden.weights"], p["hidden.bias"])
        x, rectified = relu.forward(x)
        logits, output = linear.forward(x, p["output.weights"], p["output.bias"])
        return logits, Cache(layers, maps, hidden, rectified, output)

    def backward(self, d_logits: Array, cache: Cache) -> Params:
        """The gradient with respect to `params`, under the same names."""
        d: Params = {}
        dx, d["output.weights"], d["output.bias"] = linear.backward(d_logits, cache.output)
        dx = relu.backward(dx, cache.rectified)
        dx, d["hidden.weights"], d["hidden.bias"] = linear.backward(dx, cache.hidden)
        dx, conv = dx.reshape(cache.maps), _twin(d_logits)
        for number in range(self.layers, 0, -1):
            layer = cache.layers[number - 1]
            dx = max_pool2d.backward(relu.backward(dx, layer.relu), layer.pool)
            if number > 1:
                dx, d[f"conv{number}.kernels"], d[f"conv{number}.bias"] = conv.backward(dx, layer.conv)
            else:  # nobody asks for the gradient of the pixels
                d["conv1.kernels"], d["conv1.bias"] = conv.backward_parameters(dx, layer.conv)
        return d


def _twin(x: Array) -> Any:
    """The fast convolution for the device."""
    return conv2d_im2col if module_of(x) is np else conv2d_columns
