"""Training the Extended Neural GPU on the synthetic task, with a memory on its tape or without.        (LTRRE §4)

The stages are those of `episodes`: copying first, then episodes of few numbers, then of more, so that the
memory's queries do not collapse; in the end the memory is cleared and shown the training set. Input and output
have the same length, so that no end has to be said. The paper's network has 32 maps.

Two things are added. A network of n steps on n positions needs time in proportion to n^2, so it learns on pieces of the
training strings, letters around a number, and on longer ones only towards the end; all strings of a batch have one
length, and take as many steps as they would alone. And what is learnt last is to ask with all seven digits at the first
and at the last of them, six positions away from the other end. Random numbers differ in nearly every digit and do not
need that; numbers with their first or their last digits in common do, so many episodes are made of such.

The paper says none of this. It asks with one row of 32 maps; the recipe with all rows, see `neural_gpu.queries`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reference_models import neural_gpu
from reference_models.neural_gpu.extended import ExtendedNeuralGPU, Output
from reference_models.neural_gpu.extended_size import ExtendedSize
from reference_models.parallel import data_parallel
from reference_models.tasks.synthetic import DIGIT_0, SHORTEST, SYMBOLS, Array, Examples
from reference_models.training.adam import Adam
from reference_models.training.synthetic.episodes import (
    AT_ONCE,
    COPY,
    COPY_ROUNDS,
    EVERYTHING,
    EpisodeRecipe,
    Stage,
    SyntheticTraining,
    Update,
    parts_from_facts,
)

TASK = "synthetic extended-neural-gpu"
LEAD = 1  # letters before the number of a piece


@dataclass(frozen=True)
class Recipe(EpisodeRecipe):
    """Settings of a run."""

    size: ExtendedSize = field(default_factory=lambda: ExtendedSize(query_rows="all", query_width=128,
                                                                    query_norm=True))
    stages: tuple[Stage, ...] = (
        Stage(COPY, 16, 0.6, 1, 16), Stage(12, 4, 0.75, 5, 12, 0.5), Stage(25, 4, 0.75, 5, 12, 0.5),
        Stage(60, 8, 0.72, 4, 12, 0.6), Stage(250, 16, 0.72, 3, 12, 0.8), Stage(1000, 32, 0.8, 3, 20, 0.8),
        Stage(1000, 32, 0.8, 3, 32, 0.8), Stage(3000, 32, 1.0, 3, 32, 0.8))
    adam: Adam = field(default_factory=lambda: Adam(rate=3e-3, epsilon=1e-5))
    final_rate: float = 0.05
    shown: int | None = 9  # in the end the memory is shown strings that are cut to this length

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | parts_from_facts(facts) | {"size": ExtendedSize(**facts["size"])})


RECIPE = Recipe()
NO_MEMORY = Recipe(memory=False, stages=(Stage(COPY, 16, 0.6, 1, 16), Stage(EVERYTHING, 32, longest=32)))
PAPER = Recipe(size=ExtendedSize(), stages=(Stage(EVERYTHING, 16),), memory_weight=1.0, rewrite=False)
"""The text: a memory of half a million slots that is never cleared, and strings in random order."""


class SyntheticNeuralGPU(SyntheticTraining):
    """A run.

    Parameters
    ----------
    recipe : Recipe
    train : Examples
    seed : int
        Of the first weights and of all that is drawn later.
    shards : int
        Parts of a batch that are worked on side by side. With a memory there is one part: all strings of a batch ask
        and write it position after position.
    """

    task = TASK
    recipe: Recipe
    model: ExtendedNeuralGPU

    def __init__(self, recipe: Recipe, train: Examples, *, seed: int, shards: int = 1) -> None:
        model = ExtendedNeuralGPU(recipe.size, len(SYMBOLS), memory_size=1 if recipe.memory else 0, seed=seed)
        super().__init__(recipe, model, train, seed=seed)
        self.shards = 1 if recipe.memory else shards

    def update(self, stage: Stage) -> Update:
        """As in `SyntheticTraining`."""
        some = self._some(stage)
        targets = some.inputs if stage.numbers == COPY else some.outputs
        figures, gradients = self._gradients(some.inputs, targets, some.lengths, stage.numbers != COPY)
        return Update(figures, gradients, len(some), int(some.lengths.sum()))

    def _some(self, stage: Stage) -> Examples:
        """The strings of the next update, all of one length where the stage cuts them."""
        if stage.longest is None:
            return self.examples.take(self.next(stage))
        longest = stage.longest
        if stage.numbers == COPY:
            longest = round(SHORTEST + min(1.0, self.rounds / COPY_ROUNDS) * (longest - SHORTEST))
        length = int(self.rng.integers(SHORTEST, longest + 1))
        if stage.numbers == COPY:
            rows = self.rng.choice(np.flatnonzero(self.examples.lengths >= length), stage.batch)
        else:
            rows = self.next(stage)
            length = min(length, int(self.examples.lengths[rows].min()))
        return self.examples.take(rows).cut(length, self.rng, lead=LEAD)

    def shuffled(self, rows: Array, stage: Stage) -> Array:
        """In a random order; where the stage cuts strings, batches are of strings of similar lengths."""
        rows = self.rng.permutation(rows)
        if stage.longest is None:
            return rows
        rows = rows[np.argsort(self.examples.lengths[rows], kind="stable")]
        batches = [rows[start:start + stage.batch] for start in range(0, len(rows), stage.batch)]
        return np.concatenate([batches[i] for i in self.rng.permutation(len(batches))])

    def _gradients(self, inputs: Array, targets: Array, lengths: Array,
                   learning: bool) -> tuple[dict[str, float], dict[str, Array]]:
        """Figures of a batch, and the gradient of its mean loss over all tokens that are no padding."""
        total = int(lengths.sum())

        def of_shard(rows: slice) -> tuple[float, Output, dict[str, Array]]:
            output, cache = self.model.forward(inputs[rows], targets[rows], lengths=lengths[rows], update=learning,
                                               training=True, rng=self.rng)
            loss, d_logits = neural_gpu.loss(output.logits, targets[rows], 1 / total)
            outside = np.arange(inputs.shape[1]) >= lengths[rows][:, None]
            d_logits[outside] = 0
            gradients = self.model.backward(d_logits, cache, d_memory_loss=self.recipe.memory_weight * learning)
            return float(loss), output, gradients

        parts = data_parallel.split(len(inputs), self.shards)
        done = data_parallel.run(of_shard, parts)
        outputs = [output for _, output, _ in done]
        right = np.concatenate([whole(o.symbols, targets[rows], lengths[rows])
                                for o, rows in zip(outputs, parts, strict=True)])
        figures = {"loss": sum(loss for loss, _, _ in done), "accuracy": float(right.mean())}
        if learning and outputs[0].memory_values is not None:
            figures |= {"memory_loss": outputs[0].memory_loss, **knowledge(outputs[0], targets)}
        return figures, data_parallel.add([gradients for _, _, gradients in done])

    def show(self, progress: Callable[[float], None]) -> None:
        """As in `SyntheticTraining`, in pieces where the recipe says so."""
        length = self.recipe.shown
        shown = self.examples if length is None else self.examples.cut(length, self.rng, lead=LEAD)
        done = 0
        for rows in of_one_length(shown.lengths, self.rng):
            some = shown.take(rows)
            self.model.forward(some.inputs, some.outputs, lengths=some.lengths)
            done += len(rows)
            progress(done / len(shown))

    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = lambda done: None) -> tuple[Array, dict[str, float]]:
        """As in `SyntheticTraining`."""
        right = np.zeros(len(examples), bool)
        known: list[dict[str, float]] = []
        memory = self.model.memory
        if zeroed and memory is not None:
            self.model.memory = self.memory_of(1)
        try:
            done = 0
            for rows in of_one_length(examples.lengths):
                some = examples.take(rows)
                output, _ = self.model.forward(some.inputs, some.outputs, lengths=some.lengths, update=False,
                                               measure=False)
                right[rows] = whole(output.symbols, some.outputs, some.lengths)
                if output.memory_values is not None:
                    known.append(knowledge(output, some.outputs))
                done += len(rows)
                progress(done / len(examples))
        finally:
            self.model.memory = memory
        return right, {name: float(np.mean([one[name] for one in known])) for name in (known[0] if known else {})}


def of_one_length(lengths: Array, rng: np.random.Generator | None = None) -> list[Array]:
    """The rows in batches of equal lengths: each string is worked on in as many steps as if it were alone."""
    batches = [rows[start:start + AT_ONCE] for length in np.unique(lengths)
               for rows in [np.flatnonzero(lengths == length)] for start in range(0, len(rows), AT_ONCE)]
    return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]


def whole(symbols: Array, targets: Array, lengths: Array) -> Array:
    """Which strings have no wrong token up to their length. [B] bool"""
    wrong = (symbols != targets) & (np.arange(targets.shape[1]) < lengths[:, None])
    right: Array = ~wrong.any(axis=1)
    return right


def knowledge(output: Output, targets: Array) -> dict[str, float]:
    """How often the memory answered the right digit where one was wanted, and how surely."""
    assert output.memory_values is not None and output.confidence is not None
    digit = targets >= DIGIT_0
    return {"digit_hits": float((output.memory_values == targets)[digit].mean()),
            "confidence": float(output.confidence[digit].mean())}


def recipe(*, memory: bool, faithful: bool = False, query: str | None = None, search: str | None = None) -> Recipe:
    """The recipe for what was asked.

    Parameters
    ----------
    memory : bool
    faithful : bool
        As the paper's text: see `PAPER`.
    query : None
        Another model's choice.
    search : str, optional
        How the memory finds neighbours.

    Raises
    ------
    ValueError
        If a query is chosen.
    """
    if query is not None:
        raise ValueError("--query is a choice of seq2seq; the extended-neural-gpu asks with its mental image")
    chosen = NO_MEMORY if not memory else PAPER if faithful else RECIPE
    return chosen if search is None else replace(chosen, search=search)
