"""What the command `translate` does, step after step: text, vocabularies, training, contexts, files."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from refmem.storage import FileRefused

from reference_models.cli import output, pictures
from reference_models.cli.output import CHECKPOINT
from reference_models.cli.translate import measure as translate_measure
from reference_models.seq2seq.query import Query
from reference_models.tasks.translation import bilingual, parallel_text, scores, vocabulary
from reference_models.tasks.translation import Encoded, Vocabularies
from reference_models.tasks.translation.parallel_text import Pairs
from reference_models.tasks.translation.vocabulary import Subwords, Vocabulary, Words
from reference_models.training import checkpoint, loop
from reference_models.training.adam import Adam
from reference_models.training.schedule import Budget
from reference_models.training.translating import TASK, Recipe, TranslationTraining

TRUNK = "trunk.npz"
SAVE_EVERY = 240.0  # seconds
WATCH_EVERY = 25  # rounds

RECIPE = Recipe()
SMALL_RECIPE = Recipe(width=96, keep=0.8, adam=Adam(rate=3e-3), warm_up=50, tokens=400, memory_size=16_384, updates=10)
"""For the made-up sentences."""


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; kept in its checkpoint."""

    data: str | None  # folder of the text; None for made-up sentences
    source: str
    target: str
    tests: tuple[str, ...]
    tokens: str  # "subwords" or "words"
    vocabulary: int | None
    longest: int
    memory: bool
    query: str | None  # None: as in the recipe
    memory_size: int | None
    seed: int
    updates: int

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Settings":
        """From a checkpoint's settings."""
        named = {field.name: facts[field.name] for field in dataclasses.fields(Settings)}
        return Settings(**named | {"tests": tuple(named["tests"])})

    def recipe(self) -> Recipe:
        """How to train."""
        recipe = SMALL_RECIPE if self.data is None else RECIPE
        if self.query is not None:
            recipe = dataclasses.replace(recipe, query=Query(self.query, recipe.query.width,  # type: ignore[arg-type]
                                                             recipe.query.norm))
        if not self.memory:
            return dataclasses.replace(recipe, memory_size=0)
        return dataclasses.replace(recipe, memory_size=self.memory_size or recipe.memory_size)


@dataclass
class Text:
    """Everything that is read of the data."""

    name: str
    train: Pairs
    validation: Pairs
    tests: dict[str, Pairs]


@dataclass
class Results:
    """What a run ended with."""

    facts: dict[str, Any]  # the object that --json prints
    examples: list[dict[str, Any]]
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
    return checkpoint.load(folder / CHECKPOINT, TASK, needs=[*names, "recipe", "vocabularies"])


def check_extras(settings: Settings) -> None:
    """Raise now where an extra is missing that would be missed after the training."""
    if settings.tokens == "subwords":
        vocabulary.check_installed()
    if not scores.available():
        raise ModuleNotFoundError(scores.MISSING)


def everything(settings: Settings, saved: checkpoint.Checkpoint | None, folder: Path, *, trunk: Path | None,
               shards: int, beam: int, length_penalty: float, measure: bool, against: Path | None = None) -> Results:
    """Read the text, train or go on training, measure, and write all files but the last."""
    text = read(settings)
    if against is not None:  # what cannot be compared is to be heard of before the work
        translate_measure.written(against, text.tests)
    recipe = settings.recipe() if saved is None else checkpoint.recipe_of(saved, Recipe.from_facts)
    home = folder  # where the vocabularies are
    if saved is None and trunk is not None:
        saved, home = from_trunk(trunk)
    vocabularies = vocabularies_of(settings, text, home, saved)
    digests = digests_of(vocabularies)
    train_text = vocabularies.encode(text.train, longest=settings.longest, name="train")
    validation = vocabularies.encode(text.validation, longest=settings.longest, name="val")
    tests = {name: vocabularies.encode(pairs, longest=settings.longest, name=name)
             for name, pairs in text.tests.items()}
    for side in ("source", "target"):
        which: Vocabulary = getattr(vocabularies, side)
        vocabulary.save(folder / f"{side}{which.suffix}", which)

    sizes = (len(vocabularies.source), len(vocabularies.target))
    training = TranslationTraining(recipe, train_text, sizes, seed=settings.seed, shards=shards)
    if saved is not None:
        training.resume(saved)
    facts = dataclasses.asdict(settings) | {"vocabularies": digests, "digest": digest_of(text.train), "shards": shards}
    if saved is not None and trunk is None and saved.settings["digest"] != facts["digest"]:
        raise ValueError("the run was trained on other sentences than these: on another --data")
    with threadpool_limits(1, user_api="blas"):  # the shards of a batch use the cores
        train(training, validation, facts, folder, settings)
    written = [folder / CHECKPOINT, folder / "results.json", folder / "curve.csv"]
    output.write_csv(folder / "curve.csv", training.curve)
    title = f"{text.name}, {settings.source} to {settings.target}, memory {recipe.memory_size:,}"
    if pictures.available():
        from reference_models.cli.translate import figures

        figures.curve(folder / "curve.png", training.curve, title=title)
        written.append(folder / "curve.png")

    found: dict[str, Any] = {}
    examples: list[dict[str, Any]] = []
    if measure:
        try:
            with threadpool_limits(1, user_api="blas"):
                found, examples = translate_measure.everything(training.model, vocabularies, text, tests, folder,
                                                               beam=beam, length_penalty=length_penalty,
                                                               seed=settings.seed, against=against)
        except KeyboardInterrupt as stopped:
            raise KeyboardInterrupt("the training is done and saved; measure it with: "
                                    f"python -m reference_models translate --resume --out {folder}") from stopped
        written += [folder / "translations.txt", folder / "examples.json"]
    return Results(_facts(settings, text, training, folder) | found, examples, folder, written)


