"""NumPy or CuPy: which one an array belongs to, and the few things that the two spell differently.

Every operation takes its array module from its arguments, `xp = module_of(x)`, and then reads the same on both
devices. What they do not share lives here and nowhere else: top-k, scattering rows with a rule for
duplicates, and the way between host and device. The checks that every operation makes are here too.
"""

import sys
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
ArrayModule: TypeAlias = Any


# --- Which module ---------------------------------------------------------------------------------------------


def module_of(x: Array, name: str = "argument") -> ArrayModule:
    """The module that `x` belongs to: the package that defines its type, and calls it `ndarray`.

    Raises
    ------
    TypeError
        If `x` is not an array, e.g. a list or a tensor of another library.
    """
    array: object = x
    if isinstance(array, np.ndarray):
        return np
    home: ModuleType | None = sys.modules.get(type(x).__module__.partition(".")[0])
    if home is None or not isinstance(x, getattr(home, "ndarray", ())):
        raise TypeError(f"{name} must be a NumPy or CuPy array, got {type(x).__module__}.{type(x).__name__}")
    return home


def device(name: str) -> ArrayModule:
    """NumPy for "cpu"; for "gpu" CuPy, where it is installed and finds a GPU.

    Raises
    ------
    ModuleNotFoundError
        If CuPy is not installed, or what is installed cannot be imported.
    ValueError
        If it finds no GPU that it can use.
    """
    if name == "cpu":
        return np
    try:
        import cupy
    except ImportError as error:
        raise ModuleNotFoundError("the GPU is used through CuPy: pip install 'refmem[gpu]'") from error
    try:
        cupy.zeros(1)
    except Exception as error:  # no driver, no device, no memory: CuPy has an error for each
        raise ValueError(f"CuPy finds no GPU with a working NVIDIA driver: {error}") from error
    module: ArrayModule = cupy
    return module


def to_host(x: Array) -> npt.NDArray[Any]:
    """A NumPy array with the contents of `x`; `x` itself where it is one already."""
    if module_of(x) is np:
        return x
    moved: npt.NDArray[Any] = x.get()  # type: ignore[attr-defined]
    return moved


