"""The loss of an actor-critic step: do more of what went better than expected, stay curious, and expect better.

    loss_b = -A_b log pi(a_b) - beta H(pi) + c (R_b - v_b)^2 / 2,        pi = softmax(logits_b)

    pi(a)   probability of an action            A_b   the advantage, R_b - v_b, of the action a_b that was taken
    H(pi)   entropy, -sum_a pi(a) log pi(a)     R_b   the return that was seen, over n steps
    v_b     the value that was expected         beta, c   weights of the entropy and of the value

The three terms of A3C (Mnih et al. 2016, "Asynchronous Methods for Deep Reinforcement Learning"), with which FW §4.4
trains Catch. Advantages and returns come in as numbers of their own. A3C holds them fixed: whoever trains drops their
gradients. Were the advantage computed in here from v, the policy term would push the value as well.
"""

import math
from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_labels, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    log_pi: Array  # [B, A] logarithms of the probabilities
    pi: Array  # [B, A] probabilities of the actions
    entropy: Array  # [B] H(pi)
    taken: Array  # [B, A] bool, true at the action that was taken
    of_taken: Array  # [B] log pi(a_b)
    advantages: Array  # [B]
    excess: Array  # [B] v - R
    entropy_weight: float  # beta
    value_weight: float  # c


# spec: actor_critic.forward -- loss_b = -A_b log pi(a_b) - beta H(pi) + c (R_b - v_b)^2 / 2, one a row (FW §4.4, A3C)
def forward(logits: Array, values: Array, advantages: Array, returns: Array, actions: Array, *,
            entropy_weight: float = 0.01, value_weight: float = 0.5) -> tuple[Array, Cache]:
    """The loss of each row.

    Parameters
    ----------
    logits : [B, A] float
        Unnormalised scores of the A >= 1 actions.
    values : [B], dtype of `logits`
        v, what was expected.
    advantages, returns : [B], dtype of `logits`
        A and R.
    actions : [B] int
        Those that were taken, in 0..A-1. Not differentiated.
    entropy_weight, value_weight : float
        beta and c, at least 0.

    Returns
    -------
    loss : [B], dtype of `logits`
        One for each row; neither summed nor averaged.
    cache : Cache

    Raises
    ------
    ValueError
        If a shape is wrong, an action out of range, or a weight negative or not finite.
    TypeError
        If `logits` is not float32 or float64, another array of another dtype, or `actions` not of integers.
    """
    check_float("logits", logits)
    check_rank("logits", logits, 2)
    batch, count = logits.shape
    if count == 0:
        raise ValueError(f"logits must have at least one column, got shape {logits.shape}")
    for name, array in (("values", values), ("advantages", advantages), ("returns", returns)):
        check_shape(name, array, (batch,))
        check_dtype(name, array, logits.dtype)
    check_labels("actions", actions, batch, count)
    for name, weight in (("entropy_weight", entropy_weight), ("value_weight", value_weight)):
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"{name} must be a number of at least 0, got {weight!r}")
    xp = module_of(logits)

    # spec: actor_critic.large-scores -- the largest score is taken off first: no probability is rounded to 0 before
    #     its logarithm
    shifted = logits - logits.max(axis=1, keepdims=True)  # [B, A], at most 0
    log_pi = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))  # [B, A]
    pi = xp.exp(log_pi)  # [B, A]
    # spec: actor_critic.entropy -- H(pi) = -sum_a pi(a) log pi(a), in nats, and it is wanted: -beta H (A3C, FW §4.4)
    entropy = -(pi * log_pi).sum(axis=1)  # [B]
    taken = xp.arange(count) == actions[:, None]  # [B, A]
    of_taken = xp.where(taken, log_pi, xp.zeros_like(log_pi)).sum(axis=1)  # [B]
    excess = values - returns  # [B]
    loss = -advantages * of_taken - entropy_weight * entropy + 0.5 * value_weight * excess * excess  # [B]
    return loss, Cache(log_pi, pi, entropy, taken, of_taken, advantages, excess, entropy_weight, value_weight)


# As for every softmax, d log pi(a) / d logits_j = [j = a] - pi_j. For the entropy,
#
#     dH/d logits_j = -sum_a (d pi_a / d logits_j) (log pi_a + 1)
#                   = -sum_a pi_a ([j = a] - pi_j) log pi_a        (the 1 falls away: sum_a d pi_a = 0)
#                   = -pi_j (log pi_j + H).
#
# With g = d_loss_b, then,
#
#     d_logits_j = g (A (pi_j - [j = a_b]) + beta pi_j (log pi_j + H))        d_values = g c (v - R)
#     d_advantages = -g log pi(a_b)                                           d_returns = -g c (v - R).


# spec: actor_critic.gradient -- d_logits = A (pi - one-hot(a)) + beta pi (log pi + H), d_values = c (v - R), times
#     d_loss (derived)
def backward(d_loss: Array, cache: Cache) -> tuple[Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_loss : [B]
        Gradient of the objective with respect to each row's loss; 1/B for their mean.

    Returns
    -------
    d_logits : [B, A]
    d_values, d_advantages, d_returns : [B]
    """
    log_pi, pi, entropy, taken, of_taken, advantages, excess, entropy_weight, value_weight = cache
    check_shape("d_loss", d_loss, excess.shape)
    check_dtype("d_loss", d_loss, excess.dtype)
    of_policy = advantages[:, None] * (pi - taken.astype(pi.dtype))  # [B, A]
    of_entropy = entropy_weight * pi * (log_pi + entropy[:, None])  # [B, A]
    d_logits: Array = d_loss[:, None] * (of_policy + of_entropy)  # [B, A]
    d_values: Array = d_loss * value_weight * excess  # [B]
    return d_logits, d_values, -d_loss * of_taken, -d_values
