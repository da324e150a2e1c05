"""Embedding: each token is looked up in a table of vectors.

    y_n = E[token_n]

It is the product of a one-hot row with E, without the zeros.
"""

from typing import NamedTuple

import numpy.typing as npt

from refmem.arrays import Array, add_rows, check_dtype, check_float, check_labels, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    tokens: Array  # [...] int
    shape: tuple[int, int]  # of the table, (V, D)
    dtype: npt.DTypeLike  # of the table


def forward(table: Array, tokens: Array) -> tuple[Array, Cache]:
    """Look up the vector of each token.

    Parameters
    ----------
    table : [V, D] float
        One vector a token.
    tokens : [...] int
        Any shape, in 0..V-1. Not differentiated.

    Returns
    -------
    y : [..., D], dtype of `table`
    cache : Cache

    Raises
    ------
    ValueError
        If `table` is not a matrix, or a token is out of range.
    TypeError
        If `table` is not float32 or float64, or `tokens` not of integers.
    """
    check_float("table", table)
    check_rank("table", table, 2)
    module_of(tokens, "tokens")
    check_labels("tokens", tokens.reshape(-1), tokens.size, table.shape[0])
    # spec: embedding.lookup -- y_n = E[token_n], tokens counted from 0 (LTRRE §2.1)
    y = table[tokens]  # [..., D]
    return y, Cache(tokens, (table.shape[0], table.shape[1]), table.dtype)


# y_nd = sum_v [v = token_n] E_vd, so
#
#     dE_vd = sum_n [v = token_n] dy_nd:
#
# each occurrence of a token sends its gradient to the same row, and the row is given their sum.


# spec: embedding.repeated-tokens-add-up -- dE_v = the sum of dy over all occurrences of v (derived)
def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [..., D]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    d_table : [V, D], dtype of `dy`
    """
    tokens, (size, width), dtype = cache
    check_shape("dy", dy, (*tokens.shape, width))
    check_dtype("dy", dy, dtype)
    d_table: Array = module_of(dy).zeros((size, width), dtype=dy.dtype)  # [V, D]
    add_rows(d_table, tokens.reshape(-1), dy.reshape(tokens.size, width))
    return d_table