def to_device(x: npt.NDArray[Any], like: Array) -> Array:
    """`x`, made on the host (random numbers are), as an array of the module that `like` belongs to."""
    moved: Array = module_of(like).asarray(x)
    return moved


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Standard normal numbers on the host, those beyond 2 drawn again: how the released code starts its weights."""
    drawn = rng.standard_normal(shape)
    while (far := np.abs(drawn) > 2).any():
        drawn[far] = rng.standard_normal(int(far.sum()))
    return drawn


# --- What the two spell differently -----------------------------------------------------------------------------


def top_k(scores: Array, k: int) -> Array:
    """Indices of the k largest of each row, largest first; equal scores in the order of their indices.

    Parameters
    ----------
    scores : [B, m] float
        No NaN.
    k : int
        1 <= k <= m.

    Returns
    -------
    [B, k] int64
    """
    xp = module_of(scores, "scores")
    check_rank("scores", scores, 2)
    m = scores.shape[1]
    if not 1 <= k <= m:
        raise ValueError(f"k must lie between 1 and the {m} scores of a row, got {k}")
    if xp is not np:
        ordered: Array = xp.argsort(-scores, axis=1, kind="stable")[:, :k]
        return ordered.astype(xp.int64)
    if k == 1:
        best: Array = np.argmax(scores, axis=1)[:, None]  # the first of equals
        return best.astype(np.int64)

    # A whole sort is not needed. All above the k-th largest score are in; ties at that score are cut by index.
    batch = len(scores)
    kth = np.partition(scores, m - k, axis=1)[:, m - k, None]  # [B, 1]
    wanted = scores >= kth  # [B, m] at least k in a row
    if np.count_nonzero(wanted) > batch * k:
        for row in range(batch):
            tied = np.flatnonzero(scores[row] == kth[row])
            surplus = np.count_nonzero(wanted[row]) - k
            wanted[row, tied[len(tied) - surplus:]] = False
    candidates = np.flatnonzero(wanted).reshape(batch, k) - m * np.arange(batch)[:, None]  # [B, k] ascending
    return along_rows(candidates, np.argsort(-along_rows(scores, candidates), axis=1, kind="stable"))


def along_rows(x: Array, columns: Array) -> Array:
    """x[b, columns[b, j]], as `take_along_axis(x, columns, axis=1)`: of small arrays in a fraction of its time.

    Parameters
    ----------
    x : [B, m]
    columns : [B, k] int
    """
    picked: Array = x[module_of(x).arange(x.shape[0])[:, None], columns]  # [B, k]
    return picked


def inner_products(x: Array, y: Array) -> Array:
    """sum_d x[..., d] y[..., d], each sum computed alone.

    A product of matrices is faster, but rounds a sum differently at different places of the matrix. Here equal vectors
    give equal bits wherever they stand, which is what makes a tie a tie.
    """
    products: Array = (x * y).sum(axis=-1)
    return products


def put_rows(target: Array, slots: Array, rows: Array) -> None:
    """`target[slots[i]] = rows[i]` for i = 0, 1, ... in this order: where slots repeat, the last row wins.

    NumPy assigns in order. CuPy does not promise to, so that there the rows that lose are left out.
    """
    xp = module_of(target, "target")
    if xp is not np:
        host = to_host(slots)
        winners = np.array(sorted({int(slot): i for i, slot in enumerate(host)}.values()), np.int64)
        slots, rows = slots[xp.asarray(winners)], rows[xp.asarray(winners)]
    target[slots] = rows


def add_rows(target: Array, slots: Array, rows: Array) -> None:
    """`target[slots[i]] += rows[i]` for every i: where slots repeat, their rows add up. (`target[slots] += rows` keeps
    one of them.)

    The sum of a slot is made in the order of its rows on NumPy. Elsewhere it is a product with a matrix of zeros and
    ones, which gives the same bits on every run, as atomic additions would not.
    """
    xp = module_of(target, "target")
    if slots.size == 0:
        return
    if xp is np:
        order = np.argsort(slots, kind="stable")
        slots = slots[order]
        starts = np.flatnonzero(np.concatenate([np.ones(1, bool), slots[1:] != slots[:-1]]))
        target[slots[starts]] += np.add.reduceat(rows[order], starts, axis=0)
    else:
        touched = xp.unique(slots)  # [u]
        target[touched] += (touched[:, None] == slots).astype(target.dtype) @ rows


# --- What every operation checks --------------------------------------------------------------------------------


def check_rank(name: str, x: Array, rank: int) -> None:
    """Raise unless `x` is an array of `rank` dimensions."""
    module_of(x, name)
    if x.ndim != rank:
        raise ValueError(f"{name} must have {rank} dimensions, got shape {x.shape}")


def check_shape(name: str, x: Array, shape: tuple[int, ...]) -> None:
    """Raise unless `x` is an array of exactly this shape."""
    module_of(x, name)
    if x.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {x.shape}")


def check_float(name: str, x: Array) -> None:
    """Raise unless `x` holds float32 or float64."""
    module_of(x, name)
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}")


def check_dtype(name: str, x: Array, dtype: npt.DTypeLike) -> None:
    """Raise unless `x` has exactly this dtype."""
    module_of(x, name)
    if x.dtype != np.dtype(dtype):
        raise TypeError(f"{name} must be {np.dtype(dtype)}, got {x.dtype}")


def check_labels(name: str, labels: Array, batch: int, classes: int | None = None) -> None:
    """Raise unless `labels` is [batch] of integers in 0 .. classes-1 (no upper bound where `classes` is None)."""
    check_shape(name, labels, (batch,))
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {labels.dtype}")
    if batch == 0:
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes is not None and high >= classes):
        bound = "at least 0" if classes is None else f"in 0..{classes - 1}"
        raise ValueError(f"{name} must be {bound}, got {low if low < 0 else high}")


def check_finite(name: str, x: Array) -> None:
    """Raise where `x` holds a NaN or an infinity."""
    xp = module_of(x, name)
    if not bool(xp.isfinite(x).all()):
        bad = to_host(xp.isfinite(x))
        where = tuple(int(i) for i in np.argwhere(~bad)[0])
        raise ValueError(f"{name} must be finite, got {float(x[where])} at index {list(where)}")
