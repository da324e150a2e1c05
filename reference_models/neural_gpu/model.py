"""The Neural GPU: learns an algorithm from examples, one that works on longer inputs too.        (arXiv 1511.08228)

    s_0[position k, row 0] = E[i_k], 0 elsewhere        the input, embedded, on a mental image of n positions, w rows
    s_n = CGRU_l(... CGRU_1(...)), n times              `refmem.ops.cgru_steps`
    logits_k = O s_n[position k, row 0]

The paper's sizes are w = 4 rows, m = 24 maps, l = 2 layers and 3x3 kernels, which are the defaults here. Images are
[B, n, w, m]. With S > 1 sets of weights (parameter sharing relaxation) step t uses the set t mod S.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_rank, check_shape, module_of
from refmem.ops import cgru_steps, embedding, softmax_cross_entropy

CELLS = ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")
"""The weights of the cells, in the order of `cgru_steps.forward`; each [S, l, ...]."""


@dataclass(frozen=True)
class Size:
    """How large the network is, and how its gates are cut."""

    maps: int = 24
    """m"""

    rows: int = 4
    """w"""

    layers: int = 2
    """l"""

    cutoff: str = "paper"
    """Of the gates, see `refmem.ops.hard_gate`."""

    def __post_init__(self) -> None:
        for name in ("maps", "rows", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


# --- Weights ----------------------------------------------------------------------------------------------------


def initial_cells(maps: int, layers: int, sets: int, rng: np.random.Generator,
                  dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
    """Kernels U(+-1.8 sqrt(3 / 9m)), which keeps the size of an image; gate biases 1 (open), candidate biases 0.

    All sets start from the same weights.
    """
    reach = 1.8 * np.sqrt(3 / (9 * maps))
    drawn = {"gate_kernels": rng.uniform(-reach, reach, (layers, 3, 3, maps, 2 * maps)),
             "gate_bias": np.ones((layers, 2 * maps)),
             "candidate_kernels": rng.uniform(-reach, reach, (layers, 3, 3, maps, maps)),
             "candidate_bias": np.zeros((layers, maps))}
    return {name: np.repeat(array[None], sets, axis=0).astype(dtype) for name, array in drawn.items()}


def initial_params(size: Size, symbols: int, rng: np.random.Generator, *, sets: int = 1,
                   dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
    """Fresh weights: those of the cells, "embedding" E [V, m] and "output" O [m, V]."""
    reach = np.sqrt(3 / size.maps)
    return {"embedding": rng.uniform(-1.7, 1.7, (symbols, size.maps)).astype(dtype),
            **initial_cells(size.maps, size.layers, sets, rng, dtype),
            "output": rng.uniform(-reach, reach, (size.maps, symbols)).astype(dtype)}


# --- Forward and backward ---------------------------------------------------------------------------------------


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    inputs: Array  # [B, n]
    embedded: embedding.Cache
    steps: cgru_steps.Cache
    read: Array  # [B, n, m] row 0 of s_n
    params: dict[str, Array]


def check_inputs(inputs: Array, symbols: int, positions: int | None) -> None:
    """Raise a `ValueError` or `TypeError` unless these are symbols that fit the image."""
    check_rank("inputs", inputs, 2)
    if inputs.dtype.kind not in "iu":
        raise TypeError(f"inputs must be integers, got {inputs.dtype}")
    if inputs.size and (int(inputs.min()) < 0 or int(inputs.max()) >= symbols):
        worst = int(inputs.min()) if int(inputs.min()) < 0 else int(inputs.max())
        raise ValueError(f"inputs must be symbols in 0..{symbols - 1}, got {worst}")
    if inputs.shape[1] < 1:
        raise ValueError("inputs must hold at least one symbol, got none")
    if positions is not None and inputs.shape[1] > positions:
        raise ValueError(f"inputs of {inputs.shape[1]} symbols do not fit a state of {positions} positions")


def embed(params: dict[str, Array], inputs: Array, rows: int,
          positions: int | None = None) -> tuple[Array, embedding.Cache]:
    """s_0 [B, n, w, m]: E[i_k] in row 0 of position k, and 0 elsewhere."""
    table = params["embedding"]
    check_inputs(inputs, len(table), positions)
    batch, length = inputs.shape
    s: Array = module_of(table).zeros((batch, positions or length, rows, table.shape[1]), table.dtype)
    s[:, :length, 0], cache = embedding.forward(table, inputs)
    return s, cache


def forward(params: dict[str, Array], inputs: Array, size: Size, *, keep: float = 1.0,
            rng: np.random.Generator | None = None, segment: int | None = None,
            conv: str = "plain") -> tuple[Array, Cache]:
    """The scores of every symbol at every position.

    Parameters
    ----------
    params : dict
        As `initial_params` makes them.
    inputs : [B, n] int
        Symbols; shorter inputs are padded by the task.
    size : Size
        Its `rows` and `cutoff` are used.
    keep, rng, segment, conv
        As in `cgru_steps.forward`.

    Returns
    -------
    logits : [B, n, V]
    cache : Cache

    Raises
    ------
    ValueError, TypeError
        If a symbol is unknown, a shape wrong, or an option out of range.
    """
    s, embedded = embed(params, inputs, size.rows)  # [B, n, w, m]
    cells = [params[name] for name in CELLS]
    s_n, steps = cgru_steps.forward(s, *cells, steps=inputs.shape[1], cutoff=size.cutoff, keep=keep, rng=rng,
                                    segment=segment, conv=conv)
    read = s_n[:, :, 0].copy()  # [B, n, m]
    return read @ params["output"], Cache(inputs, embedded, steps, read, params)


# logits = read O, and read is row 0 of s_n; E was looked up into row 0 of s_0.


def backward(d_logits: Array, cache: Cache) -> dict[str, Array]:
    """The gradient with respect to `params`, under the same names.

    Parameters
    ----------
    d_logits : [B, n, V]
    """
    inputs, embedded, steps, read, params = cache
    check_shape("d_logits", d_logits, (*inputs.shape, params["output"].shape[1]))
    batch, length, maps = read.shape
    flat = d_logits.reshape(batch * length, -1)
    d_output = read.reshape(batch * length, maps).T @ flat  # [m, V]
    rows = steps.segments[0].start.shape[2]
    ds_n = module_of(read).zeros((batch, length, rows, maps), read.dtype)
    ds_n[:, :, 0] = d_logits @ params["output"].T
    ds, *d_cells = cgru_steps.backward(ds_n, steps)
    gradients = {"embedding": embedding.backward(ds[:, :, 0], embedded)}
    return gradients | dict(zip(CELLS, d_cells, strict=True)) | {"output": d_output}


def loss(logits: Array, targets: Array, weight: float) -> tuple[Array, Array]:
    """`weight` times the sum of the softmax losses over all outputs, and its gradient with respect to the logits.

    Parameters
    ----------
    logits : [B, n, V]
    targets : [B, n] int
        PAD is a symbol like the others: the network learns where its answer ends.
    weight : float
        1 / (B n) for the mean over a batch; a shard of it takes the weight of the whole.
    """
    symbols = logits.shape[2]
    rows, cache = softmax_cross_entropy.forward(logits.reshape(-1, symbols), targets.reshape(-1))  # [B n]
    spread = module_of(rows).full(rows.shape, weight, rows.dtype)
    return weight * rows.sum(), softmax_cross_entropy.backward(spread, cache).reshape(logits.shape)


def answer(params: dict[str, Array], inputs: Array, size: Size, *, positions: int | None = None,
           conv: str = "plain") -> Array:
    """The likeliest symbol at each position [B, n]; nothing is kept for a backward pass.

    Parameters
    ----------
    positions : int, optional
        Length of the state; by default that of the inputs. Positions without an input start as zeros.
    """
    s, _ = embed(params, inputs, size.rows, positions)
    s = cgru_steps.apply(s, *(params[name] for name in CELLS), steps=s.shape[1], cutoff=size.cutoff, conv=conv)
    best: Array = module_of(s).argmax(s[:, :, 0] @ params["output"], axis=2)
    return best


def images(params: dict[str, Array], inputs: Array, size: Size, *, positions: int | None = None) -> Array:
    """The mental image of the first input at every step [steps + 1, n, w, m], to be looked at."""
    s, _ = embed(params, inputs[:1], size.rows, positions)
    cells = [params[name] for name in CELLS]
    seen = [s]
    for t in range(s.shape[1]):
        of_step = [array[t % len(array)][None] for array in cells]
        seen.append(cgru_steps.apply(seen[-1], *of_step, steps=1, cutoff=size.cutoff))
    together: Array = module_of(s).concatenate(seen)
    return together
