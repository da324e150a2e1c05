"""What is to be seen? A network that looks at an image glimpse by glimpse.        (FW §4.2, 4.3)

    24 glimpses, each with its signal -> recurrent core of R units -> 100 rectified units -> class

The answer is read off after the last glimpse. FW lets the signal decide what enters the fast weights; here the signal
is an input like the pixels, every state is stored, as in associative retrieval, and all cores are treated alike.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import linear, relu

from reference_models.cores import core as cores
from reference_models.cores.core import Core, Params
from reference_models.tasks import patches

READOUT = 100


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    core: cores.Cache
    hidden: tuple[int, ...]  # shape of the hidden states [B, 24, R]
    readout: linear.Cache
    rectified: relu.Cache
    output: linear.Cache


class GlimpseNetwork:
    """The network around a core.

    Parameters
    ----------
    core : Core
        With `patches.width(side)` inputs.
    side : int
        S: images are S x S.
    classes : int
    seed : int
        For the initial weights.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        Those of the core under "core.".
    """

    def __init__(self, core: Core, *, side: int, classes: int, seed: int = 0,
                 dtype: npt.DTypeLike = np.float32) -> None:
        if core.inputs != patches.width(side):
            raise ValueError(f"core must take {patches.width(side)} inputs, got {core.inputs}")
        self.core, self.side = core, side
        rng = np.random.default_rng(seed)
        self.params: Params = {}
        for name, inputs, outputs in (("readout", core.units, READOUT), ("output", READOUT, classes)):
            self.params |= {f"{name}.weights": rng.uniform(-1, 1, (inputs, outputs)) * inputs**-0.5,
                            f"{name}.bias": np.zeros(outputs)}
        self.params |= {f"core.{name}": array for name, array in core.initial_params(rng, dtype).items()}
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
        p = self.params
        core_params = {name.removeprefix("core."): w for name, w in p.items() if name.startswith("core.")}
        hidden, _, of_core = self.core.forward(core_params, patches.glimpses(images))  # [B, 24, R]
        y, readout = linear.forward(hidden[:, -1], p["readout.weights"], p["readout.bias"])  # [B, 100]
        y, rectified = relu.forward(y)
        logits, output = linear.forward(y, p["output.weights"], p["output.bias"])  # [B, C]
        return logits, Cache(of_core, hidden.shape, readout, rectified, output)

    def backward(self, d_logits: Array, cache: Cache) -> Params:
        """The gradient with respect to `params`, under the same names."""
        d: Params = {}
        dy, d["output.weights"], d["output.bias"] = linear.backward(d_logits, cache.output)
        dy = relu.backward(dy, cache.rectified)
        d_last, d["readout.weights"], d["readout.bias"] = linear.backward(dy, cache.readout)  # [B, R]
        d_hidden = module_of(d_last).zeros(cache.hidden, dtype=d_last.dtype)  # only the last state is asked
        d_hidden[:, -1] = d_last
        _, d_core = self.core.backward(d_hidden, cache.core)
        return d | {f"core.{name}": array for name, array in d_core.items()}
