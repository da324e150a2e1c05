"""Reading the fast weights as a matrix, made of the past by the rule of their learning.

    A(t) = lambda A(t-1) + eta h(t) h(t)^T,    A(0) = 0                                       (FW eq. 1)
    read = A(t) q                                                                             (in FW eq. 2)

This is the definition; `fast_weights_attention` finds the same without the matrix, and is what one trains with. Each
sequence of a batch has fast weights of its own: [B, R, R].
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_shape, module_of
from refmem.ops.fast_weights_attention import check_arguments


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    query: Array  # [B, R]
    past: Array  # [B, t, R] h(1) .. h(t)
    decay: Array  # [] lambda
    rate: Array  # [] eta
    matrices: list[Array]  # A(0) .. A(t), each [B, R, R]


def forward(query: Array, past: Array, decay: Array, rate: Array) -> tuple[Array, Cache]:
    """What the fast weights of each sequence answer to its query.

    Parameters
    ----------
    query : [B, R] float
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
    batch, width = query.shape
    matrices = [module_of(query).zeros((batch, width, width), dtype=query.dtype)]
    for tau in range(past.shape[1]):
        matrices.append(learned(matrices[-1], past[:, tau], decay, rate))
    return read(matrices[-1], query), Cache(query, past, decay, rate, matrices)


# spec: fast_weights_matrix.learning -- A(t) = lambda A(t-1) + eta h(t) h(t)^T: the old fast weights decay, the Hebbian
#     product of the new state is added (FW eq. 1)
def learned(matrix: Array, state: Array, decay: Array, rate: Array) -> Array:
    """A(t) of A(t-1) [B, R, R] and h(t) [B, R]."""
    new = (rate * state)[:, :, None] * state[:, None, :]  # [B, R, R]
    new += decay * matrix
    return new


# spec: fast_weights_matrix.forward -- the answer is A(t) q (FW eq. 2)
def read(matrix: Array, query: Array) -> Array:
    """A q: [B, R]."""
    answer: Array = (matrix @ query[:, :, None])[:, :, 0]
    return answer


# r = A(t) q gives dA(t) = dr q^T and, A being symmetric, dq = A(t) dr. Back through the learning, from t down to 1:
#
#     dh(tau)   = eta (dA(tau) + dA(tau)^T) h(tau)          h stands on both sides of the product
#     d_eta    += h(tau)^T dA(tau) h(tau)
#     d_lambda += sum_ij dA(tau)_ij A(tau-1)_ij
#     dA(tau-1) = lambda dA(tau).


# spec: fast_weights_matrix.gradient -- dq = A dr, dA(t) = dr q^T, dA(tau-1) = lambda dA(tau),
#     dh(tau) = eta (dA(tau) + dA(tau)^T) h(tau) (derived)
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
    query, past, decay, rate, matrices = cache
    check_shape("dy", d_read, query.shape)
    check_dtype("dy", d_read, query.dtype)
    xp = module_of(d_read)
    d_query = read(matrices[-1], d_read)  # [B, R]
    d_matrix = d_read[:, :, None] * query[:, None, :]  # [B, R, R]
    d_past = xp.empty_like(past)  # [B, t, R]
    d_decay, d_rate = xp.zeros((), dtype=query.dtype), xp.zeros((), dtype=query.dtype)
    for tau in range(past.shape[1] - 1, -1, -1):
        d_past[:, tau], of_decay, of_rate = unlearned(d_matrix, matrices[tau], past[:, tau], rate)
        d_decay, d_rate = d_decay + of_decay, d_rate + of_rate
        d_matrix = decay * d_matrix
    return d_query, d_past, xp.asarray(d_decay), xp.asarray(d_rate)


def unlearned(d_matrix: Array, before: Array, state: Array, rate: Array) -> tuple[Array, Array, Array]:
    """(dh [B, R], d_decay [], d_rate []) of one step of learning, given dA [B, R, R] and A before it."""
    through = read(d_matrix, state) + (state[:, None, :] @ d_matrix)[:, 0, :]  # [B, R] (dA + dA^T) h
    return rate * through, (d_matrix * before).sum(), (through * state).sum() / 2
