"""What an experiment is: the legs that were asked for, their settings, and the folder where both are kept."""

import argparse
import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from refmem.ops.fast_weights_choices import FW2016, Choices
from refmem.storage import FileRefused

from reference_models.cli import output
from reference_models.training import checkpoint

SETTINGS = "experiment.json"
BUDGET = ("updates",)
"""What may be given anew when an experiment goes on; a leg that has begun keeps its own."""


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


class Experiment(NamedTuple):
    """What a command was asked for."""

    folder: Path
    settings: dict[str, Any]
    legs: list[Leg]


@dataclass
class Done:
    """What a leg has come to."""

    leg: Leg
    curve: list[dict[str, float]]
    seconds: float
    test: dict[str, float] | None  # None: it is not finished
    saved: checkpoint.Checkpoint


# --- What was asked for ---------------------------------------------------------------------------------------------


def of_options(command: str, options: argparse.Namespace, defaults: Mapping[str, Any]) -> Experiment:
    """The experiment that a command's options speak of: a new one, or the one that goes on.

    Raises
    ------
    ValueError, OSError
        If a new one is to be where there is one, or there is none to go on with; and as `settled`.
    """
    folder = output.run_folder(command, SETTINGS, options.out, resume=options.resume)
    settings = settled(folder, {name: getattr(options, name) for name in defaults}, defaults, resume=options.resume)
    return Experiment(folder, settings, legs(options.models, options.units, options.seed, options.seeds))


def settled(folder: Path, asked: Mapping[str, Any], defaults: Mapping[str, Any], *, resume: bool,
            budget: Iterable[str] = BUDGET) -> dict[str, Any]:
    """The settings of the experiment in `folder`: as asked for and, for the rest, the defaults or those of its start.

    Raises
    ------
    ValueError, OSError
        If `resume` is set and there is no experiment; if its settings are damaged, or others than were asked for, its
        `budget` apart.
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
        raise FileRefused(f"{path} is damaged or of another version: {error}") from error
    output.check_unchanged(given, before, but=budget)
    return before | given


def legs(models: Iterable[str], units: Iterable[int], seed: int, seeds: int) -> list[Leg]:
    """All that were asked for, the narrow ones first."""
    return [Leg(model, width, seed + n) for width in sorted(set(units)) for n in range(seeds)
            for model in dict.fromkeys(models)]


def fast_weights(leg: Leg, settings: Mapping[str, Any], others: Choices = FW2016) -> Choices:
    """The choices of a leg's fast weights: `steps`, `decay` and `fast_rate` of the settings, and the others.

    Unless it is set, eta falls as 10/R: a read is a sum over R units, and grows with them.
    """
    set_ = {"steps": settings["steps"], "decay": settings["decay"], "rate": settings["fast_rate"]}
    given = {name: value for name, value in set_.items() if value is not None}
    return dataclasses.replace(others, **{"rate": min(0.5, 10 / leg.units)} | given)


# --- What is there --------------------------------------------------------------------------------------------------


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
