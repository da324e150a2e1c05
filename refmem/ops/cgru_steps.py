"""The Neural GPU's computation: l cells in turn, n times over.        (Neural GPU, arXiv 1511.08228 §2)

    s_{t+1} = CGRU_l(... CGRU_1(s_t) ...)        t = 0 .. n-1

Two things may be added, both from §3 of the paper. *Dropout on the mental image*: each step starts from an image with
elements set to zero at random. *Parameter sharing relaxation*: S sets of weights instead of one; step t uses the set
t mod S.

Going backwards needs what every step found, 4 l images a step. Where that is too much, only the image at the start of
every segment of k steps is kept, and a segment is computed once more on the way back: n/k + 4 l k images instead of
4 l n, at the price of one more forward pass. k = sqrt(n / 4l) makes that least (`best_segment`).
"""

import copy
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape
from refmem.ops import cgru, dropout
from refmem.ops.cgru import Weights
from refmem.ops.cgru_cell import Cell, cell_class
from refmem.ops.room import Room


class Step(NamedTuple):
    """What one step found."""

    scale: dropout.Cache | None  # None without dropout
    layers: list[Any]  # the cache of each cell


class Segment(NamedTuple):
    """Some steps: either what each found, or what it takes to find it again."""

    steps: range
    start: Array  # [B, n, w, m] the image at their beginning
    rng: np.random.Generator | None  # as it stood there
    found: list[Step] | None  # None: to be computed once more


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    segments: list[Segment]
    weights: Weights  # of all sets and layers, each [S, l, ...]
    cutoff: str
    keep: float
    conv: str


def best_segment(steps: int, layers: int) -> int:
    """The length of a segment with which the backward pass keeps the fewest images: sqrt(n / 4l), at least 1."""
    return max(1, round(math.sqrt(steps / (4 * layers))))


def check_weights(weights: Weights) -> None:
    """Raise a `ValueError` unless the four are stacked alike: [S, l, ...] with at least one set and one layer."""
    for name, array, rank in zip(Weights._fields, weights, (6, 3, 6, 3), strict=True):
        check_rank(name, array, rank)
        check_float(name, array)
        if array.shape[:2] != weights.gate_kernels.shape[:2]:
            raise ValueError(f"{name} must hold {weights.gate_kernels.shape[:2]} (sets, layers) like gate_kernels, "
                             f"got {array.shape[:2]}")
    if 0 in weights.gate_kernels.shape[:2]:
        raise ValueError(f"gate_kernels must hold at least one set of one layer, got shape {weights[0].shape}")


def stack(weights: Weights, conv: str, cutoff: str) -> list[list[Cell]]:
    """A cell for each set and layer."""
    make, room = cell_class(conv), Room(weights.gate_kernels.dtype)
    sets, layers = weights.gate_kernels.shape[:2]
    return [[make(Weights(*(array[i, j] for array in weights)), cutoff, room) for j in range(layers)]
            for i in range(sets)]


def forward(s: Array, gate_kernels: Array, gate_bias: Array, candidate_kernels: Array, candidate_bias: Array, *,
            steps: int, cutoff: str = "paper", keep: float = 1.0, rng: np.random.Generator | None = None,
            segment: int | None = None, conv: str = "plain") -> tuple[Array, Cache]:
    """Apply the cells `steps` times.

    Parameters
    ----------
    s : [B, n, w, m] float
        The mental image at the start.
    gate_kernels, gate_bias, candidate_kernels, candidate_bias : [S, l, ...], dtype of `s`
        Those of `cgru`, for each of S sets of l layers. S = 1 is the network as it is in the end.
    steps : int
        At least 0. The paper takes as many as there are positions.
    cutoff : "paper" or "released"
        Of the gates.
    keep : float
        Dropout keeps this share of the image at the start of each step.
    rng : numpy.random.Generator, optional
        For dropout, which needs one.
    segment : int, optional
        Keep only the image at the start of every `segment` steps, and compute again. None keeps everything.
    conv : "plain", "columns" or "winograd"
        Which twin of the cell; see `cgru_cell`.

    Returns
    -------
    s_n : [B, n, w, m], dtype of `s`
    cache : Cache

    Raises
    ------
    ValueError
        If shapes do not fit together, an option is out of range, or dropout has no `rng`.
    TypeError
        If `s` is not float32 or float64, or the weights are of another dtype.
    """
    weights = Weights(gate_kernels, gate_bias, candidate_kernels, candidate_bias)
    check_float("s", s)
    check_rank("s", s, 4)
    check_weights(weights)
    cgru.check_arguments(s, Weights(*(array[0, 0] for array in weights)), None)
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    if segment is not None and segment < 1:
        raise ValueError(f"segment must be at least 1, got {segment}")
    if not 0 < keep <= 1:
        raise ValueError(f"keep must lie in (0, 1], got {keep}")
    if keep < 1 and rng is None:
        raise ValueError("rng must be given for dropout, got None")

    cells = stack(weights, conv, cutoff)
    segments = []
    length = segment or max(1, steps)
    for first in range(0, steps, length):
        some = range(first, min(first + length, steps))
        before = s, copy.deepcopy(rng)
        s, found = _steps(cells, s, some, keep, rng)
        segments.append(Segment(some, *before, found if segment is None else None))
    return s if segments else s.copy(), Cache(segments, weights, cutoff, keep, conv)


