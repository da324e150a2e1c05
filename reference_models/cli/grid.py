"""Runs of several models, sizes and seeds side by side: each a leg with a checkpoint of its own, all in one folder.

A leg that is done is not done again; one that was stopped goes on where it stood. Several processes may work on
different legs of one folder at once: what a folder has come to is read from its checkpoints, every time.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from refmem.storage import FileRefused

from reference_models.cli import output
from reference_models.training import checkpoint, loop
from reference_models.training.sequences import Examples, Model, Schedule, SequenceTraining, measured

SETTINGS = "experiment.json"
BUDGET = ("updates",)
"""What may be given anew when an experiment goes on; a leg that has begun keeps its own."""
SAVE_EVERY = 30.0  # seconds
WATCHED = 2000  # validation examples measured along the way


@dataclass(frozen=True, order=True)
class Leg:
    """One network to train."""

    model: str
    units: int
    seed: int

    @property
    def name(self) -> str:
        """Of its checkpoint, without the ending."""
        return f"{self.model}-{self.units}-{self.seed}"


def legs(models: Iterable[str], units: Iterable[int], seed: int, seeds: int) -> list[Leg]:
    """All that were asked for, the narrow ones first."""
    return [Leg(model, width, seed + n) for width in sorted(set(units)) for n in range(seeds)
            for model in dict.fromkeys(models)]


class Task(Protocol):
    """What is learned, and how."""

    name: str

    def build(self, leg: Leg) -> Model:
        """An untrained network."""

    def schedule(self, leg: Leg) -> Schedule:
        """How it is trained."""

    def examples(self, split: str) -> Examples:
        """"train", "valid" or "test"."""


@dataclass
class Done:
    """What a leg has come to."""

    leg: Leg
    curve: list[dict[str, float]]
    seconds: float
    test: dict[str, float] | None  # None: it is not finished
    saved: checkpoint.Checkpoint


# --- The folder -----------------------------------------------------------------------------------------------------


def settled(folder: Path, asked: Mapping[str, Any], defaults: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
    """The settings of the experiment in `folder`: as asked for and, for the rest, the defaults or those of its start.

    Raises
    ------
    ValueError, OSError
        If `resume` is set and there is no experiment; if its settings are damaged, or others than were asked for, its
        `BUDGET` apart.
    """
    path = folder / SETTINGS
    given = {name: value for name, value in asked.items() if value is not None}
    if not resume:
        return dict(defaults) | given
    if not path.exists():
        raise FileNotFoundError(f"there is nothing to resume in {folder}: it has no {SETTINGS}")
    try:
        before = json.loads(path.read_text())
        if not isinstance(before, dict) or before.keys() != defaults.keys():
            raise ValueError("other settings than this command has")
    except ValueError as error:
        raise FileRefused(f"{path} is damaged: {error}") from error
    output.check_unchanged(given, before, but=BUDGET)
    return before | given


def read(folder: Path, task: str, name: str) -> checkpoint.Checkpoint | None:
    """The checkpoint of a leg; None where there is none yet."""
    path = folder / f"{name}.npz"
    if not path.exists():
        return None
    saved = checkpoint.load(path, task)
    if not {"model", "units", "seed"} <= saved.settings.keys():
        raise FileRefused(f"{path} does not say of which model it is")
    return saved


def found(folder: Path, task: str) -> list[Done]:
    """All legs in a folder, in order."""
    legs = []
    for path in sorted(folder.glob("*.npz")):
        saved = read(folder, task, path.stem)
        assert saved is not None  # it is there
        leg = Leg(*(saved.settings[name] for name in ("model", "units", "seed")))
        legs.append(Done(leg, saved.curve, saved.counters.seconds, saved.notes.get("test"), saved))
    return sorted(legs, key=lambda done: (done.leg.units, done.leg.model, done.leg.seed))


# --- The work -------------------------------------------------------------------------------------------------------


def run(task: Task, legs: Sequence[Leg], folder: Path, settings: Mapping[str, Any], *, watch_every: int = 4) -> None:
    """Train and measure all legs that are not done yet.

    They are watched every `watch_every` stretches, and more often where there are few: a curve wants six points.

    Raises
    ------
    ValueError
        If a leg has begun with another number of updates: its learning rate falls towards the last of them.
    """
    for leg in legs:
        saved, updates = read(folder, task.name, leg.name), task.schedule(leg).updates
        if saved is not None and "test" not in saved.notes and saved.settings["schedule"]["updates"] != updates:
            begun = saved.settings["schedule"]["updates"]
            raise ValueError(f"{leg.name} was started for {begun} updates and cannot go on for {updates}; "
                             f"add --updates {begun}")
    output.write_json(folder / SETTINGS, dict(settings))
    with threadpool_limits(1, user_api="blas"):  # the products are small
        for leg in legs:
            train(task, leg, folder, settings, watch_every=watch_every)


def train(task: Task, leg: Leg, folder: Path, settings: Mapping[str, Any], *, watch_every: int) -> None:
    """Train one leg, or go on with it, and measure it on the test examples."""
    saved = read(folder, task.name, leg.name)
    if saved is not None and "test" in saved.notes:
        return
    model = task.build(leg)
    training = SequenceTraining(task.name, model, task.examples("train"), task.schedule(leg), seed=leg.seed)
    if saved is not None:
        training.resume(saved)
    facts = dict(settings) | dataclasses.asdict(leg) | {"schedule": training.schedule.as_facts()}

    def watch() -> Mapping[str, float]:
        return {f"valid_{name}": value for name, value in measured(model, task.examples("valid"), WATCHED).items()}

    path = folder / f"{leg.name}.npz"
    loop.run(training.advance, counters=training.counters, budget=training.schedule.budget(), curve=training.curve,
             save=lambda: checkpoint.save(path, training.snapshot(facts)), title=leg.name, save_every=SAVE_EVERY,
             watch=watch, watch_every=max(1, min(watch_every, training.schedule.stretches // 6)))
    done = training.snapshot(facts)
    done.notes["test"] = measured(model, task.examples("test"))
    checkpoint.save(path, done)
    print(f"{leg.name}: test error {100 * done.notes['test']['error']:.2f} %, {training.update} updates, "
          f"{training.counters.seconds:.0f} s", file=sys.stderr, flush=True)


# --- What came of it ------------------------------------------------------------------------------------------------


def table(legs: Iterable[Done]) -> list[dict[str, Any]]:
    """One row for each model and width: the median test error of its seeds, and each of them, in percent.

    Each seed's number of updates is there too: it may have been given anew.
    """
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for done in legs:
        row = rows.setdefault((done.leg.units, done.leg.model), {
            "model": done.leg.model, "units": done.leg.units, "updates": {}, "errors": {}, "seconds": {},
            "unfinished": []})
        if done.test is None:
            row["unfinished"].append(done.leg.seed)
            continue
        row["updates"][str(done.leg.seed)] = done.saved.adam.step
        row["errors"][str(done.leg.seed)] = round(100 * done.test["error"], 3)
        row["seconds"][str(done.leg.seed)] = round(done.seconds, 1)
    for row in rows.values():
        errors = list(row["errors"].values())
        row["median_error"] = round(float(np.median(errors)), 3) if errors else None
    return list(rows.values())


def of(legs: Iterable[Done], wanted: Callable[[Leg], bool]) -> list[Done]:
    """Those that are wanted."""
    return [done for done in legs if wanted(done.leg)]
