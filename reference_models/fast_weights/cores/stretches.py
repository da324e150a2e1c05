"""Fast weights that are written when a signal says so, and not at every step: glimpses in stretches.    (FW §4.2)

Within a stretch the hidden state gathers, as in any recurrent network, and asks the fast weights at each step. The last
step of a stretch integrates: it has recurrent weights of its own (figure 3). Its state is stored,
A <- lambda A + eta h h^T, and the hidden state is wiped out: the next stretch begins with h = 0, and knows of the
others only through A.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, module_of
from refmem.ops.fast_weights_choices import FW2016, Choices

from reference_models.fast_weights import FastWeights, State
from reference_models.fast_weights.cores.core import Params


class StretchedFastWeights(FastWeights):
    """A core for sequences of one length.

    Parameters
    ----------
    inputs, units, choices, form
        As for `FastWeights`.
    stretches : tuple of int
        How many steps there are up to each signal to store, with it.
    """

    def __init__(self, inputs: int, units: int, *, stretches: tuple[int, ...], choices: Choices = FW2016,
                 form: str = "attention") -> None:
        super().__init__(inputs, units, choices=choices, form=form)
        if not stretches or min(stretches) < 1:
            raise ValueError(f"stretches must be whole numbers of at least 1, got {stretches}")
        self.stretches = stretches

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """Those of `FastWeights`, and "integration" [R, R], which starts like "recurrent"."""
        params = super().initial_params(rng, dtype)
        return params | {"integration": params["recurrent"].copy()}

    def walk(self, params: Params, z: Array, state: Any = None) -> tuple[Array, State, Any]:
        """As in `Core`; the state is that after the last wipe."""
        if z.shape[1] != sum(self.stretches):
            raise ValueError(f"a sequence must have {sum(self.stretches)} steps, got {z.shape[1]}")
        xp = module_of(z)
        wiped, past = state or self.initial_state(z.shape[0], z)
        shared = [*self._weights(params, z), params["gain"], params["bias"]]
        hidden, caches, start = [], [], 0
        for length in self.stretches:
            h = wiped
            parts = []
            for weights, begin, end in self._parts(start, length):
                gathered, cache = self._op.forward(z[:, begin:end], params[weights], h, past, *shared,
                                                   choices=self.choices, store=False, **self._form)
                h = gathered[:, -1]
                hidden.append(gathered)
                parts.append((weights, begin, end, cache))
            past = xp.concatenate([past, h[:, None]], axis=1)
            wiped = xp.zeros_like(h)
            caches.append(parts)
            start += length
        return xp.concatenate(hidden, axis=1), State(wiped, past), (caches, past, params)

    def _parts(self, start: int, length: int) -> list[tuple[str, int, int]]:
        """(name of the recurrent weights, first step, end) of the two parts of a stretch; the first may be empty."""
        end = start + length
        return [part for part in (("recurrent", start, end - 1), ("integration", end - 1, end)) if part[1] < part[2]]

    def walk_backward(self, d_hidden: Array, cache: Any) -> tuple[Array, Params]:
        """As in `Core`."""
        caches, past, params = cache
        xp = module_of(d_hidden)
        dz, d_past = xp.empty_like(d_hidden), xp.zeros_like(past)
        d_params: Params = {name: xp.zeros_like(w) for name, w in params.items() if not name.startswith("input")}
        stored = past.shape[1]
        for parts in reversed(caches):
            stored -= 1
            dh = d_past[:, stored]  # the state of the last step was stored, and handed on to nobody
            for weights, begin, end, of_part in reversed(parts):
                d_gathered = d_hidden[:, begin:end].copy()
                d_gathered[:, -1] += dh
                dz[:, begin:end], d_w, dh, d_read, d_decay, d_rate, d_gain, d_bias = self._op.backward(
                    d_gathered, of_part)
                d_past[:, :stored] += d_read
                d_params[weights] += d_w
                d_params["gain"] += d_gain
                d_params["bias"] += d_bias
                if self.choices.learned:
                    d_params["decay"] += d_decay
                    d_params["rate"] += d_rate
        return dz, d_params
