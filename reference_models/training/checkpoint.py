"""A training run on disk: everything that the next episode depends on, in one file, replaced whole.

What is saved: the weights, both means of Adam, the state of the random generator, the memory where it outlives an
episode, the counters and the settings. A run that is stopped and resumed takes the same steps, bit for bit, as one that
was never stopped, where its budget is a number of episode batches; one of minutes goes by the clock.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from refmem import storage
from refmem.arrays import Array, to_host

from reference_models.training.adam import AdamState
from reference_models.training.schedule import Counters

KIND = "training checkpoint"
VERSION = 1

R = TypeVar("R")


@dataclass
class Checkpoint:
    """One moment of a run, between two episode batches."""

    task: str  # what is trained, e.g. "omniglot"
    settings: dict[str, Any]  # whatever the run was started with; plain JSON
    params: dict[str, Array]
    adam: AdamState
    rng: Mapping[str, Any]  # numpy.random.Generator.bit_generator.state
    counters: Counters = field(default_factory=Counters)
    curve: list[dict[str, float]] = field(default_factory=list)
    extras: dict[str, dict[str, Array]] = field(default_factory=dict)  # further groups of arrays, by name
    notes: dict[str, Any] = field(default_factory=dict)  # facts that belong to the extras; plain JSON


class Run(Protocol):
    """What every run with a recipe and a generator consists of, besides its weights."""

    recipe: Any  # with `as_facts`
    seed: int
    adam: AdamState
    rng: np.random.Generator
    counters: Counters
    curve: list[dict[str, float]]


def of(run: Run, task: str, params: dict[str, Array], settings: dict[str, Any], *,
       extras: dict[str, dict[str, Array]] | None = None, notes: dict[str, Any] | None = None) -> Checkpoint:
    """The run as it stands: `settings`, and what else it has to tell, are kept with it."""
    return Checkpoint(task, settings | {"recipe": run.recipe.as_facts(), "seed": run.seed}, params, run.adam,
                      run.rng.bit_generator.state, run.counters, run.curve, extras or {}, notes or {})


def go_on(run: Run, saved: Checkpoint) -> None:
    """Let `run` stand where `saved` was taken. Its weights are for `put_params`."""
    run.adam, run.rng = saved.adam, generator(saved.rng)
    run.counters, run.curve = saved.counters, saved.curve


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write `checkpoint`; the file holds the old one or the new one, never a part of either."""
    groups = {"params": checkpoint.params, "adam.first": checkpoint.adam.first,
              "adam.second": checkpoint.adam.second} | checkpoint.extras
    arrays = {f"{group}/{name}": to_host(array) for group, named in groups.items() for name, array in named.items()}
    facts = {"task": checkpoint.task, "settings": checkpoint.settings, "rng": dict(checkpoint.rng),
             "counters": asdict(checkpoint.counters), "adam_step": checkpoint.adam.step, "curve": checkpoint.curve,
             "notes": checkpoint.notes}
    storage.save(path, KIND, VERSION, facts, arrays)


def load(path: str | os.PathLike[str], task: str, *, needs: Iterable[str] = ()) -> Checkpoint:
    """Read what `save` wrote.

    Parameters
    ----------
    task : str
        Whose checkpoint is wanted.
    needs : strings
        What its settings must tell.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileRefused
        If the file is damaged, no checkpoint, one of another version or another task, or lacks a setting.
    """
    path = Path(path)
    facts, arrays = storage.load(path, KIND, VERSION)
    if facts.get("task") != task:
        raise storage.FileRefused(f"{path} is a checkpoint of the task {facts.get('task')!r}, not of {task!r}")
    groups: dict[str, dict[str, Array]] = {}
    for full_name, array in arrays.items():
        group, _, name = full_name.partition("/")
        groups.setdefault(group, {})[name] = array
    try:
        params, first, second = (groups.pop(name) for name in ("params", "adam.first", "adam.second"))
        if any(name not in facts["settings"] for name in needs):
            raise storage.FileRefused(f"{path} does not say how its run was started")
        return Checkpoint(task, facts["settings"], params, AdamState(facts["adam_step"], first, second),
                          facts["rng"], Counters(**facts["counters"]), facts["curve"], groups, facts["notes"])
    except (KeyError, TypeError) as error:
        raise storage.FileRefused(f"{path} is damaged: it lacks a part of a checkpoint ({error})") from error


def recipe_of(saved: Checkpoint, read: Callable[[dict[str, Any]], R]) -> R:
    """The recipe that a run was started with; `read` makes it of its facts.

    Raises
    ------
    FileRefused
        If it is of another version, whose recipes had other settings.
    """
    try:
        return read(saved.settings["recipe"])
    except (KeyError, TypeError, ValueError) as error:
        raise storage.FileRefused("the run was started with a recipe that this version cannot read; start it anew "
                                  f"({error})") from error


def put_params(params: Mapping[str, Array], stored: Mapping[str, Array]) -> None:
    """Write the stored weights over `params`, in place.

    Raises
    ------
    FileRefused
        If they are not those of this network.
    """
    if params.keys() != stored.keys() or any(stored[name].shape != w.shape for name, w in params.items()):
        raise storage.FileRefused("the checkpoint holds the weights of another network")
    for name, weights in params.items():
        weights[...] = stored[name]


def generator(state: Mapping[str, Any]) -> np.random.Generator:
    """A random generator that goes on where the one with this state stopped."""
    rng = np.random.default_rng()
    rng.bit_generator.state = dict(state)
    return rng
