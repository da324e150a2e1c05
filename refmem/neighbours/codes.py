"""What an index remembers of a key: a short code, from which its cosine with a query can be guessed.

A random rotation turns x into coordinates y. Of each block of eight coordinates a code keeps

    coarse   which of them is the largest in size, and its sign          4 bits
    fine     the sign of each of them                                    8 bits

The first is the nearest corner of a cross-polytope; the second are eight of the paper's bits, 1 iff x . h_i > 0
(LTRRE §2). Neither is an address of a bucket here, but a measure. The query is not coded: with r its own coordinates,

    coarse score = sum over blocks of  sign(y_j) r_j,    j the largest of the block
    fine score   = sum over all i of   sign(y_i) r_i
    guess        = small * fine score + (large - small) * coarse score,

where `large` and `small` are the usual sizes of the largest coordinate of a block and of the others. The coarse part
says a lot for its bits: half of the rotation's coordinates, kept as signs, take as many and guess worse by a quarter.

A query with cosine c to the key x is c x + sqrt(1 - c^2) n with n orthogonal to x, and scores are linear in the query:

    score = c u + sqrt(1 - c^2) v,    u that of x itself,  v that of n: any direction, so zero in the mean.

Hence its mean c E[u] and its variance c^2 var(u) + (1 - c^2) var(v). The three numbers depend on d alone (`Spread`).
"""

import functools
from typing import NamedTuple

import numpy as np

from refmem.arrays import Array

BLOCK = 8
RUN, MOST_COORDINATES = 128, 512
"""There are d coordinates, rounded up to multiples of 128; but no more than this."""

TRIALS = 1024
"""Random keys from which the spread of the scores is taken."""


class Spread(NamedTuple):
    """How the score of a key lies around its cosine c: mean c * mean, variance c^2 * own + (1 - c^2) * aside."""

    mean: float
    own: float
    aside: float


class Coding(NamedTuple):
    """All that is drawn, or follows from what is drawn."""

    rotation: Array  # [coordinates, d] float64, rows of unit length
    small: float  # the share of the fine score in a guess, whose mean is the cosine itself
    more: float  # and that of the coarse score
    coarse: Spread  # of the coarse score
    guess: Spread  # of the guess; its mean is 1


@functools.lru_cache(maxsize=8)
def coding(d: int, seed: int) -> Coding:
    """The coding of keys that are `d` wide: the same seed gives the same."""
    rows = min(MOST_COORDINATES, -(-d // RUN) * RUN)
    rng = np.random.default_rng(seed)
    turns = [np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(-(-rows // d))]
    rotation = np.concatenate(turns)[:rows]  # each run of d rows is orthogonal

    x, n = rng.normal(size=(2, TRIALS, d))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    n -= (n * x).sum(axis=1, keepdims=True) * x
    n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)
    own, aside = x @ rotation.T, n @ rotation.T  # [trials, rows]
    sizes = np.abs(own)
    corners, sign = corners_of(own), np.sign(own)
    large = float(sizes[corners].mean())
    small = float(sizes[~corners].mean())
    weight = sign * np.where(corners, large, small)
    scale = float((weight * own).sum(axis=1).mean())
    return Coding(rotation, small / scale, (large - small) / scale, _spread(sign * corners, own, aside),
                  _spread(weight / scale, own, aside))


def corners_of(y: Array) -> Array:
    """Which coordinate is the largest of its block, the first of equals. [n, coordinates] bool"""
    blocks = np.abs(y).reshape(len(y), -1, BLOCK)
    largest = blocks.argmax(axis=2)[:, :, None] == np.arange(BLOCK)  # [n, blocks, 8]
    corners: Array = largest.reshape(y.shape)
    return corners


def _spread(code: Array, own: Array, aside: Array) -> Spread:
    """Of the scores code . y, from the coordinates of keys and of directions orthogonal to them."""
    u, v = (code * own).sum(axis=1), (code * aside).sum(axis=1)
    return Spread(float(u.mean()), float(u.var()), float(v.var()))
