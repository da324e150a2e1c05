"""Returns over n steps: what a state turned out to be worth, as far as it was seen, and from there on as expected.

    R_t = r_t + gamma r_{t+1} + ... + gamma^{n-1} r_{t+n-1} + gamma^n v_{t+n}              (Mnih et al. 2016, FW A.3)

r_t is the reward for the action at t. A sum that reaches the end of its episode has nothing to expect after it, so that
with n at least the length of an episode all is seen and nothing expected. Returns are targets; nothing here has a
gradient.
"""

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of


def n_step_returns(rewards: Array, values: Array, *, steps: int, discount: float) -> Array:
    """R_t of whole episodes.

    Parameters
    ----------
    rewards : [B, T] float
        For the action of each step; the episode ends after the last one.
    values : [B, T], dtype of `rewards`
        v_t, expected before each step.
    steps : int
        n, at least 1.
    discount : float
        gamma, in [0, 1].

    Returns
    -------
    returns : [B, T], dtype of `rewards`

    Raises
    ------
    ValueError, TypeError
        If an argument is none of these.
    """
    check_float("rewards", rewards)
    check_rank("rewards", rewards, 2)
    check_shape("values", values, rewards.shape)
    check_dtype("values", values, rewards.dtype)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not 0 <= discount <= 1:
        raise ValueError(f"discount must lie in [0, 1], got {discount}")
    length = rewards.shape[1]
    returns: Array = module_of(rewards).zeros_like(rewards)  # [B, T]
    for t in range(length):
        end = t + steps
        if end < length:
            total, last = values[:, end], end
        else:
            total, last = module_of(rewards).zeros_like(rewards[:, t]), length
        for later in range(last - 1, t - 1, -1):
            total = rewards[:, later] + discount * total  # [B]
        returns[:, t] = total
    return returns
