"""What the command `synthetic` does: examples, training, the test, and what needs no learning beside it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from refmem.storage import FileRefused

from reference_models.cli import output, pictures
from reference_models.cli.output import CHECKPOINT
from reference_models.cli.synthetic.models import MODELS, Training
from reference_models.neural_gpu.extended import ExtendedNeuralGPU
from reference_models.tasks import synthetic
from reference_models.tasks.synthetic import Examples, Synthetic
from reference_models.training import checkpoint, loop
from reference_models.training.progress import Report
from reference_models.training.schedule import Budget

SAVE_EVERY = 120.0  # seconds
ZEROED = 2000  # strings to measure without the memory's answers, at most

PAPER_TABLE = {"hamming": 0.1, "seq2seq without memory": 0.9, "seq2seq with memory": 35.2,
               "extended-neural-gpu without memory": 12.2, "extended-neural-gpu with memory": 71.3}
"""LTRRE table 2, percent of test strings without a fault (as recalled; the table is not in the text we have)."""


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; kept in its checkpoint."""

    model: str
    memory: bool
    query: str | None
    faithful: bool
    search: str | None
    largest: int
    train: int
    seed: int
    minutes: float | None
    rounds: int | None

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Settings":
        """From a checkpoint's settings."""
        return Settings(**{field.name: facts[field.name] for field in dataclasses.fields(Settings)})

    def budget(self) -> Budget:
        """Where training ends."""
        return Budget(episodes=self.rounds, seconds=None if self.minutes is None else 60 * self.minutes)


@dataclass
class Results:
    """What a run ended with."""

    facts: dict[str, Any]  # the object that --json prints
    written: list[Path]


def saved_run(folder: Path, model: str | None) -> checkpoint.Checkpoint:
    """The checkpoint in `folder`, of this model or, where none is named, of any.

    Raises
    ------
    FileNotFoundError, FileRefused
        If there is none, or it is of another task or model.
    """
    path = folder / CHECKPOINT
    refused: FileRefused | None = None
    for name in [model] if model else MODELS:
        training, _, _ = MODELS[name].load()
        try:
            saved = checkpoint.load(path, training.task)  # type: ignore[attr-defined]
        except FileRefused as error:
            refused = error
            continue
        if not {field.name for field in dataclasses.fields(Settings)} | {"recipe"} <= saved.settings.keys():
            raise FileRefused(f"{path} does not say how its run was started")
        return saved
    assert refused is not None
    raise refused


def everything(settings: Settings, saved: checkpoint.Checkpoint | None, folder: Path, *, test: int,
               shards: int) -> Results:
    """Make the examples, train or go on training, measure, and write all files but the last."""
    task = Synthetic(seed=settings.seed, largest=settings.largest)
    examples, asked = task.train(settings.train), task.test(test)
    kind, make_recipe, read_recipe = MODELS[settings.model].load()
    recipe = checkpoint.recipe_of(saved, read_recipe) if saved else make_recipe(
        memory=settings.memory, faithful=settings.faithful, query=settings.query, search=settings.search)
    training = kind(recipe, examples, seed=settings.seed, shards=shards)
    if saved is not None:
        training.resume(saved)
    with threadpool_limits(1, user_api="blas"):
        train(training, settings, folder, shards)
        output.write_csv(folder / "curve.csv", training.curve)
        try:
            with Report("showing the training set") as report:
                training.finish(report.show)
            facts = measured(training, settings, examples, asked)
        except KeyboardInterrupt as stopped:
            raise KeyboardInterrupt("the training is done and saved; measure it with: "
                                    f"python -m reference_models synthetic --resume --out {folder}") from stopped
    written = [folder / name for name in (CHECKPOINT, "results.json", "curve.csv")]
    if pictures.available():
        from reference_models.cli.synthetic import figures
        from reference_models.cli.translate.figures import curve

        curve(folder / "curve.png", training.curve, title=_title(settings))
        written.append(folder / "curve.png")
        if isinstance(training.model, ExtendedNeuralGPU):
            figures.draw_tape(folder / "tape.png", training.model, examples, asked)
            written.append(folder / "tape.png")
    return Results(facts | {"out": str(folder)}, written)


def train(training: Training, settings: Settings, folder: Path, shards: int) -> None:
    """Until the budget is spent."""
    facts = dataclasses.asdict(settings) | {"shards": shards}
    try:
        loop.run(training.advance, counters=training.counters, budget=settings.budget(), curve=training.curve,
                 save=lambda: checkpoint.save(folder / CHECKPOINT, training.snapshot(facts)), save_every=SAVE_EVERY)
    except loop.Interrupted as stopped:
        raise KeyboardInterrupt(f"after {training.counters.episodes} rounds; go on with: "
                                f"python -m reference_models synthetic --resume --out {folder}") from stopped


def measured(training: Training, settings: Settings, examples: Examples, asked: Examples) -> dict[str, Any]:
    """The object that --json prints."""
    all_seen = np.isin(asked.numbers, examples.numbers)
    rows: dict[str, dict[str, float]] = {}

    def row(name: str, right: synthetic.Array, further: dict[str, float]) -> None:
        seen = all_seen[:len(right)]
        rows[name] = {"percent": _percent(right), "numbers_seen": _percent(right[seen]),
                      "numbers_not_seen": _percent(right[~seen]),
                      **{key: round(value, 4) for key, value in further.items()}}

    with Report("the test") as report:
        row(_title(settings), *training.right(asked, progress=report.show))
    if settings.memory:
        with Report("the test, the memory zeroed") as report:
            few = asked.take(np.arange(min(ZEROED, len(asked))))
            right, _ = training.right(few, zeroed=True, progress=report.show)
        row("the same, its memory zeroed", right, {"strings": len(few)})
    row("Hamming nearest neighbour",
        synthetic.fully_correct(synthetic.hamming_answers(examples, asked), asked), {})
    row("coverage ceiling", all_seen, {})
    return {"rows": rows, "test": len(asked), "train": len(examples), "model": settings.model,
            "memory": settings.memory, "faithful": settings.faithful, "seed": settings.seed,
            "seconds": round(training.counters.seconds, 1), "rounds": training.counters.episodes,
            "strings": training.counters.images, "recipe": training.recipe.as_facts(),
            "paper": PAPER_TABLE, "versions": output.versions()}


def _percent(right: synthetic.Array) -> float:
    return round(100 * float(right.mean()), 2) if len(right) else 0.0


def _title(settings: Settings) -> str:
    faithful = ", as the paper says" if settings.faithful else ""
    return f"{settings.model} {'with' if settings.memory else 'without'} memory{faithful}"
