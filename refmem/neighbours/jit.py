"""Compiled code, and how it behaves: loaded late, compiled once, and it says so when that takes a while.

Importing refmem does not import numba: the files in `kernels` do, and they are imported when an index is made.
Kernels release the interpreter lock, so that plain Python threads run them side by side: no second pool of spinning
threads beside that of BLAS (two such pools that take turns cost 8 ms a switch on two cores).
"""

import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds of silence before a compilation is announced."""

SCRATCHES = 8
"""Kinds of room that a thread keeps."""

_prepared: set[tuple[str, str]] = set()


def prepare(what: str, dtype: Any, warm_up: Callable[[], object]) -> None:
    """Run `warm_up`, which calls each kernel of `what` once for `dtype`, unless that was done before.

    A kernel is compiled for the types it is first called with, or read from numba's cache on disk.
    """
    if (what, str(dtype)) not in _prepared:
        with announced(what):
            warm_up()
        _prepared.add((what, str(dtype)))


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say on stderr that `what` is being compiled, if numba is still at work `PATIENCE` after it began to compile.

    Kernels that are read from the disk take their time, too, but are none that is worth a word.
    """
    from numba.core import event

    note = threading.Timer(PATIENCE, lambda: print(f"refmem: compiling the {what} search (once, kept on disk)",
                                                   file=sys.stderr, flush=True))
    note.daemon = True

    class FirstCompilation(event.Listener):
        def on_start(self, event: Any) -> None:
            if note.ident is None:
                note.start()

        def on_end(self, event: Any) -> None:
            pass

    try:
        with event.install_listener("numba:compile", FirstCompilation()):
            yield
    finally:
        note.cancel()


def in_threads(run: Callable[[Any], None], pieces: Sequence[Any], threads: int) -> None:
    """`run(piece)` for each piece, at most `threads` at a time.

    The caller is one of them, since the others sleep between calls, and to wake one takes as long as a short search.
    """
    left = iter(pieces)  # of a list or a range: it gives each piece to one thread only

    def work() -> None:
        for piece in left:
            run(piece)

    helpers = min(threads, len(pieces)) - 1
    helping = [_pool(threads - 1).submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        wait(helping)
    for helper in helping:
        helper.result()


_own = threading.local()


def scratch(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` makes for this key, room to work in: the same thread gets the same again.

    Fresh memory costs a page fault for every 4 KiB that is touched, which is more than a short search takes.
    """
    if not hasattr(_own, "rooms"):
        _own.rooms = {}
    kept: dict[Hashable, Any] = _own.rooms
    if key not in kept:
        if len(kept) >= SCRATCHES:
            del kept[next(iter(kept))]
        kept[key] = make()
    made: T = kept[key]
    return made


_pools: dict[int, ThreadPoolExecutor] = {}


def _pool(threads: int) -> ThreadPoolExecutor:
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="refmem")
    return _pools[threads]


def check_threads(threads: int) -> int:
    """Raise unless `threads` is a whole number of at least 1."""
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return threads
