"""The network for associative retrieval.        (FW §4.1 and appendix A.1)

    symbol -> 50 numbers -> 100 rectified units -> recurrent core of R units -> 100 rectified units -> digit

The answer is read off after the last symbol. What a symbol contributes to the core depends on nothing but the symbol,
so that the first two layers and the core's input weights are applied to the 37 symbols and not to each of the B T
places of a batch; a table is looked up instead. That changes no result but by rounding, and saves most of the products.

FW §3 draws all weights but the recurrent from U(+-1/sqrt(H)), "H the number of outgoing weights" (it prints sqrt(H)).
Taken at its word for the embedding, that makes C x so small that W h(t) drowns it, and a run sits at 63 % error for
10,000 updates. So an embedding starts as N(0, 1) here, and a layer as U(+-1/sqrt(inputs)), bias included.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_rank, module_of
from refmem.ops import embedding, linear, relu

from reference_models.fast_weights.cores import core
from reference_models.fast_weights.cores.core import Core, Params

EMBEDDING, EXPANDED, READOUT = 50, 100, 100  # FW appendix A.1


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    expand: tuple[linear.Cache, relu.Cache]
    projection: linear.Cache
    lookup: embedding.Cache
    walk: Any
    hidden: Array  # [B, T, R]
    readout: tuple[linear.Cache, relu.Cache]
    output: linear.Cache


class RetrievalNetwork:
    """The network around a core.

    Parameters
    ----------
    core : Core
        With `EXPANDED` inputs.
    symbols, classes : int
        How many of each there are.
    seed : int
        For the initial weights.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        Those of the core under "core.".
    """

    def __init__(self, core: Core, *, symbols: int, classes: int, seed: int = 0,
                 dtype: npt.DTypeLike = np.float32) -> None:
        if core.inputs != EXPANDED:
            raise ValueError(f"core must take {EXPANDED} inputs, got {core.inputs}")
        self.core = core
        rng = np.random.default_rng(seed)
        self.params: Params = {"embedding": rng.standard_normal((symbols, EMBEDDING))}
        for name, inputs, outputs in (("expand", EMBEDDING, EXPANDED), ("readout", core.units, READOUT),
                                      ("output", READOUT, classes)):
            bound = inputs**-0.5
            self.params |= {f"{name}.weights": rng.uniform(-bound, bound, (inputs, outputs)),
                            f"{name}.bias": rng.uniform(-bound, bound, outputs)}
        self.params = {name: array.astype(dtype) for name, array in self.params.items()}
        self.params |= {f"core.{name}": array for name, array in core.initial_params(rng, dtype).items()}

    def forward(self, symbols: Array) -> tuple[Array, Cache]:
        """The scores of the classes.

        Parameters
        ----------
        symbols : [B, T] int

        Returns
        -------
        logits : [B, C]
        cache : Cache

        Raises
        ------
        ValueError, TypeError
            If these are no symbols.
        """
        check_rank("symbols", symbols, 2)
        if symbols.shape[1] == 0:
            raise ValueError(f"symbols must have at least one step, got shape {symbols.shape}")
        p, of_core = self.params, core.own(self.params)
        x, linear_cache = linear.forward(p["embedding"], p["expand.weights"], p["expand.bias"])  # [V, 100]
        x, relu_cache = relu.forward(x)
        table, projection = self.core.project(of_core, x)  # [V, G]
        z, lookup = embedding.forward(table, symbols)  # [B, T, G]
        hidden, _, walk = self.core.walk(of_core, z)  # [B, T, R]
        y, readout = linear.forward(hidden[:, -1], p["readout.weights"], p["readout.bias"])  # [B, 100]
        y, rectified = relu.forward(y)
        logits, output = linear.forward(y, p["output.weights"], p["output.bias"])  # [B, C]
        return logits, Cache((linear_cache, relu_cache), projection, lookup, walk, hidden, (readout, rectified), output)

    def backward(self, d_logits: Array, cache: Cache) -> Params:
        """The gradient with respect to `params`, under the same names."""
        d: Params = {}
        dy, d["output.weights"], d["output.bias"] = linear.backward(d_logits, cache.output)
        dy = relu.backward(dy, cache.readout[1])
        d_last, d["readout.weights"], d["readout.bias"] = linear.backward(dy, cache.readout[0])  # [B, R]
        d_hidden = module_of(d_last).zeros_like(cache.hidden)  # [B, T, R]: only the last step is asked
        d_hidden[:, -1] = d_last
        dz, d_walk = self.core.walk_backward(d_hidden, cache.walk)
        dx, d_projection = self.core.project_backward(embedding.backward(dz, cache.lookup), cache.projection)
        dx = relu.backward(dx, cache.expand[1])
        d["embedding"], d["expand.weights"], d["expand.bias"] = linear.backward(dx, cache.expand[0])
        return d | {f"core.{name}": array for name, array in (d_projection | d_walk).items()}
