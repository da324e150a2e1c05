"""What the command `algorithms` does, step after step: training, measuring, files, answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from refmem import storage
from refmem.arrays import ArrayModule

from reference_models import neural_gpu
from reference_models.cli import output, pictures
from reference_models.cli.algorithms import figures, measure
from reference_models.cli.output import CHECKPOINT
from reference_models.neural_gpu.evaluation import Measured
from reference_models.tasks.algorithms import TASKS
from reference_models.training import checkpoint, loop
from reference_models.training.algorithms.neural_gpu import TASK, AlgorithmTraining, Recipe
from reference_models.training.schedule import Budget


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; kept in its checkpoint."""

    recipe: Recipe
    seed: int
    minutes: float | None = None
    updates: int | None = None

    def budget(self) -> Budget:
        """Where training ends."""
        return Budget(episodes=self.updates, seconds=None if self.minutes is None else 60 * self.minutes)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Settings":
        """From a checkpoint."""
        return Settings(Recipe.from_facts(facts["recipe"]), facts["seed"], facts["minutes"], facts["updates"])


def saved_run(folder: Path) -> checkpoint.Checkpoint:
    """The checkpoint in `folder`.

    Raises
    ------
    FileNotFoundError, FileRefused
        If there is none, or it is not one of this task.
    """
    path = folder / CHECKPOINT
    saved = checkpoint.load(path, TASK)
    try:
        Settings.from_facts(saved.settings)
    except (KeyError, TypeError, ValueError) as error:
        raise storage.FileRefused(f"{path} does not say how its run was started ({error})") from error
    return saved


def started(settings: Settings, saved: checkpoint.Checkpoint | None, xp: ArrayModule = np) -> AlgorithmTraining:
    """The run, new or as it was saved."""
    training = AlgorithmTraining(settings.recipe, seed=settings.seed, xp=xp)
    if saved is not None:
        training.resume(saved)
    return training


def further(settings: Settings, lengths: Sequence[int] | None) -> list[int]:
    """The lengths to measure beyond those of the training; by default about 2 and 5 times the longest."""
    if lengths is not None:
        return list(lengths)
    task = TASKS[settings.recipe.task]
    return [task.lengths(factor * settings.recipe.longest)[-1] for factor in (2, 5)]


def check_beyond(settings: Settings, lengths: Sequence[int] | None) -> None:
    """Raise a `ValueError` where the task does not exist at one of the lengths."""
    for length in further(settings, lengths):
        TASKS[settings.recipe.task].check_length(length)


def everything(settings: Settings, saved: checkpoint.Checkpoint | None, folder: Path, *, test: int,
               beyond: Sequence[int] | None, beyond_sequences: int, xp: ArrayModule = np) -> dict[str, Any]:
    """Train, measure, and write all files but the last; returns the object that --json prints."""
    training = started(settings, saved, xp)
    own = {"minutes": settings.minutes, "updates": settings.updates}
    recipe, task = settings.recipe, training.task
    with threadpool_limits(1, user_api="blas"):  # the shards of a batch use the cores
        try:
            loop.run(training.advance, counters=training.counters, budget=settings.budget(), curve=training.curve,
                     save=lambda: checkpoint.save(folder / CHECKPOINT, training.snapshot(own)),
                     title=f"training on {task.about}")
        except loop.Interrupted as stopped:
            raise KeyboardInterrupt(f"after {training.counters.episodes} updates; go on with: "
                                    f"python -m reference_models algorithms --resume --out {folder}") from stopped
        output.write_csv(folder / "curve.csv", training.curve)
        if pictures.available():
            figures.curve(folder / "curve.png", training.curve, title=task.about)
        rng = np.random.default_rng([settings.seed, 2])
        try:
            at = measure.trained_lengths(training.trained, task, recipe.longest, test, recipe.size, rng,
                                         recipe.shards)
            far = measure.beyond(training.trained, task, further(settings, beyond), beyond_sequences,
                                 recipe.size, rng, recipe.shards)
        except KeyboardInterrupt as stopped:
            raise KeyboardInterrupt("the training is done and saved; measure it with: "
                                    f"python -m reference_models algorithms --resume --out {folder}") from stopped
    if pictures.available():
        figures.accuracy(folder / "accuracy.png", at + far, recipe.longest, title=task.about)
    return {
        "task": recipe.task, "trained": _together(at) | {"by_length": [_facts(row) for row in at]},
        "beyond": [_facts(row) for row in far], "reached": training.curriculum.present,
        "updates": training.counters.episodes, "seconds": round(training.counters.seconds, 1), "seed": settings.seed,
        "recipe": recipe.as_facts(), "device": "cpu" if xp is np else "gpu", "out": str(folder),
        "versions": output.versions(),
    }


def _together(rows: list[Measured]) -> dict[str, Any]:
    sequences, right = sum(row.sequences for row in rows), sum(row.right for row in rows)
    return {"longest": rows[-1].length, "sequences": sequences, "errors": sequences - right}


def _facts(row: Measured) -> dict[str, Any]:
    return asdict(row) | {"share": round(row.share, 5), "symbols_right": round(row.symbols_right, 7)}


def solve(folder: Path, text: str, positions: int | None) -> dict[str, Any]:
    """The answer of a run's network to one question, and a picture of how it came to it.

    Raises
    ------
    ValueError
        If the text is no question of the run's task, or does not fit the state.
    FileNotFoundError, FileRefused
        If there is no run, or it is damaged.
    """
    saved = saved_run(folder)
    training = started(Settings.from_facts(saved.settings), saved)
    inputs = training.task.read(text)
    params, size = training.trained, training.recipe.size
    found = neural_gpu.answer(params, inputs, size, positions=positions)[0]
    if pictures.available():
        images = neural_gpu.images(params, inputs, size, positions=positions)
        figures.mental_image(folder / "mental_image.png", images, text, training.task.write(found))
    return {"task": training.task.name, "question": text, "answer": training.task.write(found), "out": str(folder)}
