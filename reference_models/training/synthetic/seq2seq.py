"""Training the LSTM encoder-decoder on the synthetic task.        (LTRRE §4)

Stages and episodes are those of `episodes`. The paper queries with the attention's context; the recipe with
the decoder's state besides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reference_models.seq2seq import END, Seq2Seq
from reference_models.seq2seq.query import Query
from reference_models.seq2seq.size import Size
from reference_models.tasks.synthetic import DIGIT_0, PAD, SYMBOLS, Array, Examples
from reference_models.training.adam import Adam
from reference_models.training.synthetic.episodes import (
    AT_ONCE,
    COPY,
    EVERYTHING,
    EpisodeRecipe,
    Stage,
    SyntheticTraining,
    Update,
    parts_from_facts,
)

TASK = "synthetic seq2seq"
SHIFT = END
"""A token is a symbol of the task plus this: padding is 0, and the start and the end come before the first letter."""
VOCABULARY = len(SYMBOLS) + SHIFT


@dataclass(frozen=True)
class Recipe(EpisodeRecipe):
    """Settings of a run."""

    width: int = 128
    encoder_layers: int = 1
    stages: tuple[Stage, ...] = (Stage(COPY, 32, 0.4), Stage(12, 4, 0.6, 5), Stage(25, 4, 0.6, 5),
                                 Stage(60, 8, 0.55, 4), Stage(250, 16, 0.5), Stage(1000, 32, 0.5), Stage(3000, 32))
    query: Query = field(default_factory=lambda: Query("both", 128, True))
    forget_bias: float = 2.0
    adam: Adam = field(default_factory=lambda: Adam(rate=1.5e-3))
    final_rate: float = 0.2
    keep: float = 1.0

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | parts_from_facts(facts) | {"query": Query(**facts["query"])})


RECIPE = Recipe()
NO_MEMORY = Recipe(width=256, encoder_layers=2, memory=False, stages=(Stage(EVERYTHING, 64),), keep=0.8)
"""The paper's baseline: two layers of 256 with attention."""
PAPER = Recipe(width=256, encoder_layers=2, query=Query(), forget_bias=1.0, memory_weight=1.0,
               stages=(Stage(EVERYTHING, 16),), rewrite=False)
"""The text: queries from the attention's context, a memory of half a million slots that is never cleared."""


class SyntheticSeq2Seq(SyntheticTraining):
    """A run.

    Parameters
    ----------
    recipe : Recipe
    train : Examples
    seed : int
        Of the first weights and of all that is drawn later.
    shards : int
        See `Seq2Seq`.
    """

    task = TASK
    model: Seq2Seq

    def __init__(self, recipe: Recipe, train: Examples, *, seed: int, shards: int = 1) -> None:
        super().__init__(recipe, build(recipe, seed=seed, shards=shards), train, seed=seed)

    def update(self, stage: Stage) -> Update:
        """As in `SyntheticTraining`."""
        rows = self.next(stage)
        source, target = both_sides(self.examples, rows, copy=stage.numbers == COPY)
        output, cache = self.model.forward(source, target, update=stage.numbers != COPY, training=True, rng=self.rng,
                                           sources=rows)
        gradients = self.model.backward(cache, release=True)
        figures = {"loss": output.loss, "accuracy": float(whole(output, len(rows)).mean())}
        if output.memory is not None and stage.numbers != COPY:
            labels = target[output.sentence, output.step]
            digit = labels >= DIGIT_0 + SHIFT
            figures |= {"memory_loss": output.memory_loss or 0.0,
                        "digit_hits": float((output.memory.values == labels)[digit].mean()),
                        "confidence": float(output.memory.confidence[digit, 0].mean())}
        return Update(figures, gradients, len(rows), len(output.step))

    def show(self, progress: Callable[[float], None]) -> None:
        """As in `SyntheticTraining`."""
        for start in range(0, len(self.examples), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(self.examples)))
            self.model.show(*both_sides(self.examples, rows), sources=rows)
            progress(start / len(self.examples))

    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = lambda done: None) -> tuple[Array, dict[str, float]]:
        """As in `SyntheticTraining`."""
        right = np.zeros(len(examples), bool)
        hits, confidence, digits = 0.0, 0.0, 0
        model, memory = self.model, self.model.memory
        if zeroed and memory is not None:  # an empty memory answers with confidence 0, and need not be searched
            model.memory = self.memory_of(1)
        try:
            for start in range(0, len(examples), AT_ONCE):
                rows = np.arange(start, min(start + AT_ONCE, len(examples)))
                source, target = both_sides(examples, rows)
                output, _ = model.forward(source, target, update=False)
                right[rows] = whole(output, len(rows))
                if output.memory is not None:
                    labels = target[output.sentence, output.step]
                    digit = labels >= DIGIT_0 + SHIFT
                    hits += float((output.memory.values == labels)[digit].sum())
                    confidence += float(output.memory.confidence[digit, 0].sum())
                    digits += int(digit.sum())
                progress((start + len(rows)) / len(examples))
        finally:
            model.memory = memory
        return right, {"digit_hits": hits / digits, "confidence": confidence / digits} if digits else {}


def build(recipe: Recipe, *, seed: int, shards: int = 1) -> Seq2Seq:
    """The network of a recipe, untrained. Its memory is of one slot until an episode begins."""
    size = Size(VOCABULARY, VOCABULARY, width=recipe.width, embedding=recipe.width, attention=recipe.width,
                encoder_layers=recipe.encoder_layers, query=recipe.query, forget_bias=recipe.forget_bias)
    return Seq2Seq(size, memory_size=1 if recipe.memory else 0, memory_weight=recipe.memory_weight, keep=recipe.keep,
                   shards=shards, seed=seed)


def both_sides(examples: Examples, rows: Array, *, copy: bool = False) -> tuple[Array, Array]:
    """Source [B, S + 1] and target [B, S + 1] in the network's tokens, each with its end; `copy` wants the source."""
    some = examples.take(rows)
    sides = []
    for tokens in (some.inputs, some.inputs if copy else some.outputs):
        side = np.zeros((len(rows), tokens.shape[1] + 1), np.int64)
        side[:, :-1] = np.where(tokens == PAD, 0, tokens + SHIFT)
        side[np.arange(len(rows)), some.lengths] = END
        sides.append(side)
    return sides[0], sides[1]


def whole(output: Any, strings: int) -> Array:
    """Which strings of a batch have no wrong token. [B] bool"""
    wrong = np.zeros(strings, bool)
    wrong[output.sentence[~output.right]] = True
    return ~wrong


def recipe(*, memory: bool, faithful: bool = False, query: str | None = None, search: str | None = None) -> Recipe:
    """The recipe for what was asked.

    Parameters
    ----------
    memory : bool
    faithful : bool
        As the paper's text: see `PAPER`.
    query : "context", "top" or "both", optional
    search : str, optional
        How the memory finds neighbours.
    """
    chosen = PAPER if faithful else RECIPE
    if not memory:
        chosen = NO_MEMORY
    if query is not None:
        chosen = replace(chosen, query=replace(chosen.query, source=query))  # type: ignore[arg-type]
    return chosen if search is None else replace(chosen, search=search)