# --- Before the training --------------------------------------------------------------------------------------------


def read(settings: Settings) -> Text:
    """The text of a run."""
    if settings.data is None:
        made_up = bilingual.load()
        return Text("made-up sentences", made_up.train, made_up.validation, {"test": made_up.test})
    data = Path(settings.data)

    def load(split: str) -> Pairs:
        return parallel_text.load(data, split, settings.source, settings.target)

    return Text(parallel_text.find(data).name, load(parallel_text.TRAIN), load(parallel_text.VALIDATION),
                {name: load(name) for name in settings.tests})


def vocabularies_of(settings: Settings, text: Text, folder: Path, saved: checkpoint.Checkpoint | None) -> Vocabularies:
    """Those in the folder of a saved run, which must be what it was trained with; for a new one they are learnt."""
    kind: type[Words] | type[Subwords] = Subwords if settings.tokens == "subwords" else Words
    paths = [folder / f"{side}{kind.suffix}" for side in ("source", "target")]
    if saved is not None:
        both = Vocabularies(*(vocabulary.load(path) for path in paths))
        if digests_of(both) != saved.settings["vocabularies"]:
            raise FileRefused(f"the checkpoint in {folder} was trained with other vocabularies than those beside it")
        return both
    return Vocabularies(*(kind.learn(sentences, settings.vocabulary or 0) if kind is Subwords
                          else Words.learn(sentences, settings.vocabulary)
                          for sentences in (text.train.source, text.train.target)))


def from_trunk(trunk: Path) -> tuple[checkpoint.Checkpoint, Path]:
    """The trunk of another run, and the folder with its vocabularies."""
    path = trunk / TRUNK if trunk.is_dir() else trunk
    return checkpoint.load(path, TASK, needs=["vocabularies"]), path.parent


def digests_of(vocabularies: Vocabularies) -> dict[str, str]:
    """SHA-256 of both files."""
    return {side: hashlib.sha256(getattr(vocabularies, side).to_bytes()).hexdigest() for side in ("source", "target")}


def digest_of(pairs: Pairs) -> str:
    """SHA-256 of the sentences."""
    sha = hashlib.sha256()
    for side in pairs:
        sha.update("\n".join(side).encode() + b"\0")
    return sha.hexdigest()


# --- Training -------------------------------------------------------------------------------------------------------


def train(training: TranslationTraining, validation: Encoded, facts: dict[str, Any], folder: Path,
          settings: Settings) -> None:
    """Until the updates are made. What was learnt before the memory joined is kept as well."""
    training.before_memory = lambda: checkpoint.save(folder / TRUNK, training.snapshot(facts))
    try:
        loop.run(training.advance, counters=training.counters,
                 budget=Budget(episodes=max(1, settings.updates // training.recipe.updates)), curve=training.curve,
                 save=lambda: checkpoint.save(folder / CHECKPOINT, training.snapshot(facts)), save_every=SAVE_EVERY,
                 watch=lambda: training.validate(validation), watch_every=WATCH_EVERY)
    except loop.Interrupted as stopped:
        raise KeyboardInterrupt(f"after {training.adam.step} updates; go on with: "
                                f"python -m reference_models translate --resume --out {folder}") from stopped


def _facts(settings: Settings, text: Text, training: TranslationTraining, folder: Path) -> dict[str, Any]:
    """The object that --json prints, but for what was measured."""
    versions = output.versions() | {name: version for name in ("sentencepiece", "sacrebleu")
                                    if (version := output.version_of(name))}
    return {"data": text.name, "source": settings.source, "target": settings.target, "tokens": settings.tokens,
            "vocabularies": list(training.vocabularies), "memory": settings.memory,
            "recipe": training.recipe.as_facts(), "updates": training.adam.step, "epochs": training.epoch,
            "target_tokens": training.counters.images, "seconds": round(training.counters.seconds, 1),
            "seed": settings.seed, "out": str(folder), "versions": versions}
