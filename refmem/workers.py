"""One function of many things, side by side: on the cores of this machine, or on a cluster that is there already.

A *way* is given the function and the things, and yields (place of the thing, what the function made of it) as they are
done. Joblib is the engine here, Dask there (both: extra `cluster`). Whoever calls sees to it that a result depends on
the thing alone and not on who worked on what before it: then it is the same on any number of workers.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

EXTRA = "pip install 'refmem[cluster]'"

Way = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, Any]]]


class Failed(NamedTuple):
    """What stands in the place of a result where the function raised."""

    error: Exception


class WorkersDied(ValueError):
    """The workers that had it in hand died, more often than the scheduler allows."""


def on_cores(jobs: int | None, *, threads: bool = False) -> Way:
    """On this machine, in so many processes, or in threads where the function only waits; None is a job a core."""
    if find_spec("joblib") is None:
        raise ValueError(f"work side by side needs joblib: {EXTRA}")
    import joblib

    def way(function: Callable[[Any], Any], things: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        side_by_side = joblib.Parallel(n_jobs=jobs or joblib.cpu_count(), prefer="threads" if threads else "processes",
                                       return_as="generator_unordered")
        yield from side_by_side(joblib.delayed(_placed)(function, place, thing) for place, thing in enumerate(things))

    return way


def on_dask(address: str, retries: int = 2) -> Way:
    """On the workers of the scheduler at tcp://host:port; they need refmem installed. What a worker that died had in
    hand, the scheduler gives to another one.
    """
    if find_spec("distributed") is None:
        raise ValueError(f"--dask needs Dask: {EXTRA}")
    distributed: Any = importlib.import_module("distributed")  # it has no types

    def way(function: Callable[[Any], Any], things: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        try:
            client = distributed.Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise ValueError(f"there is no Dask scheduler at {address} ({error or type(error).__name__})") from error
        with client:
            futures = [client.submit(_placed, function, place, thing, pure=False, retries=retries)
                       for place, thing in enumerate(things)]
            places = {future.key: place for place, future in enumerate(futures)}
            for future in distributed.as_completed(futures):
                try:
                    done: tuple[int, Any] = future.result()
                except distributed.KilledWorker as error:
                    done = places[future.key], Failed(WorkersDied(f"the workers died that had it in hand: {error}"))
                except Exception as error:  # a worker without refmem, a scheduler that went away
                    done = places[future.key], Failed(ValueError(f"Dask: {type(error).__name__}: {error}"))
                yield done

    return way


def chosen(jobs: int, address: str | None) -> Way | None:
    """The way that --jobs and --dask ask for; None for work in this process."""
    if address is not None:
        return on_dask(address)
    return on_cores(jobs) if jobs > 1 else None


def in_order(way: Way, function: Callable[[Any], Any], things: Sequence[Any],
             on_done: Callable[[], object] = lambda: None) -> list[Any]:
    """The results in the order of the things. What the function raised, the first of several, is raised here."""
    found: dict[int, Any] = {}
    for place, result in way(function, things):
        found[place] = result
        on_done()
    results = [found[place] for place in range(len(things))]
    for result in results:
        if isinstance(result, Failed):
            raise result.error
    return results


def _placed(function: Callable[[Any], Any], place: int, thing: Any) -> tuple[int, Any]:
    """What is done by a worker."""
    try:
        return place, function(thing)
    except Exception as error:
        return place, Failed(error)
