"""A recurrent core: what maps a sequence of inputs and a state to hidden states.

All cores share one interface, so that a task can be learned with any of them: the fast weights
(`fast_weights.py`), the IRNN, the LSTM, the associative LSTM. A core holds no weights; they come as a dict of
arrays, and so do their gradients.

The work is in two parts. `project` is what each input contributes by itself, a linear map; `walk` goes through time.
They are apart because inputs repeat: a task with 37 symbols projects 37 rows, and looks up the rest.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_rank, module_of
from refmem.ops import linear

Params: TypeAlias = dict[str, Array]


def own(params: Params) -> Params:
    """Those of the core, of the params of a network around it, which has them under "core."."""
    return {name.removeprefix("core."): array for name, array in params.items() if name.startswith("core.")}


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    inputs: tuple[int, ...]  # shape of x [B, T, D]
    projection: linear.Cache
    walk: Any  # the core's own


class Core(ABC):
    """One kind of recurrent network.

    Parameters
    ----------
    inputs : int
        D, the width of an input.
    units : int
        R, the width of a hidden state.
    """

    biased = True
    """Whether `project` adds a bias."""

    def __init__(self, inputs: int, units: int) -> None:
        for name, width in (("inputs", inputs), ("units", units)):
            if width < 1:
                raise ValueError(f"{name} must be at least 1, got {width}")
        self.inputs, self.units = inputs, units

    @abstractmethod
    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """Fresh weights; "input" [D, G] and, if `biased`, "input_bias" [G] are those of `project`."""

    @abstractmethod
    def initial_state(self, batch: int, like: Array) -> Any:
        """The state at the start of `batch` sequences: arrays in a tuple, of the module and dtype of `like`."""

    def project(self, params: Params, x: Array) -> tuple[Array, linear.Cache]:
        """What inputs [N, D] contribute, each by itself: [N, G]."""
        weights = params["input"]
        if self.biased:
            return linear.forward(x, weights, params["input_bias"])
        return linear.forward(x, weights, module_of(weights).zeros(weights.shape[1:], dtype=weights.dtype))

    def project_backward(self, dz: Array, cache: linear.Cache) -> tuple[Array, Params]:
        """The gradients of `project`: (dx [N, D], d_params)."""
        dx, d_input, d_bias = linear.backward(dz, cache)
        return dx, {"input": d_input} | ({"input_bias": d_bias} if self.biased else {})

    @abstractmethod
    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, Any, Any]:
        """Go through time.

        Parameters
        ----------
        params : dict
        z : [B, T, G]
            Projected inputs. T = 1 is a single step.
        state : tuple of arrays, optional
            As `initial_state` or an earlier `walk` gave it. It carries no gradient.

        Returns
        -------
        hidden : [B, T, R]
        state : tuple of arrays
            After the last step.
        cache
            For `walk_backward`.
        """

    @abstractmethod
    def walk_backward(self, d_hidden: Array, cache: Any) -> tuple[Array, Params]:
        """The gradients of `walk`: (dz [B, T, G], d_params)."""

    def forward(self, params: Params, x: Array, state: Any = None) -> tuple[Array, Any, Cache]:
        """Project the inputs [B, T, D] and walk: (hidden [B, T, R], state after the last step, cache)."""
        check_rank("x", x, 3)
        batch, length, width = x.shape
        z, projection = self.project(params, x.reshape(batch * length, width))
        hidden, state, walk = self.walk(params, z.reshape(batch, length, z.shape[1]), state)
        return hidden, state, Cache(x.shape, projection, walk)

    def backward(self, d_hidden: Array, cache: Cache) -> tuple[Array, Params]:
        """The gradients of `forward`: (dx [B, T, D], d_params), the names those of the params."""
        dz, d_walk = self.walk_backward(d_hidden, cache.walk)
        dx, d_projection = self.project_backward(dz.reshape(-1, dz.shape[-1]), cache.projection)
        return dx.reshape(cache.inputs), d_projection | d_walk
