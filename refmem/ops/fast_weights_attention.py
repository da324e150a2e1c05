"""Reading the fast weights as attention to the recent past: no matrix of fast weights is ever made.

    A(t) q = eta sum_{tau=1..t} lambda^(t-tau) h(tau) [h(tau)^T q]                            (FW eq. 4)

Each past hidden state is weighed by its scalar product with the query and by its age. For a sequence of t states of R
numbers this takes t R products where the matrix takes R^2, and above all it needs no [B, R, R] array for a mini-batch,
in which each sequence has fast weights of its own. `fast_weights_matrix` is the same function with the matrix; the two
agree up to rounding.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    query: Array  # [B, R]
    past: Array  # [B, t, R] h(1) .. h(t)
    decay: Array  # [] lambda
    rate: Array  # [] eta
    ages: Array  # [t] lambda^(t-tau)
    scores: Array  # [B, t] h(tau)^T q


def check_arguments(query: Array, past: Array, decay: Array, rate: Array) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("query", query)
    check_rank("query", query, 2)
    check_rank("past", past, 3)
    check_shape("past", past, (query.shape[0], past.shape[1], query.shape[1]))
    check_shape("decay", decay, ())
    check_shape("rate", rate, ())
    for name, array in (("past", past), ("decay", decay), ("rate", rate)):
        check_dtype(name, array, query.dtype)


def forward(query: Array, past: Array, decay: Array, rate: Array) -> tuple[Array, Cache]:
    """What the fast weights of each sequence answer to its query.

    Parameters
    ----------
    query : [B, R] float
        h_s(t+1) in the paper.
    past : [B, t, R], dtype of `query`
        The hidden states that were stored, oldest first; t = 0 reads zeros.
    decay, rate : [], dtype of `query`
        lambda and eta, arrays of no dimension: they may be learned.

    Returns
    -------
    read : [B, R], dtype of `query`
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If `query` is not float32 or float64, or the others are of another dtype.
    """
    check_arguments(query, past, decay, rate)
    # spec: fast_weights_attention.decay -- a state of age t - tau counts lambda^(t-tau), the latest one 1 (FW eq. 3)
    ages = ages_of(past.shape[1], decay)  # [t]
    # spec: fast_weights_attention.scores -- a past state is weighed by its scalar product with the query (FW eq. 4)
    scores = (past @ query[:, :, None])[:, :, 0]  # [B, t]
    # spec: fast_weights_attention.forward -- the answer is eta times the sum of the weighed states (FW eq. 4)
    read = weighed(scores * (rate * ages), past)  # [B, R]
    return read, Cache(query, past, decay, rate, ages, scores)


def ages_of(t: int, decay: Array) -> Array:
    """lambda^(t-tau) for tau = 1 .. t: [t]."""
    xp = module_of(decay, "decay")
    ages: Array = decay ** xp.arange(t - 1, -1, -1, dtype=decay.dtype)
    return ages


def weighed(weights: Array, past: Array) -> Array:
    """sum_tau weights[b, tau] past[b, tau]: [B, R]."""
    total: Array = (weights[:, None, :] @ past)[:, 0, :]
    return total


# With a_tau = h(tau)^T q and w_tau = eta lambda^(t-tau), the read is r = sum_tau w_tau a_tau h(tau). Let
# g_tau = h(tau)^T dr. A product sends a gradient to each of its factors, and h(tau) is two of them:
#
#     dq       = sum_tau w_tau g_tau h(tau)          (A is symmetric: the same attention, asked with dr)
#     dh(tau)  = w_tau (a_tau dr + g_tau q)
#     dw_tau   = sum_b a_tau g_tau,    d_eta = sum_tau lambda^(t-tau) dw_tau,
#                                      d_lambda = sum_tau eta (t-tau) lambda^(t-tau-1) dw_tau.


# spec: fast_weights_attention.gradient -- dq = A dr; dh(tau) = eta lambda^(t-tau) (a dr + g q), with the scores a of
#     the query and g of dr; decay and rate collect a g over the batch (derived)
def backward(d_read: Array, cache: Cache) -> tuple[Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_read : [B, R]
        Gradient of the loss with respect to `read`.

    Returns
    -------
    d_query : [B, R]
    d_past : [B, t, R]
    d_decay, d_rate : []
    """
    check_shape("dy", d_read, cache.query.shape)
    check_dtype("dy", d_read, cache.query.dtype)
    d_query, answers = query_gradient(d_read, cache)
    weights = cache.rate * cache.ages  # [t]
    d_past = ((weights * cache.scores)[:, :, None] * d_read[:, None, :]
              + (weights * answers)[:, :, None] * cache.query[:, None, :])  # [B, t, R]
    return d_query, d_past, *weight_gradients((cache.scores * answers).sum(axis=0), cache.decay, cache.rate)


def query_gradient(d_read: Array, cache: Cache) -> tuple[Array, Array]:
    """(dq [B, R], g [B, t]): the part of `backward` that a recurrence needs before it can go one step back."""
    answers = (cache.past @ d_read[:, :, None])[:, :, 0]  # [B, t]
    return weighed(answers * (cache.rate * cache.ages), cache.past), answers


def weight_gradients(d_weights: Array, decay: Array, rate: Array) -> tuple[Array, Array]:
    """(d_lambda, d_eta), both [], of the gradient [t] of the weights eta lambda^(t-tau)."""
    xp = module_of(d_weights)
    t = d_weights.shape[0]
    age = xp.arange(t - 1, -1, -1, dtype=d_weights.dtype)  # [t] t - tau
    slopes = age * decay ** xp.maximum(age - 1, 0)  # [t] of lambda^age; 0 at age 0, whatever lambda is
    d_decay = rate * (slopes * d_weights).sum()
    d_rate = (decay**age * d_weights).sum()
    return xp.asarray(d_decay), xp.asarray(d_rate)
