"""The IRNN: rectified units whose recurrent weights begin as a multiple of the identity.   (Le, Jaitly, Hinton 2015)

    h(t+1) = f(W h(t) + C x(t) + b)

It is the fast-weights network without fast weights: S = 0, nothing stored, no layer norm.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import fast_weights_rnn
from refmem.ops.fast_weights_choices import Choices

from reference_models.fast_weights.cores.core import Core, Params

PLAIN = Choices("irnn", steps=0, norm="none", recurrent_scale=0.5)
"""FW appendix A.1: W = 0.5 I."""


class State(NamedTuple):
    """The hidden state."""

    h: Array  # [B, R]


class IRNN(Core):
    """See the module."""

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """C ~ U(+-1/sqrt(R)), W = 0.5 I, b = 0."""
        bound = self.units**-0.5
        return {"input": rng.uniform(-bound, bound, (self.inputs, self.units)).astype(dtype),
                "input_bias": np.zeros(self.units, dtype),
                "recurrent": (PLAIN.recurrent_scale * np.eye(self.units)).astype(dtype)}

    def initial_state(self, batch: int, like: Array) -> State:
        """Zeros."""
        return State(module_of(like).zeros((batch, self.units), dtype=like.dtype))

    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, State, fast_weights_rnn.Cache]:
        """As in `Core`."""
        xp, batch = module_of(z), z.shape[0]
        (h,) = state or self.initial_state(batch, z)
        none, nothing = (xp.zeros(shape, dtype=z.dtype) for shape in ((batch, 0, self.units), (0, self.units)))
        zero = xp.zeros((), dtype=z.dtype)
        hidden, cache = fast_weights_rnn.forward(z, params["recurrent"], h, none, zero, zero, nothing, nothing,
                                                 choices=PLAIN, store=False)
        return hidden, State(hidden[:, -1] if z.shape[1] else h), cache

    def walk_backward(self, d_hidden: Array, cache: fast_weights_rnn.Cache) -> tuple[Array, Params]:
        """As in `Core`."""
        dz, d_recurrent, *_ = fast_weights_rnn.backward(d_hidden, cache)
        return dz, {"recurrent": d_recurrent}
