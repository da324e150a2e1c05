"""The associative LSTM as a recurrent core: a holographic memory in copies.    (Danihelka et al. 2016, baseline of FW)

Its R units are the numbers of one copy of the memory, two to a complex one. Each head reads that many, so that a
hidden state has R numbers for each head.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import associative_lstm
from refmem.ops.associative_lstm import State, Walk

from reference_models.fast_weights.cores.core import Core, Params

COPIES, HEADS = 4, 3  # FW appendix A.1


class AssociativeLSTM(Core):
    """See the module.

    Parameters
    ----------
    inputs : int
        D.
    memory : int
        R, an even number. The width of a hidden state, `units`, is R times `heads`.
    copies, heads : int
    seed : int
        Of the shuffles of the copies, which are no weights; the first copy is not shuffled.
    """

    def __init__(self, inputs: int, memory: int, *, copies: int = COPIES, heads: int = HEADS, seed: int = 0) -> None:
        if memory < 2 or memory % 2:
            raise ValueError(f"an associative LSTM has an even number of units, two to a complex one, got {memory}")
        for name, count in (("copies", copies), ("heads", heads)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        super().__init__(inputs, memory * heads)
        self.heads, cells = heads, memory // 2
        rng = np.random.default_rng([seed, 4])
        self.shuffles = np.stack([np.arange(cells), *(rng.permutation(cells) for _ in range(copies - 1))])  # [S, K]

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """All weights U(+-1/sqrt(units)); biases 0, but 1 at the forget gate."""
        cells, bound = self.shuffles.shape[1], self.units**-0.5
        width = associative_lstm.sums(cells, self.heads)
        bias = np.zeros(width, dtype)
        bias[:cells] = 1
        return {"input": rng.uniform(-bound, bound, (self.inputs, width)).astype(dtype), "input_bias": bias,
                "recurrent": rng.uniform(-bound, bound, (self.units, width)).astype(dtype)}

    def initial_state(self, batch: int, like: Array) -> State:
        """An empty memory."""
        return associative_lstm.zero_state(batch, self.shuffles, self.heads, like)

    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, State, Walk]:
        """As in `Core`."""
        state = state or self.initial_state(z.shape[0], z)
        hidden, walked = associative_lstm.walk(z, state, params["recurrent"], module_of(z).asarray(self.shuffles))
        return hidden, walked.last, walked

    def walk_backward(self, d_hidden: Array, cache: Walk) -> tuple[Array, Params]:
        """As in `Core`."""
        dz, d_recurrent = associative_lstm.walk_back(d_hidden, cache)
        return dz, {"recurrent": d_recurrent}