def _steps(cells: list[list[Cell]], s: Array, steps: Iterable[int], keep: float,
           rng: np.random.Generator | None) -> tuple[Array, list[Step]]:
    found = []
    for t in steps:
        scale = None
        if keep < 1 and rng is not None:
            # spec: cgru_steps.dropout -- every step starts from the image with elements dropped, the kept ones scaled
            #     by 1 / keep (Neural GPU, arXiv 1511.08228 §3; the scaling as in the released code)
            scale = dropout.Cache(dropout.draw(s.shape, keep, rng, like=s))
            s = s * scale.scale
        layers = []
        # spec: cgru_steps.relaxation -- step t uses the weights of set t mod S (Neural GPU, arXiv 1511.08228 §3)
        for cell in cells[t % len(cells)]:
            # spec: cgru_steps.layers-in-turn -- s_{t+1} = CGRU_l(... CGRU_1(s_t)), as many times as asked
            #     (Neural GPU, arXiv 1511.08228 §2)
            s, cache = cell.forward(s)
            layers.append(cache)
        found.append(Step(scale, layers))
    return s, found


# The chain rule in the opposite order: step after step, and within a step layer after layer. All steps that used the
# same weights add to their gradient. A segment that was not kept is computed once more, from the image and the random
# generator it started with, which gives the same bits.


# spec: cgru_steps.gradient -- back through every step; each use of a set of weights adds to its gradient (derived)
def backward(ds_n: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`, for the masks that `forward` drew.

    Parameters
    ----------
    ds_n : [B, n, w, m]
        Gradient of the loss with respect to `s_n`.

    Returns
    -------
    ds, d_gate_kernels, d_gate_bias, d_candidate_kernels, d_candidate_bias
        Each of the shape of its argument.
    """
    cells = stack(cache.weights, cache.conv, cache.cutoff)
    if cache.segments:
        check_shape("ds_n", ds_n, cache.segments[0].start.shape)
    check_dtype("ds_n", ds_n, cache.weights.gate_kernels.dtype)

    ds = ds_n if cache.segments else ds_n.copy()
    for part in reversed(cache.segments):
        found = part.found
        if found is None:
            _, found = _steps(cells, part.start, part.steps, cache.keep, copy.deepcopy(part.rng))
        for t, step in zip(reversed(part.steps), reversed(found), strict=True):
            of_set = cells[t % len(cells)]
            for cell, layer in zip(reversed(of_set), reversed(step.layers), strict=True):
                ds, _ = cell.backward(ds, layer)
            if step.scale is not None:
                ds = dropout.backward(ds, step.scale)
    return ds, *gathered(cells, cache.weights)


def gathered(cells: list[list[Cell]], weights: Weights) -> tuple[Array, Array, Array, Array]:
    """The gradients of all cells, stacked as the weights are: [S, l, ...]."""
    totals = [array.copy() for array in weights]
    for i, of_set in enumerate(cells):
        for j, cell in enumerate(of_set):
            for total, gradient in zip(totals, cell.gradients(), strict=True):
                total[i, j] = gradient
    return totals[0], totals[1], totals[2], totals[3]


def apply(s: Array, gate_kernels: Array, gate_bias: Array, candidate_kernels: Array, candidate_bias: Array, *,
          steps: int, cutoff: str = "paper", conv: str = "plain") -> Array:
    """s_n of `forward` without dropout, and nothing kept on the way: for long images that are not learnt from."""
    weights = Weights(gate_kernels, gate_bias, candidate_kernels, candidate_bias)
    check_weights(weights)
    cells = stack(weights, conv, cutoff)
    for t in range(steps):
        s, _ = _steps(cells, s, (t,), 1.0, None)
    return s
