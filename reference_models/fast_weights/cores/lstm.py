"""The LSTM as a recurrent core, with the gates and the update of `refmem.ops.lstm`.     (a baseline of FW §4)"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array
from refmem.ops import lstm
from refmem.ops.lstm_cell import forget_bias, zero_state

from reference_models.fast_weights.cores.core import Core, Params


class State(NamedTuple):
    """What a sequence has come to."""

    hc: Array  # [2, B, R] h and c


class LSTM(Core):
    """See the module."""

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """All weights U(+-1/sqrt(R)); biases 0, but 1 at the forget gate."""
        bound = self.units**-0.5
        return {"input": rng.uniform(-bound, bound, (self.inputs, 4 * self.units)).astype(dtype),
                "input_bias": forget_bias(np.zeros(4 * self.units, dtype)),
                "recurrent": rng.uniform(-bound, bound, (self.units, 4 * self.units)).astype(dtype)}

    def initial_state(self, batch: int, like: Array) -> State:
        """Zeros."""
        return State(zero_state(batch, self.units, like))

    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, State, lstm.Walk]:
        """As in `Core`."""
        (hc,) = state or self.initial_state(z.shape[0], z)
        hidden, walked = lstm.walk(z, hc, params["recurrent"])
        return hidden, State(walked.last), walked

    def walk_backward(self, d_hidden: Array, cache: lstm.Walk) -> tuple[Array, Params]:
        """As in `Core`."""
        dz, _, d_recurrent = lstm.walk_back(d_hidden, cache)
        return dz, {"recurrent": d_recurrent}
