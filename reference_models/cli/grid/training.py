"""The work of an experiment: one leg after the other is trained and measured."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from refmem.ops.fast_weights_choices import Choices

from reference_models.cli import output
from reference_models.cli.grid.experiment import SETTINGS, Experiment, Leg, read
from reference_models.training import checkpoint, loop
from reference_models.training.sequences import Examples, Model, Schedule, SequenceTraining, measured

SAVE_EVERY = 30.0  # seconds
WATCHED = 2000  # validation examples measured along the way
WATCH_EVERY = 4  # stretches, and more often where there are few: a curve wants six points


class Task(Protocol):
    """What is learned, and how."""

    name: str
    settings: dict[str, Any]

    def build(self, leg: Leg) -> Model:
        """An untrained network."""

    def choices(self, leg: Leg) -> Choices:
        """Those of the fast weights."""

    def schedule(self, leg: Leg) -> Schedule:
        """How it is trained."""

    def examples(self, split: str) -> Examples:
        """"train", "valid" or "test"."""


def run(task: Task, experiment: Experiment) -> None:
    """Train and measure all legs that are not done yet.

    Raises
    ------
    ValueError, OSError
        Before the work, if the folder cannot be written; if a leg cannot be trained with these settings, or has begun
        with another number of updates: its learning rate falls towards the last of them.
    """
    for leg in experiment.legs:
        task.choices(leg)
        begun(task, leg)
        saved, updates = read(experiment.folder, task.name, leg.name), task.schedule(leg).updates
        if saved is not None and "test" not in saved.notes and saved.settings["schedule"]["updates"] != updates:
            before = saved.settings["schedule"]["updates"]
            raise ValueError(f"{leg.name} was started for {before} updates and cannot go on for {updates}; "
                             f"add --updates {before}")
    with output.writable(experiment.folder), threadpool_limits(1, user_api="blas"):  # the products are small
        output.write_json(experiment.folder / SETTINGS, experiment.settings)
        for leg in experiment.legs:
            train(task, leg, experiment.folder)


def begun(task: Task, leg: Leg) -> SequenceTraining:
    """The training of a leg before its first update."""
    return SequenceTraining(task.name, task.build(leg), task.examples("train"), task.schedule(leg), seed=leg.seed)


def train(task: Task, leg: Leg, folder: Path) -> None:
    """Train one leg, or go on with it, and measure it on the test examples."""
    saved = read(folder, task.name, leg.name)
    if saved is not None and "test" in saved.notes:
        return
    training = begun(task, leg)
    if saved is not None:
        training.resume(saved)
    facts = task.settings | dataclasses.asdict(leg) | {"schedule": training.schedule.as_facts()}

    def watch() -> Mapping[str, float]:
        of_valid = measured(training.model, task.examples("valid"), WATCHED)
        return {f"valid_{name}": value for name, value in of_valid.items()}

    path = folder / f"{leg.name}.npz"
    try:
        loop.run(training.advance, counters=training.counters, budget=training.schedule.budget(), curve=training.curve,
                 save=lambda: checkpoint.save(path, training.snapshot(facts)), title=leg.name, save_every=SAVE_EVERY,
                 watch=watch, watch_every=max(1, min(WATCH_EVERY, training.schedule.stretches // 6)))
    except loop.Interrupted as stopped:
        raise KeyboardInterrupt(f"{leg.name} after {training.update} updates; go on with the same --model, --units, "
                                f"--seed and --seeds, and --resume --out {folder}") from stopped
    done = training.snapshot(facts)
    done.notes["test"] = measured(training.model, task.examples("test"))
    checkpoint.save(path, done)
    print(f"{leg.name}: test error {100 * done.notes['test']['error']:.2f} %, {training.update} updates, "
          f"{training.counters.seconds:.0f} s", file=sys.stderr, flush=True)
