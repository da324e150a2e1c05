"""What crosses between host and device during a step, counted, and the crossings that are meant.

`Copies` puts itself before every way by which an array of CuPy is turned into something of the host (`get`, `float`, an
`if`, ...) or something of the host into an array (`asarray`, an index or a value that is a NumPy array). CuPy tells its
own detector of synchronisation each time an array is fetched, even from compiled code: whatever comes through
there and was not seen otherwise is counted, too. Who asked is the nearest function outside the array module.

A crossing is hidden unless it is named below by the function that asks for it, with the reason.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import ArrayModule

ROOT = Path(__file__).parents[2]
DOORS = ("refmem/arrays.py:to_host", "refmem/arrays.py:to_device")  # who walked through them is asked for
TO_HOST = ("get", "item", "tolist", "tobytes", "tofile", "dump", "dumps", "__bool__", "__int__", "__float__",
           "__complex__", "__index__", "__array__", "__bytes__", "__repr__", "__str__", "__format__")
TO_DEVICE = ("asarray", "array", "asanyarray", "ascontiguousarray")

CHECK = {name: "the check's own door: inputs in, results out" for name in (
    "refmem/gradcheck/ops.py:", "refmem/cli/gradcheck_targets/operations.py:",
    "refmem/cli/gradcheck_targets/memory.py:", "refmem/cli/gradcheck_targets/models.py:",
    "bench/gpu_check/computations.py:")}

DRAWN = {  # to the device: what is drawn on the host, so that both see the same numbers
    "reference_models/classifier/model.py:Classifier.__init__": "first weights",
    "reference_models/neural_gpu/extended.py:ExtendedNeuralGPU.__init__": "first weights",
    "reference_models/seq2seq/model.py:Seq2Seq.__init__": "first weights",
    "refmem/memory/memory.py:Memory.__init__": "first weights",
    "refmem/neighbours/hyperplanes.py:Hyperplanes.rebuild": "hash vectors",
    "refmem/memory/write.py:_noise": "age noise",
    "refmem/ops/dropout.py:draw": "a mask",
}

NUMBERS = {  # to the host, one number at a time
    # arguments are looked at before anything is done
    "refmem/arrays.py:check_labels": "are labels in range",
    "refmem/arrays.py:check_finite": "is an argument finite",
    "refmem/memory/arguments.py:per_row": "are sources and slots in range",
    "refmem/memory/read.py:through_index": "has each query a direction",
    "refmem/neighbours/protocol.py:check_keys": "have keys unit length",
    "refmem/neighbours/protocol.py:check_queries": "have queries unit length",
    "refmem/neighbours/protocol.py:check_update": "are slots in range",
    "refmem/ops/additive_attention.py:check_arguments": "has each row something to attend to",
    "reference_models/neural_gpu/model.py:check_inputs": "are symbols in range",
    # how long a result is, where its contents decide
    "refmem/arrays.py:add_rows": "how many slots are touched",
    "refmem/memory/read.py:keys_read": "how many keys were read",
    "refmem/neighbours/exact.py:search": "how many slots are written",
    "refmem/neighbours/exact.py:_cut_in_doubt": "is a cosine at the cut in doubt",
    "refmem/neighbours/exact.py:_settle_ties": "are cosines in doubt, and how many",
    "refmem/neighbours/hyperplanes.py:Hyperplanes.search": "how many candidates a query has",
    "reference_models/fast_weights/catch_agent.py:Agent._look": "how many screens are lit",
    "reference_models/fast_weights/catch_agent.py:Agent._look_backward": "how many screens are lit",
    "reference_models/neural_gpu/asking.py:forward": "how many rows ask; the loss as a number",
    "reference_models/seq2seq/shards.py:forward": "how many tokens there are",
    # results that are numbers
    "reference_models/seq2seq/model.py:Seq2Seq.forward": "the losses, and how many tokens there are",
    "reference_models/training/clipping.py:global_norm": "the norm of the gradients",
}

ARRAYS = {  # either way
    "refmem/arrays.py:put_rows": "which of the rows for one slot is the last: as many numbers as rows",
    "refmem/memory/loss.py:margin_paper": "which rows have no right neighbour, and which slots to look at for each",
    "refmem/memory/write.py:_oldest_row_by_row": "rows take slots in turn: the age and the noise of every slot",
    "refmem/ops/associative_lstm.py:_check": "are shuffles permutations: few and short",
    "reference_models/seq2seq/sentences.py:check": "where sentences end",
}
"""file:function -> why it may cross. In `CHECK` it is the whole file."""


class Crossing(NamedTuple):
    """One array, or one number."""

    way: str  # "to host" or "to device"
    how: str  # the method or function
    site: str  # file:function
    numbers: int
    nbytes: int


class Copies:
    """Counts while it is entered.

    >>> with Copies(cupy) as copies:                      # doctest: +SKIP
    ...     step()
    >>> copies.hidden()                                   # doctest: +SKIP
    []
    """

    def __init__(self, xp: ArrayModule) -> None:
        self.xp = xp
        homes = [Path(str(module.__file__)) for module in (xp, np, contextlib)]
        self._foreign = [home.parent if home.name == "__init__.py" else home for home in (*homes, Path(__file__))]
        self.seen: list[Crossing] = []
        self._inside = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> "Copies":
        kind = self.xp.ndarray
        for name in TO_HOST:
            if hasattr(kind, name):
                self._wrap(kind, name, self._fetching)
        for name in ("__getitem__", "__setitem__"):
            self._wrap(kind, name, self._indexing)
        for name in TO_DEVICE:
            with contextlib.suppress(AttributeError):  # the stand-in has only the names that are used
                self._wrap(self.xp, name, self._sending)
        if hasattr(kind, "set"):
            self._wrap(kind, "set", self._sending)
        detector = getattr(getattr(self.xp, "_core", None), "syncdetect", None)
        if detector is not None:
            self._wrap(detector, "_declare_synchronize", self._synchronising)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def table(self) -> list[dict[str, Any]]:
        """A row for each way, site and reason: how often, and how many bytes. No reason: it is hidden."""
        return summary([[{"way": crossing.way, "how": crossing.how, "site": crossing.site, "times": 1,
                          "bytes": crossing.nbytes, "meant": meant(crossing)} for crossing in self.seen]])

    def hidden(self) -> list[dict[str, Any]]:
        """The rows that nobody named."""
        return [row for row in self.table() if row["meant"] is None]

    def __len__(self) -> int:
        return len(self.seen)

    # --- The hooks

    def _wrap(self, owner: Any, name: str, hook: Callable[..., Any]) -> None:
        """Put `hook(name, original)` in the place of an attribute, until the end."""
        original, own = getattr(owner, name), name in vars(owner)
        setattr(owner, name, hook(name, original))
        self._undo.callback(setattr, owner, name, original) if own else self._undo.callback(delattr, owner, name)

    def _fetching(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def fetch(array: Any, *rest: Any, **options: Any) -> Any:
            with self._one("to host", name, array.size, array.nbytes):
                return original(array, *rest, **options)
        return fetch

    def _sending(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*given: Any, **options: Any) -> Any:
            host = [np.asarray(thing) for thing in given[:2] if isinstance(thing, np.ndarray | np.generic | list)]
            if not host:
                return original(*given, **options)
            with self._one("to device", name, host[0].size, host[0].nbytes):
                return original(*given, **options)
        return send

    def _indexing(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def index(array: Any, key: Any, *value: Any) -> Any:
            parts = (*(key if isinstance(key, tuple) else (key,)), *value)
            host = [np.asarray(part) for part in parts if isinstance(part, np.ndarray | list)]
            if not host:
                return original(array, key, *value)
            with self._one("to device", name, sum(x.size for x in host), sum(x.nbytes for x in host)):
                return original(array, key, *value)
        return index

    def _synchronising(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def declare() -> Any:
            with self._one("to host", "within CuPy", 1, 8):  # how large it is, it does not say
                return original()
        return declare

    @contextlib.contextmanager
    def _one(self, way: str, how: str, numbers: int, nbytes: int) -> Iterator[None]:
        """Count a crossing, unless it is a part of one that is being counted (`item` calls `get`)."""
        if self._inside:
            yield
            return
        self.seen.append(Crossing(way, how, self._asked_by(sys._getframe(3)), int(numbers), int(nbytes)))
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _asked_by(self, frame: FrameType | None) -> str:
        """The nearest function that is not a part of the array module, NumPy or this file, as file:function."""
        while frame is not None:
            file = Path(frame.f_code.co_filename)
            if not any(file == home or home in file.parents for home in self._foreign):
                place = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
                site = f"{place}:{frame.f_code.co_qualname.split('.<locals>')[0]}"
                if site not in DOORS:
                    return site
            frame = frame.f_back
        return "unknown"


def meant(crossing: Crossing) -> str | None:
    """Why this may cross; None where nobody said."""
    site = crossing.site
    named = ARRAYS | (DRAWN if crossing.way == "to device" else NUMBERS if crossing.numbers == 1 else {})
    return named.get(site) or CHECK.get(site.partition(":")[0] + ":")


def summary(tables: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of all tables, those that differ in nothing but their counts as one."""
    together: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in (row for table in tables for row in table):
        key = row["way"], row["site"], row["how"], row["meant"] or ""
        known = together.setdefault(key, row | {"times": 0, "bytes": 0})
        known["times"] += row["times"]
        known["bytes"] += row["bytes"]
    return [together[key] for key in sorted(together)]
