"""Advantage actor-critic, synchronous: a batch of games is played to its end, then one step is taken.        (FW A.3)

    advantage A_t = R_t - v_t,  R_t over n steps (`returns`)
    loss = the mean over games of the sum over moves of `refmem.ops.actor_critic`

FW trains with A3C (Mnih et al. 2016): many workers, each with a game of its own, which send their gradients when they
have them. Here the games of a batch take the workers' place and wait for one another: one step is taken on the mean of
their gradients, none of which is of older weights, and a run is the same every time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from refmem.ops import actor_critic

from reference_models.fast_weights.catch_agent import Agent, Episodes
from reference_models.tasks.catch import Games
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.catch.returns import n_step_returns
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay

TASK = "catch"


@dataclass(frozen=True)
class Recipe:
    """Settings of the training."""

    games: int = 64
    """Played at once; one update for each batch."""

    steps: int = 1000
    """n of the returns. At least as many as there are moves: all is seen, nothing expected."""

    discount: float = 0.99
    entropy_weight: float = 0.01
    value_weight: float = 0.5
    adam: Adam = field(default_factory=lambda: Adam(rate=1e-3))
    final_rate: float = 1.0
    """What is left of the rate when the budget is spent, after a straight decay."""

    clip: float = 1.0
    """Bound of the global norm of the gradients."""

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"])})


class ActorCriticTraining:
    """A run: the player, the optimiser, the random generator, and how far they have come.

    Parameters
    ----------
    recipe : Recipe
    agent : Agent
    seed : int
        Of the first weights and of all that is drawn later.
    """

    def __init__(self, recipe: Recipe, agent: Agent, *, seed: int) -> None:
        self.recipe, self.agent, self.seed = recipe, agent, seed
        self.params = agent.initial_params(np.random.default_rng(seed))
        self.adam = adam.start(self.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []

    def advance(self, spent: float) -> Mapping[str, float]:
        """Play a batch of games and take one step.

        Returns
        -------
        dict
            `accuracy`, the share of games in which the ball was caught; `entropy` of the policy in nats; `norm` of the
            gradients before clipping; `images`, how many frames were played.
        """
        recipe = self.recipe
        games = Games(self.agent.rules, recipe.games, self.rng)
        episodes, output, cache = self.agent.play(self.params, games, self.rng)
        d_logits, d_values, entropy = objective(recipe, episodes, output.logits, output.values)
        gradients = self.agent.backward(d_logits, d_values, cache)
        gradients, norm = clip_by_global_norm(gradients, recipe.clip)
        adam.update(self.params, gradients, self.adam, recipe.adam, factor=linear_decay(spent, recipe.final_rate))
        return {"accuracy": float((episodes.rewards[:, -1] > 0).mean()), "entropy": round(entropy, 4),
                "norm": round(norm, 4), "images": recipe.games * self.agent.rules.size}

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands, between two batches of games."""
        return checkpoint.of(self, TASK, self.params, settings)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made.

        Raises
        ------
        FileRefused
            If its weights are not those of this network.
        """
        checkpoint.put_params(self.params, saved.params)
        checkpoint.go_on(self, saved)


def objective(recipe: Recipe, episodes: Episodes, logits: Any, values: Any) -> tuple[Any, Any, float]:
    """Gradients of the loss with respect to logits [B, T, 3] and values [B, T], and the mean entropy."""
    batch, length = values.shape
    returns = n_step_returns(episodes.rewards, values, steps=recipe.steps, discount=recipe.discount)  # [B, T]
    loss, cache = actor_critic.forward(
        logits.reshape(batch * length, -1), values.reshape(-1), (returns - values).reshape(-1), returns.reshape(-1),
        episodes.actions.reshape(-1), entropy_weight=recipe.entropy_weight,
        value_weight=recipe.value_weight)
    # What was returned, and by how much it was better than expected, are targets: their gradients are dropped.
    d_logits, d_values, _, _ = actor_critic.backward(np.full_like(loss, 1 / batch), cache)
    return d_logits.reshape(logits.shape), d_values.reshape(values.shape), float(cache.entropy.mean())
