"""What the command `omniglot` does, step after step: data, training, evaluation, files."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from refmem import storage

from reference_models.classifier import evaluation, evaluation_life_long
from reference_models.classifier.evaluation import FewShot
from reference_models.classifier.evaluation_life_long import Recognised
from reference_models.cli import output, pictures
from reference_models.cli.omniglot import figures
from reference_models.cli.omniglot.drawings import draw_episode
from reference_models.cli.output import CHECKPOINT
from reference_models.tasks.one_shot import glyphs, life_long, omniglot
from reference_models.tasks.one_shot.characters import Array, Characters, Split
from reference_models.training import checkpoint, loop
from reference_models.training.one_shot.classifier import TASK, OneShotTraining
from reference_models.training.one_shot.recipes import RECIPES, Recipe
from reference_models.training.progress import Report
from reference_models.training.schedule import Budget

MOST_SHOTS = 10
LIFE_LONG_MEMORY = 65_536  # slots


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; kept in its checkpoint."""

    data: str | None  # folder of Omniglot; None for the glyphs
    split: str
    rotate_test: bool
    profile: str
    size: str
    seed: int
    minutes: float | None
    episodes: int | None
    goal: float | None

    def budget(self) -> Budget:
        """Where training ends."""
        return Budget(episodes=self.episodes, seconds=None if self.minutes is None else 60 * self.minutes)


@dataclass
class Results:
    """What a run ended with."""

    facts: dict[str, Any]  # the object that --json prints
    widths: list[FewShot]
    lags: list[Recognised] | None  # of the long life, where it was asked for
    split: Split
    folder: Path
    written: list[Path]


def saved_run(folder: Path) -> checkpoint.Checkpoint:
    """The checkpoint in `folder`.

    Raises
    ------
    FileNotFoundError, FileRefused
        If there is none, or it is not one of this task.
    """
    names = [field.name for field in dataclasses.fields(Settings)]
    return checkpoint.load(folder / CHECKPOINT, TASK, needs=[*names, "recipe", "digest"])


def everything(settings: Settings, saved: checkpoint.Checkpoint | None, folder: Path, *, ways: list[int],
               shots: int | None, test_episodes: int, protocol: str, long_life: bool,
               search: str = "exact") -> Results:
    """Load the data, train or go on training, measure, and write all files but the last."""
    split = characters(settings)
    shots = shots or min(MOST_SHOTS, split.test.drawers - 1)
    check_episodes(split.test, ways, shots)

    training = started(settings, saved, split)
    with threadpool_limits(1, user_api="blas"):  # the shards of a batch use the cores
        train(training, settings, split, folder / CHECKPOINT)
    try:
        with threadpool_limits(1, user_api="blas"):
            with Report("embedding the unseen drawings") as report:
                queries = evaluation.embed(training.classifier, split.test, scale=training.recipe.scale,
                                           progress=report.show)
            widths = [measure(training, split.test, queries, n, shots, test_episodes, protocol) for n in ways]
        lags = live(training, split, search) if long_life else None
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt("the training is done and saved; measure it with: "
                                f"python -m reference_models omniglot --resume --out {folder}") from stopped

    written = [folder / name for name in (CHECKPOINT, "results.json", "curve.csv")]
    output.write_csv(folder / "curve.csv", training.curve)
    if lags:
        output.write_csv(folder / "life_long.csv", [row._asdict() for row in lags])
        written.append(folder / "life_long.csv")
    if pictures.available():
        title = f"{split.name}, {settings.size} network, {settings.profile} memory"
        figures.curve(folder / "curve.png", training.curve, title=title)
        draw_episode(folder / "episode.png", training.classifier, queries, split.test, seed=settings.seed)
        written += [folder / "curve.png", folder / "episode.png"]
        if lags:
            figures.lags(folder / "life_long.png", lags, title=title)
            written.append(folder / "life_long.png")
    facts = _facts(settings, split, training, widths, lags, folder) | {
        "test_episodes": test_episodes, "protocol": protocol, "search": search}
    return Results(facts, widths, lags, split, folder, written)


# --- Before the training --------------------------------------------------------------------------------------------


def characters(settings: Settings) -> Split:
    """The characters to learn from and the unseen ones."""
    if settings.data is None:
        return glyphs.load(rotate_test=settings.rotate_test)
    return omniglot.load(settings.data, split=settings.split,  # type: ignore[arg-type]
                         rotate_test=settings.rotate_test)


def check_episodes(unseen: Characters, ways: list[int], shots: int) -> None:
    """Raise where the evaluation would need more classes or drawings than there are."""
    if max(ways) > unseen.classes:
        raise ValueError(f"--ways {max(ways)} needs as many unseen classes, and there are only {unseen.classes}")
    if shots >= unseen.drawers:
        raise ValueError(f"--shots {shots} needs {shots + 1} drawings of each class, "
                         f"and there are only {unseen.drawers}")


def started(settings: Settings, saved: checkpoint.Checkpoint | None, split: Split) -> OneShotTraining:
    """A new run, or the saved one where it stopped."""
    digest = storage.digest(split.train.images)
    if saved is None:
        recipe = dataclasses.replace(RECIPES[settings.profile], size=settings.size)
        return OneShotTraining(recipe, split.train, seed=settings.seed)
    if saved.settings["digest"] != digest:
        raise ValueError("the run was trained on other characters than these: on another --data, or other glyphs")
    training = OneShotTraining(checkpoint.recipe_of(saved, Recipe.from_facts), split.train, seed=settings.seed)
    training.resume(saved)
    return training


