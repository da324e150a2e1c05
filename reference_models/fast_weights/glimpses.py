"""A classifier of glimpses: a recurrent core reads them in turn, and its last state is asked.        (FW §4.2, §4.3)

    glimpses -> recurrent core of R units -> softmax
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import linear

from reference_models.fast_weights.cores import core
from reference_models.fast_weights.cores.core import Core, Params
from reference_models.tasks.glimpses.order import SIDE, Order, glimpses


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    core: core.Cache
    hidden: Array  # [B, T, R]
    output: linear.Cache


class GlimpseNetwork:
    """The network around a core.

    Parameters
    ----------
    core : Core
    classes : int
    seed : int
        For the initial weights.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        Those of the core under "core.".
    """

    def __init__(self, core: Core, *, classes: int, seed: int = 0, dtype: npt.DTypeLike = np.float32) -> None:
        self.core = core
        rng = np.random.default_rng(seed)
        bound = core.units**-0.5
        self.params: Params = {"output.weights": rng.uniform(-bound, bound, (core.units, classes)).astype(dtype),
                               "output.bias": np.zeros(classes, dtype)}
        self.params |= {f"core.{name}": array for name, array in core.initial_params(rng, dtype).items()}

    def forward(self, x: Array) -> tuple[Array, Cache]:
        """The scores of the classes [B, C] of glimpses [B, T, D]."""
        hidden, _, of_core = self.core.forward(core.own(self.params), x)
        logits, output = linear.forward(hidden[:, -1], self.params["output.weights"], self.params["output.bias"])
        return logits, Cache(of_core, hidden, output)

    def backward(self, d_logits: Array, cache: Cache) -> dict[str, Any]:
        """The gradient with respect to `params`, under the same names."""
        d_last, d_weights, d_bias = linear.backward(d_logits, cache.output)
        d_hidden = module_of(d_last).zeros_like(cache.hidden)  # only the last step is asked
        d_hidden[:, -1] = d_last
        _, d_core = self.core.backward(d_hidden, cache.core)
        return {"output.weights": d_weights, "output.bias": d_bias} | {f"core.{k}": d for k, d in d_core.items()}


class InGlimpses:
    """A network of glimpses that is shown whole images.

    Parameters
    ----------
    network : GlimpseNetwork
    order : Order
        Of the glimpses.
    side : int
        Height and width of the images.
    """

    def __init__(self, network: GlimpseNetwork, order: Order, *, side: int = SIDE) -> None:
        self.network, self.order, self.side = network, order, side
        self.params = network.params

    def forward(self, images: Array) -> tuple[Array, Cache]:
        """(logits [B, C], cache) of images [B, side, side]."""
        return self.network.forward(glimpses(images, self.order, side=self.side))

    def backward(self, d_logits: Array, cache: Cache) -> dict[str, Any]:
        """The gradients of the params."""
        return self.network.backward(d_logits, cache)
