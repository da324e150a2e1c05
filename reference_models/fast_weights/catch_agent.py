"""The player of Catch: sees a screen a frame, remembers through a recurrent core, moves its paddle.        (FW A.3)

    screen -> linear, 128 ReLU -> recurrent core, 128 cells -> softmax over three moves
                                                            -> value, linear

A screen without a pixel is worth its bias and no more, whenever it comes. So all blank screens of a batch of games are
one row of the first two layers; and once nothing more will be shown, the rest of the games is known to the network
before it is played, whatever the moves: it is one stretch for the core.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_dtype, check_rank, check_shape, module_of
from refmem.ops import linear, relu

from reference_models.fast_weights.cores import core
from reference_models.fast_weights.cores.core import Core, Params
from reference_models.tasks.catch import ACTIONS, Games, Rules

PIXELS_LIT = 3
"""Of a screen that shows something: the scale of the first layer's weights goes by them, not by all N^2 pixels."""


class Output(NamedTuple):
    """What the player thinks at each frame."""

    logits: Array  # [B, T, 3] scores of the moves
    values: Array  # [B, T] the return that it expects


class Rows(NamedTuple):
    """Distinct rows of the first two layers: the lit screens, and last the blank one."""

    lit: Array  # [B T] bool, whether the screen shows anything
    linear: linear.Cache
    relu: relu.Cache
    projection: Any  # the core's


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    shape: tuple[int, int]  # B, T
    rows: Rows
    walk: Any  # the core's
    policy: linear.Cache
    value: linear.Cache


class Episodes(NamedTuple):
    """Whole games."""

    screens: Array  # [B, T, N, N] before each move
    actions: Array  # [B, T] int
    rewards: Array  # [B, T] for each move; all but the last are 0


