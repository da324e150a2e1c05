"""The actor-critic loss: its vectors, its loops and its mutants."""

# mypy: disable-error-code="no-untyped-def"
# The types of the mutants' methods are those of the methods that they replace.

import math
from typing import Any

import numpy as np

from refmem.conformance.groups import Group
from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.ops import op
from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.operation import Nested, Oracle
from refmem.conformance.oracles.tape import Number


class Loops(Oracle):
    """One row after the other."""

    def actor_critic(self, logits: Nested, values: Nested, advantages: Nested, returns: Nested, actions: list[int],
                     options: dict[str, Any]) -> Nested:
        losses = []
        for row, v, a, r, action in zip(logits, values, advantages, returns, actions, strict=True):
            log_pi = self.log_probabilities(row)
            losses.append(self.of_policy(a, log_pi[action]) - self.entropy(log_pi) * options["entropy_weight"]
                          + self.of_value(v, r) * options["value_weight"])
        return losses

    def log_probabilities(self, row: Nested) -> Nested:
        top = row[0].value
        for x in row:
            top = x.value if x.value > top else top
        total: Any = 0.0
        for x in row:
            total = total + tape.exp(x - top)
        log_total = tape.log(total)
        return [x - top - log_total for x in row]

    def of_policy(self, advantage: Nested, log_pi: Nested) -> Nested:
        return -(advantage * log_pi)

    def entropy(self, log_pi: Nested) -> Nested:
        total: Any = 0.0
        for x in log_pi:
            total = total - tape.exp(x) * x
        return total

    def of_value(self, value: Nested, seen: Nested) -> Nested:
        excess = value - seen
        return excess * excess * 0.5


def of_torch(torch: Any, logits: Any, values: Any, advantages: Any, returns: Any, actions: Any, entropy_weight: float,
             value_weight: float) -> Any:
    """By the distributions of PyTorch."""
    policy = torch.distributions.Categorical(logits=logits, validate_args=False)
    return (-advantages * policy.log_prob(actions) - entropy_weight * policy.entropy()
            + value_weight * (values - returns) ** 2 / 2)


GROUPS = (Group("actor_critic", Loops, outputs=("loss",), torch=of_torch),)


# --- Vectors ----------------------------------------------------------------------------------------------------


def recipes() -> list[Recipe]:
    """All cases."""
    draw = Draw(61)
    logits, actions = draw.numbers(4, 3, scale=2.0), [0, 2, 1, 2]
    values, advantages, returns = (draw.numbers(4) for _ in range(3))
    inputs = {"logits": logits, "values": values, "advantages": advantages, "returns": returns, "actions": actions}
    still = {"values": values, "advantages": np.zeros(4), "returns": values, "actions": actions}
    weights: dict[str, Any] = {"entropy_weight": 0.25, "value_weight": 0.5}
    large = {"logits": np.array([[1000.0, 0.0, -500.0], [0.0, 300.0, -1000.0]]), "values": np.zeros(2),
             "advantages": np.array([0.5, -2.0]), "returns": np.zeros(2), "actions": [1, 2]}
    return [
        op("actor_critic", "forward", ("forward", "entropy"), "policy, entropy and value, one loss a row", inputs,
           ("loss",), **weights),
        op("actor_critic", "entropy", ("entropy", "forward"), "where nothing was learnt only the entropy speaks",
           {"logits": logits, **still}, ("loss",), **weights),
        op("actor_critic", "large-scores", ("large-scores", "forward"), "no probability is rounded to 0 first", large,
           ("loss",), entropy_weight=0.0, value_weight=0.5),
        op("actor_critic", "gradient", ("gradient", "forward", "entropy"), "gradients of all four inputs",
           inputs | {"d_loss": draw.numbers(4)}, ("d_logits", "d_values", "d_advantages", "d_returns"), **weights),
    ]


# --- Mutants ----------------------------------------------------------------------------------------------------


@mutant("actor-critic-policy-sign", "actor_critic.forward", "what went better than expected is made less probable")
class PolicySign(Loops):
    def of_policy(self, advantage, log_pi):
        return advantage * log_pi


@mutant("actor-critic-value-not-halved", "actor_critic.forward", "the squared error of the value is not halved",
        "loss weights differ by it between public programs")
class ValueNotHalved(Loops):
    def of_value(self, value, seen):
        return (value - seen) * (value - seen)


@mutant("actor-critic-entropy-punished", "actor_critic.entropy", "the entropy is added to the loss, so that it shrinks")
class EntropyPunished(Loops):
    def entropy(self, log_pi):
        return -super().entropy(log_pi)


@mutant("actor-critic-entropy-bits", "actor_critic.entropy", "the entropy is in bits")
class EntropyBits(Loops):
    def entropy(self, log_pi):
        return super().entropy(log_pi) * (1 / math.log(2))


@mutant("actor-critic-overflows", "actor_critic.large-scores", "the largest score is not taken off first")
class Overflows(Loops):
    def log_probabilities(self, row):
        if max(abs(float(x.value)) for x in row) > 700.0:
            return [x * math.nan for x in row]
        return super().log_probabilities(row)


@mutant("actor-critic-clipped", "actor_critic.large-scores", "probabilities are bounded by 1e-8 before the logarithm",
        "a habit of public actor-critics")
class Clipped(Loops):
    def log_probabilities(self, row):
        least = math.log(1e-8)
        return [x if x.value > least else Number(least) for x in super().log_probabilities(row)]


@mutant("actor-critic-advantage-moves-value", "actor_critic.gradient",
        "the advantage pushes the value too, as if it were computed inside from it")
class AdvantageMovesValue(Loops):
    def actor_critic(self, logits, values, advantages, returns, actions, options):
        within = [a + (tape.constant(v) - v) for a, v in zip(advantages, values, strict=True)]
        return super().actor_critic(logits, values, within, returns, actions, options)


@mutant("actor-critic-entropy-without-gradient", "actor_critic.gradient", "the entropy is taken for a constant")
class EntropyConstant(Loops):
    def entropy(self, log_pi):
        return Number(tape.constant(super().entropy(log_pi)))
