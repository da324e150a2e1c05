"""The life-long memory as a module: project, normalise, read, lose, write; forward and backward.

    q = p / ||p||,   p = x (paper) or x W (tf2017: the query projection)
    read -> margin loss -> write                                                        (LTRRE §2)
"""

import dataclasses
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem import neighbours, storage
from refmem.arrays import (
    Array,
    ArrayModule,
    check_finite,
    check_float,
    check_shape,
    inner_products,
    module_of,
    to_host,
    truncated_normal,
)
from refmem.memory import arguments, read, write
from refmem.memory import loss as margin_loss
from refmem.memory import state as states
from refmem.memory.loss import Margin
from refmem.memory.profiles import PAPER, Profile
from refmem.memory.read import KeysRead, Reading
from refmem.memory.state import NO_SOURCE, MemoryState
from refmem.memory.write import WritePlan
from refmem.neighbours import Neighbours
from refmem.ops import l2_normalize

FILE_KIND = "memory"
FILE_VERSION = 1
PROJECTION_STD = 0.01


class MemoryOutput(NamedTuple):
    """What a batch of queries is answered, from the memory as it was before the batch."""

    values: Array  # [B] int64 V[n_1]; the empty value where the memory is empty
    confidence: Array  # [B, k] softmax(t * cosine); tf2017: without the pool's last column
    neighbours: Array  # [B, k] int64 slots, nearest first, -1 for none; tf2017: the whole pool
    cosines: Array  # [B, k] q . K[n], -1 for none
    loss: Array | None  # scalar, the mean over the batch; None without labels


class Cache(NamedTuple):
    """What the backward pass needs: copies, so that a write does not disturb it."""

    queries: Array  # [B, D]
    projection: Array | None  # [D, D] W
    normalised: l2_normalize.Cache  # q and ||p||
    reading: Reading
    keys: KeysRead  # the keys of all neighbours, before the write
    margin: Margin | None  # None without labels
    plan: WritePlan | None  # None where nothing was written