class Agent:
    """The network; its weights are handed in, as to a core.

    Parameters
    ----------
    rules : Rules
        Of the game: the screen is N x N.
    core : Core
        Its inputs are the ReLU units.
    """

    def __init__(self, rules: Rules, core: Core) -> None:
        self.rules, self.core = rules, core

    def initial_params(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Params:
        """"input.", "policy." and "value.weights" and ".bias", and those of the core as "core.NAME".

        Input weights are N(0, 2 / 3): He et al. (2015) for the three pixels that are lit. Policy and value begin near
        0: all moves alike, nothing expected.
        """
        hidden, units, pixels = self.core.inputs, self.core.units, self.rules.size**2
        params = {"input.weights": rng.standard_normal((pixels, hidden)) * (2 / PIXELS_LIT) ** 0.5,
                  "input.bias": np.zeros(hidden)}
        params |= {f"core.{name}": array for name, array in self.core.initial_params(rng, dtype).items()}
        for name, width in (("policy", len(ACTIONS)), ("value", 1)):
            params |= {f"{name}.weights": rng.standard_normal((units, width)) * 0.1 * units**-0.5,
                       f"{name}.bias": np.zeros(width)}
        return {name: array.astype(dtype) for name, array in params.items()}

    def forward(self, params: Params, screens: Array, state: Any = None) -> tuple[Output, Any, Cache]:
        """See T frames, one after the other.

        Parameters
        ----------
        params : dict
        screens : [B, T, N, N], dtype of the params
        state : tuple of arrays, optional
            As an earlier call returned it; by default that of the start of a game.

        Returns
        -------
        output : Output
        state : tuple of arrays
            After the last frame.
        cache : Cache

        Raises
        ------
        ValueError, TypeError
            If a screen has another size, or another dtype.
        """
        check_rank("screens", screens, 4)
        batch, length = screens.shape[:2]
        check_shape("screens", screens, (batch, length, self.rules.size, self.rules.size))
        check_dtype("screens", screens, params["input.weights"].dtype)
        z, rows = self._look(params, screens.reshape(batch * length, -1))
        hidden, state, walk = self.core.walk(core.own(params), z.reshape(batch, length, z.shape[1]), state)
        flat = hidden.reshape(batch * length, hidden.shape[2])  # [B T, R]
        logits, of_policy = linear.forward(flat, params["policy.weights"], params["policy.bias"])
        values, of_value = linear.forward(flat, params["value.weights"], params["value.bias"])
        output = Output(logits.reshape(batch, length, -1), values.reshape(batch, length))
        return output, state, Cache((batch, length), rows, walk, of_policy, of_value)

    def backward(self, d_logits: Array, d_values: Array, cache: Cache) -> Params:
        """The gradient of the params.

        Parameters
        ----------
        d_logits : [B, T, 3]
        d_values : [B, T]
        """
        batch, length = cache.shape
        of_policy, d_policy, d_policy_bias = linear.backward(d_logits.reshape(batch * length, -1), cache.policy)
        of_value, d_value, d_value_bias = linear.backward(d_values.reshape(batch * length, 1), cache.value)
        d_hidden = (of_policy + of_value).reshape(batch, length, -1)
        dz, d_core = self.core.walk_backward(d_hidden, cache.walk)
        d_input, d_bias, d_projection = self._look_backward(dz.reshape(batch * length, -1), cache.rows)
        return {"input.weights": d_input, "input.bias": d_bias, "policy.weights": d_policy,
                "policy.bias": d_policy_bias, "value.weights": d_value, "value.bias": d_value_bias,
                **{f"core.{name}": array for name, array in (d_projection | d_core).items()}}

    def play(self, params: Params, games: Games, rng: np.random.Generator) -> tuple[Episodes, Output, Cache]:
        """Play games to their end, each move drawn from the policy.

        Frames are seen one by one while the next one depends on the moves. Then all are known, and seen once more in a
        single pass, which is also the one to learn from; the other moves are drawn from what it gives.

        Parameters
        ----------
        games : Games
            At their first frame.
        rng : numpy.random.Generator
            One number in [0, 1) for each game and move.

        Returns
        -------
        episodes : Episodes
        output : Output
            At each frame but the last, after which there is no move.
        cache : Cache
        """
        rules, dtype = self.rules, params["input.weights"].dtype
        length = rules.moves
        screens = np.zeros((games.batch, length, rules.size, rules.size), dtype)  # [B, T, N, N]
        actions = np.zeros((games.batch, length), np.int64)  # [B, T]
        rewards = np.zeros((games.batch, length), dtype)  # [B, T]
        uniforms = rng.random((games.batch, length))  # [B, T]
        known_from = min(rules.visible, length) - 1 if rules.blank == "screen" else length - 1
        state: Any = None

        def move(t: int, logits: Array) -> None:
            actions[:, t] = drawn(logits, uniforms[:, t])
            games.move(actions[:, t])
            rewards[:, t] = games.rewards()

        for t in range(known_from):
            screens[:, t] = games.screens()
            output, state, _ = self.forward(params, screens[:, t:t + 1], state)
            move(t, output.logits[:, 0])
        screens[:, known_from] = games.screens()
        output, _, cache = self.forward(params, screens)
        for t in range(known_from, length):
            move(t, output.logits[:, t])
        return Episodes(screens, actions, rewards), output, cache

    def _look(self, params: Params, pixels: Array) -> tuple[Array, Rows]:
        """What the core gets of screens [B T, N^2]: its projected inputs [B T, G]."""
        xp = module_of(pixels)
        lit: Array = (pixels != 0).any(axis=1)  # [B T]
        distinct = xp.concatenate([pixels[lit], xp.zeros_like(pixels[:1])])  # [rows, N^2], the last one blank
        x, of_linear = linear.forward(distinct, params["input.weights"], params["input.bias"])
        x, of_relu = relu.forward(x)  # [rows, H]
        z, projection = self.core.project(core.own(params), x)  # [rows, G]
        place = xp.full(len(pixels), len(distinct) - 1)  # [B T] the row of each screen
        place[lit] = xp.arange(len(distinct) - 1)
        return z[place], Rows(lit, of_linear, of_relu, projection)

    def _look_backward(self, dz: Array, rows: Rows) -> tuple[Array, Array, Params]:
        """Gradients of the input weights and bias, and those of the core's projection."""
        blank = dz[~rows.lit].sum(axis=0, keepdims=True)  # [1, G]
        together = module_of(dz).concatenate([dz[rows.lit], blank])
        dx, d_projection = self.core.project_backward(together, rows.projection)
        dx = relu.backward(dx, rows.relu)
        d_weights, d_bias = rows.linear.x.T @ dx, dx.sum(axis=0)  # nobody asks for the gradient of the pixels
        return d_weights, d_bias, d_projection


def drawn(logits: Array, uniforms: Array) -> Array:
    """An action for each row of logits [B, A], by numbers in [0, 1): the first one at which the sum of the
    probabilities exceeds the number."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    sums = np.cumsum(e, axis=1, dtype=np.float64)  # [B, A]
    actions: Array = (uniforms[:, None] * sums[:, -1:] >= sums[:, :-1]).sum(axis=1)
    return actions
