"""The fast-weights network as a recurrent core: a memory that lives for one sequence.        (FW §3)

    h_0(t+1) = f(W h(t) + C x(t)),   h_{s+1}(t+1) = f(LN[W h(t) + C x(t) + A(t) h_s(t+1)]),
    A(t)     = lambda A(t-1) + eta h(t) h(t)^T

The slow weights W and C are learned as ever. The fast weights A learn within a sequence, by Hebb's rule, and forget:
they attend to the recent past in proportion to its likeness to the present (`refmem.ops.fast_weights_attention`).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops import fast_weights_rnn
from refmem.ops.fast_weights_choices import FW2016, Choices

from reference_models.fast_weights.cores.core import Core, Params


FORMS = (*fast_weights_rnn.FORMS, "compiled")


class State(NamedTuple):
    """Where a sequence stands."""

    h: Array  # [B, R]
    past: Array  # [B, t, R] the states in the fast weights, oldest first


class FastWeights(Core):
    """A recurrent core with fast weights.

    Parameters
    ----------
    inputs, units : int
        D and R.
    choices : Choices
        How each open point of the paper is settled.
    form : "attention", "matrix" or "compiled"
        How the fast weights are kept; the last is the fast twin of the first. The results are the same up to rounding.
    """

    biased = False  # eq. 2 has none; the layer norm has its own

    def __init__(self, inputs: int, units: int, *, choices: Choices = FW2016, form: str = "attention") -> None:
        super().__init__(inputs, units)
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        self.choices, self.form = choices, form
        self._op, self._form = _op(form)

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """"input" C [D, R], "recurrent" W^T [R, R], "gain" and "bias" [N, R] of the layer norm, and "decay", "rate" []
        where they are learned."""
        choices, units = self.choices, self.units
        bound = units**-0.5 if choices.input_scale == "inverse" else units**0.5
        params = {"input": rng.uniform(-bound, bound, (self.inputs, units)),
                  "recurrent": choices.recurrent_scale * np.eye(units),
                  "gain": np.ones((choices.norms, units)), "bias": np.zeros((choices.norms, units))}
        if choices.learned:
            params |= {"decay": np.array(choices.decay), "rate": np.array(choices.rate)}
        return {name: array.astype(dtype) for name, array in params.items()}

    def initial_state(self, batch: int, like: Array) -> State:
        """h = 0 and A = 0."""
        xp = module_of(like)
        return State(xp.zeros((batch, self.units), dtype=like.dtype),
                     xp.zeros((batch, 0, self.units), dtype=like.dtype))

    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, State, Any]:
        """As in `Core`."""
        h, past = state or self.initial_state(z.shape[0], z)
        decay, rate = self._weights(params, z)
        hidden, cache = self._op.forward(z, params["recurrent"], h, past, decay, rate, params["gain"], params["bias"],
                                         choices=self.choices, **self._form)
        return hidden, State(hidden[:, -1] if z.shape[1] else h, self._op.stored(cache)), cache

    def walk_backward(self, d_hidden: Array, cache: Any) -> tuple[Array, Params]:
        """As in `Core`."""
        dz, d_recurrent, _, _, d_decay, d_rate, d_gain, d_bias = self._op.backward(d_hidden, cache)
        d_params = {"recurrent": d_recurrent, "gain": d_gain, "bias": d_bias}
        return dz, d_params | ({"decay": d_decay, "rate": d_rate} if self.choices.learned else {})

    def _weights(self, params: Params, like: Array) -> tuple[Array, Array]:
        """(lambda, eta), learned or chosen."""
        if self.choices.learned:
            return params["decay"], params["rate"]
        xp = module_of(like)
        return xp.asarray(self.choices.decay, dtype=like.dtype), xp.asarray(self.choices.rate, dtype=like.dtype)


def _op(form: str) -> tuple[Any, dict[str, str]]:
    """The operation of a form, and what it has to be told. numba is loaded only for the one that needs it."""
    if form == "compiled":
        from refmem.ops import fast_weights_rnn_compiled
        return fast_weights_rnn_compiled, {}
    return fast_weights_rnn, {"form": form}


def fastest_form(choices: Choices) -> str:
    """The form to train with on a CPU."""
    return "compiled" if choices.plain else "attention"