class Memory:
    """A memory of `memory_size` slots that is read and written by queries of width `key_dim`.

    Parameters
    ----------
    key_dim, memory_size : int
        d and m.
    profile : Profile
        `PAPER` or `TF2017`, or either with fields replaced.
    vocab_size : int, optional
        Labels lie in 0 .. vocab_size-1. None is no upper bound. A profile with `recent_hint` needs it.
    dtype : float32 or float64
        Of the keys and of all results. Queries of a narrower float dtype are widened.
    xp : module
        `numpy`, or `cupy` to keep the memory on the GPU.
    seed : int
        For the first values of the query projection, where the profile has one, and for the index.
    search : str
        How neighbours are found, a name of `refmem.neighbours`. All but "exact" keep an index beside the state.
    threads : int
        For the index.

    Attributes
    ----------
    state : MemoryState
        keys, values, ages, sources (and recent). Assign a whole state, or change its arrays in place; where there is
        an index, call `rebuild()` after a change in place.
    index : Neighbours or None
        What finds the neighbours; None is the exact search, which needs no tables.
    params : dict
        "query_projection" [d, d] where the profile has one, else empty.
    """

    def __init__(self, key_dim: int, memory_size: int, *, profile: Profile = PAPER, vocab_size: int | None = None,
                 dtype: npt.DTypeLike = np.float64, xp: ArrayModule = np, seed: int = 0, search: str = "exact",
                 threads: int = 1) -> None:
        if profile.recent_hint and vocab_size is None:
            raise ValueError(f"the profile {profile.name!r} keeps a recent slot for each label and needs vocab_size")
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
        self.key_dim = arguments.whole("key_dim", key_dim)
        self.memory_size = arguments.whole("memory_size", memory_size)
        self.vocab_size = None if vocab_size is None else arguments.whole("vocab_size", vocab_size)
        self.profile, self.dtype, self.xp = profile, np.dtype(dtype), xp
        self.params: dict[str, Array] = {}
        if profile.query_projection:
            drawn = PROJECTION_STD * truncated_normal(np.random.default_rng(seed), (self.key_dim, self.key_dim))
            self.params["query_projection"] = xp.asarray(drawn, dtype=self.dtype)
        self.search, self.seed, self.threads = search, seed, threads
        self.index: Neighbours | None = None
        self.clear()

    @property
    def state(self) -> MemoryState:
        """The contents of the memory."""
        return self._state

    @state.setter
    def state(self, state: MemoryState) -> None:
        state = states.widened(state)
        states.check(state, self._empty(), self.vocab_size)
        index = self._indexed(state)
        self._state, self.index = state, index

    def clear(self) -> None:
        """Forget everything. The parameters stay."""
        self._state = self._empty()
        self.index = self._indexed(self._state)

    def rebuild(self) -> None:
        """Make the index anew, after the arrays of `state` were changed in place. Without one this does nothing."""
        self.index = self._indexed(self._state)

    def forward(self, queries: Array, labels: Array | None = None, *, update: bool = True,
                rng: np.random.Generator | None = None, sources: Array | None = None,
                oldest: Array | None = None) -> tuple[MemoryOutput, Cache]:
        """Answer a batch of queries and, where their labels are given, learn from them.

        The whole batch is answered, and its loss measured, by the memory as it was before the batch.

        Parameters
        ----------
        queries : [B, d] float
            Not yet normalised. A zero row stays zero and has cosine 0 with every key.
        labels : [B] int, optional
            The right values. Without them there is no loss and nothing is written.
        update : bool
            False: nothing is written and nothing ages.
        rng : numpy.random.Generator, optional
            For the age noise r_i of the profile. Without it r_i = 0.
        sources : [B] int, optional
            Which training example each row is (at least 0, or -1 for none); a written slot remembers it.
        oldest : [B] int, optional
            The slot that each row would evict, for replays. Without it the profile chooses.

        Returns
        -------
        output : MemoryOutput
        cache : Cache

        Raises
        ------
        ValueError, TypeError
            If a shape, dtype or range is wrong, or a query is not finite. The memory is then as it was.

        Notes
        -----
        Not differentiated: the choice of neighbours (piecewise constant), keys, values and ages (activations kept
        from the past), and everything that is written.
        """
        queries = arguments.queries(queries, self.key_dim, self.dtype, self.xp)
        labels = arguments.labels(labels, len(queries), self.vocab_size, self.xp)
        sources = arguments.per_row("sources", sources, labels, NO_SOURCE)
        oldest = arguments.per_row("oldest", oldest, labels, 0, self.memory_size - 1)
        state, rules = self._state, self.profile.rules

        projection = self.params["query_projection"].copy() if self.profile.query_projection else None
        p = queries  # [B, d]
        if projection is not None:  # equal rows must give equal bits: they become equal keys, which tie
            # spec: tf2017.query.projection -- p = x W, a trained [d, d] map without bias before the
            #     normalisation (released code, query_proj)
            p = inner_products(queries[:, None, :], projection.T)  # [B, d] queries W
        # spec: memory.query.unit-length -- q = p / ||p|| (LTRRE §2: "||q|| = 1")
        q, normalised = l2_normalize.forward(p)  # [B, d]
        reading = read.READ[rules](state, q, self.profile, labels, self.index)
        kept = read.keys_read(state, reading)

        margin = plan = None
        if labels is not None:
            margin = margin_loss.MARGIN[rules](state, q, labels, reading, self.profile)
            # spec: memory.update.lookup-leaves-memory -- without labels, or with update off, nothing is
            #     written and nothing ages (LTRRE §2)
            if update and len(q):
                plan = write.PLAN[rules](state, q, labels, reading, margin, self.profile, rng=rng, sources=sources,
                                         oldest=oldest)
                # spec: memory.update.after-answer -- a batch is answered by the memory as it was before the
                #     batch (LTRRE §2 is silent; released code)
                write.apply(state, plan)
                if self.index is not None:
                    self.index.refresh(plan.slots)

        output = MemoryOutput(reading.values, reading.confidence, reading.neighbours, reading.cosines,
                              None if margin is None else margin.loss)
        return output, Cache(queries, projection, normalised, reading, kept, margin, plan)

    def backward(self, cache: Cache, *, d_loss: float = 1.0,
                 d_confidence: Array | None = None) -> tuple[Array, dict[str, Array]]:
        """Vector-Jacobian product of `forward`, for the memory as it was then, whatever was written since.

        Parameters
        ----------
        cache : Cache
        d_loss : float
            Gradient with respect to `output.loss`. Without labels there was no loss, and it does nothing.
        d_confidence : shape of `output.confidence`, optional
            Gradient with respect to it; None is zero.

        Returns
        -------
        d_queries : [B, d]
        d_params : dict
            As `params`.
        """
        q = cache.normalised.y
        dq = module_of(q).zeros_like(q)  # [B, d]
        if cache.margin is not None:
            dq += margin_loss.margin_backward(float(d_loss), cache.margin)
        if d_confidence is not None:
            check_shape("d_confidence", d_confidence, cache.reading.confidence.shape)
            check_float("d_confidence", d_confidence)
            dq += read.confidence_backward(d_confidence.astype(q.dtype), cache.reading, cache.keys)
        dp = l2_normalize.backward(dq, cache.normalised)  # [B, d]
        if cache.projection is None:
            return dp, {}
        # spec: tf2017.query.projection-gradient -- dx = dp W^T and dW = x^T dp (released code)
        return dp @ cache.projection.T, {"query_projection": cache.queries.T @ dp}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole memory to a file, in one piece or not at all."""
        facts, arrays = self.contents()
        storage.save(path, FILE_KIND, FILE_VERSION, facts, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, xp: ArrayModule = np) -> "Memory":
        """Read what `save` wrote. An index is made anew: the same one, since its seed was written too.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        refmem.storage.FileRefused
            If it is damaged, or not a memory of this version.
        """
        facts, arrays = storage.load(path, FILE_KIND, FILE_VERSION)
        try:
            return cls.from_contents(facts, arrays, xp=xp)
        except (KeyError, TypeError, ValueError) as error:
            raise storage.FileRefused(f"{path} does not hold a whole memory: {error}") from error

    def contents(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Everything that the memory knows, as small facts and host arrays: what a file or a checkpoint keeps."""
        facts = {"key_dim": self.key_dim, "memory_size": self.memory_size, "vocab_size": self.vocab_size,
                 "dtype": self.dtype.name, "profile": dataclasses.asdict(self.profile)}
        if self.search != "exact":
            facts |= {"search": self.search, "seed": self.seed}
        arrays = {f"state.{name}": to_host(array) for name, array in self._state.arrays().items()}
        return facts, arrays | {f"params.{name}": to_host(array) for name, array in self.params.items()}

    @classmethod
    def from_contents(cls, facts: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], *,
                      xp: ArrayModule = np) -> "Memory":
        """A memory from what `contents` returned."""
        memory = cls(facts["key_dim"], facts["memory_size"], profile=Profile(**facts["profile"]),
                     vocab_size=facts["vocab_size"], dtype=facts["dtype"], xp=xp,
                     seed=facts.get("seed", 0), search=facts.get("search", "exact"))
        for name, like in memory.params.items():
            check_shape(f"params.{name}", arrays[f"params.{name}"], like.shape)
            memory.params[name] = xp.asarray(arrays[f"params.{name}"], dtype=memory.dtype)
            check_finite(f"params.{name}", memory.params[name])
        stored = {name: xp.asarray(arrays[f"state.{name}"]) for name in memory.state.arrays()}
        memory.state = MemoryState(**stored)
        return memory

    def _indexed(self, state: MemoryState) -> Neighbours | None:
        """An index over the keys of `state`. Empty slots are neighbours under the released rules."""
        if self.search == "exact":
            return None
        filled = state.values != self.profile.empty_value if self.profile.rules == "paper" else None
        return neighbours.make(self.search, state.keys, filled=filled, seed=self.seed, threads=self.threads)

    def _empty(self) -> MemoryState:
        return states.empty(self.key_dim, self.memory_size, self.profile, self.vocab_size, self.dtype, self.xp)