# --- Training -------------------------------------------------------------------------------------------------------


def train(training: OneShotTraining, settings: Settings, split: Split, path: Path) -> None:
    """Until the budget is spent; the checkpoint is then complete, with a memory of the unseen classes."""
    facts = dataclasses.asdict(settings) | {"digest": storage.digest(split.train.images)}
    recipe = training.recipe

    def watch() -> dict[str, float]:
        rng = np.random.default_rng([training.seed, 2, training.counters.episodes])
        plans = evaluation.plans(split.test, ways=5, shots=recipe.presentations - 1, count=recipe.watch_episodes,
                                 rng=rng)
        queries = evaluation.embed(training.classifier, split.test, scale=recipe.scale,
                                   sources=np.concatenate([plan.sources.reshape(-1) for plan in plans]))
        memory = evaluation.fresh_memory(training.classifier, 5 * recipe.presentations)
        seen = evaluation.few_shot(memory, queries, plans, rng=rng)
        return {"unseen_5_way_1_shot": float(seen.accuracy[0]),
                f"unseen_5_way_{len(seen.shots)}_shot": float(seen.accuracy[-1])}

    try:
        loop.run(training.advance, counters=training.counters, budget=settings.budget(), curve=training.curve,
                 save=lambda: checkpoint.save(path, training.snapshot(facts)), goal=settings.goal,
                 watch=watch if split.test.classes >= 5 else None, watch_every=recipe.watch_every)
    except loop.Interrupted as stopped:
        raise KeyboardInterrupt(f"after {training.counters.episodes} episode batches; go on with: "
                                f"python -m reference_models omniglot --resume --out {path.parent}") from stopped
    finished = training.snapshot(facts)
    remember_unseen(finished, training, split.test)
    checkpoint.save(path, finished)


def remember_unseen(finished: checkpoint.Checkpoint, training: OneShotTraining, unseen: Characters) -> None:
    """Add to the checkpoint a memory that was shown every unseen class once, and these drawings: for `explain`."""
    shown = unseen.sources(np.arange(unseen.classes), np.zeros(unseen.classes, np.int64))  # [classes]
    queries = evaluation.embed(training.classifier, unseen, scale=training.recipe.scale, sources=shown)
    memory = evaluation.fresh_memory(training.classifier, unseen.classes)
    for label, source in enumerate(shown):
        memory.forward(queries[source][None], np.array([label]), sources=np.array([label]))
    facts, arrays = memory.contents()
    names = [" ".join(both) for both in zip(unseen.alphabets, unseen.names, strict=True)]
    finished.extras = {"memory": arrays, "gallery": {"drawings": unseen.images[:, 0]}}
    finished.notes = {"memory": facts, "gallery": names}


# --- After it -------------------------------------------------------------------------------------------------------


def measure(training: OneShotTraining, unseen: Characters, queries: Array, ways: int, shots: int,
            count: int, protocol: str) -> FewShot:
    """Accuracy at this width. The episodes depend on the seed and the width alone."""
    rng = np.random.default_rng([training.seed, 3, ways])
    plans = evaluation.plans(unseen, ways=ways, shots=shots, count=count, rng=rng)
    memory = evaluation.fresh_memory(training.classifier, ways * (shots + 1))
    with Report(f"{ways}-way episodes") as report:
        return evaluation.few_shot(memory, queries, plans, protocol=protocol, rng=rng, progress=report.show)


def live(training: OneShotTraining, split: Split, search: str) -> list[Recognised]:
    """Long lives: unseen classes shown once among all the characters of the training."""
    rng = np.random.default_rng([training.seed, 5])
    planned = life_long.lives(split.train, split.test, rng=rng)
    needed = np.concatenate([part.reshape(-1) for life in planned for part in (life.shown, life.questions)])
    with Report("embedding the drawings of long lives") as report:
        queries = evaluation.embed(training.classifier, planned[0].characters, scale=training.recipe.scale,
                                   sources=needed, progress=report.show)
    memory = evaluation.fresh_memory(training.classifier, LIFE_LONG_MEMORY, search=search)
    with Report(f"{len(planned)} lives of {planned[0].shown.size:,} steps") as report:
        return evaluation_life_long.measure(memory, queries, planned, rng=rng, progress=report.show)


def _facts(settings: Settings, split: Split, training: OneShotTraining, widths: list[FewShot],
           lags: list[Recognised] | None, folder: Path) -> dict[str, Any]:
    """The object that --json prints."""
    def by_ways_and_shots(field: str) -> dict[str, dict[str, float]]:
        return {str(width.ways): {str(k): round(float(x), 5)
                                  for k, x in zip(width.shots, getattr(width, field), strict=True)}
                for width in widths}

    return {
        "accuracy": by_ways_and_shots("accuracy"),
        "confidence_interval": {"level": 0.95, "kind": "normal, over test episodes",
                                "half_width": by_ways_and_shots("half_width")},
        "seconds": round(training.counters.seconds, 1), "episodes": training.counters.episodes,
        "images": training.counters.images, "seed": settings.seed,
        "data": split.name, "profile": settings.profile, "size": settings.size, "recipe": training.recipe.as_facts(),
        "out": str(folder), "versions": output.versions(),
    } | ({"life_long": [row._asdict() for row in lags]} if lags else {})
