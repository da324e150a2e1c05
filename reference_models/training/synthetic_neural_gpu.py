"""Training the Extended Neural GPU on the synthetic task, with a memory on its tape or without.        (LTRRE §4)

The stages are those of `synthetic_seq2seq`: copying first, then episodes of few numbers, then of more, so that the
memory's queries do not collapse; in the end the memory is cleared and shown the training set once. Input and output
have the same length, so that no end has to be said. The paper's network has 32 maps.

Two things are added. A network of n steps on n positions needs time in proportion to n^2, so it learns on pieces of the
training strings, letters around a number, and on longer ones only towards the end; all strings of a batch have one
length, and take as many steps as they would alone. And what is learnt last is to ask with all seven digits at the first
and at the last of them, six positions away from the other end. Random numbers differ in nearly every digit and do not
need that; numbers with their first or their last digits in common do, so many episodes are made of such.

The paper says none of this. It asks with one row of 32 maps; the recipe with all rows, see `neural_gpu.queries`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any

import numpy as np

from refmem.memory.memory import Memory
from refmem.storage import FileRefused

from reference_models import neural_gpu
from reference_models.neural_gpu.extended import ExtendedNeuralGPU, ExtendedSize, Output
from reference_models.parallel import data_parallel
from reference_models.tasks.synthetic import DIGIT_0, SHORTEST, SYMBOLS, Array, Examples
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay
from reference_models.training.synthetic_seq2seq import (
    AT_ONCE,
    COPY,
    COPY_ROUNDS,
    EVERYTHING,
    Stage,
    SyntheticSeq2Seq,
)

TASK = "synthetic extended-neural-gpu"


@dataclass(frozen=True)
class Recipe:
    """Settings of a run."""

    size: ExtendedSize = field(default_factory=lambda: ExtendedSize(query_rows="all", query_width=128,
                                                                    query_norm=True))
    stages: tuple[Stage, ...] = (
        Stage(COPY, 16, 0.6, 1, 16), Stage(12, 4, 0.7, 5, 12, 0.5), Stage(25, 4, 0.7, 5, 12, 0.5),
        Stage(60, 8, 0.65, 4, 12, 0.6), Stage(250, 16, 0.64, 3, 12, 0.8), Stage(1000, 32, 0.66, 3, 20, 0.8),
        Stage(1000, 32, 1.0, 3, 32, 0.8))
    adam: Adam = field(default_factory=lambda: Adam(rate=3e-3, epsilon=1e-5))
    final_rate: float = 0.05
    clip: float = 1.0
    memory: bool = True
    memory_weight: float = 3.0
    memory_size: int = 524_288
    search: str = "auto"
    rewrite: bool = True  # clear at the end and show the training set once
    shown: int | None = 9  # then, strings are cut to this length
    strings: int = 256  # of one round, after which a run can be stopped

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"]), "size": ExtendedSize(**facts["size"]),
                                 "stages": tuple(Stage(**stage) for stage in facts["stages"])})


RECIPE = Recipe()
NO_MEMORY = Recipe(memory=False, stages=(Stage(COPY, 16, 0.6, 1, 16), Stage(EVERYTHING, 32, longest=32)))
PAPER = Recipe(size=ExtendedSize(), stages=(Stage(EVERYTHING, 16),), memory_weight=1.0, rewrite=False)
"""The text: a memory of half a million slots that is never cleared, and strings in random order."""


class SyntheticNeuralGPU(SyntheticSeq2Seq):
    """A run. Its stages, and the strings of each update, are those of the class it stands on.

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
    recipe: Recipe  # type: ignore[assignment]
    model: ExtendedNeuralGPU  # type: ignore[assignment]

    def __init__(self, recipe: Recipe, train: Examples, *, seed: int, shards: int = 1) -> None:
        self.recipe, self.examples, self.seed = recipe, train, seed
        self.shards = 1 if recipe.memory else shards
        self.model = ExtendedNeuralGPU(recipe.size, len(SYMBOLS), memory_size=1 if recipe.memory else 0, seed=seed)
        self.adam = adam.start(self.model.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []
        self.queue = np.zeros(0, np.int64)
        self.of_number = {int(number): np.flatnonzero(train.numbers == number) for number in np.unique(train.numbers)}
        self.slots = 0
        self.stage, self.rounds = 0, 0

    def advance(self, spent: float) -> Mapping[str, float]:
        """Train on some strings.

        Returns
        -------
        dict
            `loss`, nats a token; `accuracy`, share of strings all of whose tokens score highest; `numbers` in an
            episode; with a memory `memory_loss`, `digit_hits` and `confidence` where a digit is wanted;
            `tokens_a_second`; `images`, the strings trained on.
        """
        recipe, stage = self.recipe, self.recipe.stages[self.stage]
        started, strings, tokens, seen = monotonic(), 0, 0, []
        factor = linear_decay(spent, recipe.final_rate)
        while strings < recipe.strings:
            some = self._some(stage)
            targets = some.inputs if stage.numbers == COPY else some.outputs
            learning = stage.numbers != COPY
            figures, gradients = self._gradients(some.inputs, targets, some.lengths, learning)
            gradients, _ = clip_by_global_norm(gradients, recipe.clip)
            adam.update(self.model.params, gradients, self.adam, recipe.adam, factor=factor)
            seen.append(figures)
            strings += len(some)
            tokens += int(some.lengths.sum())
        means = {name: float(np.mean([one[name] for one in seen if name in one])) for name in seen[-1]}
        self._maybe_next_stage(stage, means)
        return means | {"numbers": stage.numbers, "tokens_a_second": round(tokens / (monotonic() - started)),
                        "images": strings}

    def _some(self, stage: Stage) -> Examples:
        """The strings of the next update, all of one length where the stage cuts them."""
        if stage.longest is None:
            return self.examples.take(self._next(stage))
        longest = stage.longest
        if stage.numbers == COPY:
            longest = round(SHORTEST + min(1.0, self.rounds / COPY_ROUNDS) * (longest - SHORTEST))
        length = int(self.rng.integers(SHORTEST, longest + 1))
        if stage.numbers == COPY:
            rows = self.rng.choice(np.flatnonzero(self.examples.lengths >= length), stage.batch)
        else:
            rows = self._next(stage)
            length = min(length, int(self.examples.lengths[rows].min()))
        return self.examples.take(rows).cut(length, self.rng)

    def _shuffled(self, rows: Array, stage: Stage) -> Array:
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

    def _fresh_memory(self, slots: int) -> None:
        """An empty memory of at least so many slots, at most as many as the recipe has."""
        wanted = min(self.recipe.memory_size, 1 << max(8, int(slots - 1).bit_length()))
        assert self.model.memory is not None
        if wanted == self.slots:
            self.model.memory.clear()
            return
        self.slots = wanted
        self.model.memory = self._memory(wanted)

    def _memory(self, slots: int) -> Memory:
        before = self.model.memory
        assert before is not None
        return Memory(before.key_dim, slots, profile=before.profile, vocab_size=before.vocab_size, dtype=before.dtype,
                      search=self.recipe.search if slots > 1 else "exact")

    def finish(self, progress: Callable[[float], None] = lambda done: None) -> None:
        """Clear the memory and show it the training set, where the recipe says so."""
        if self.model.memory is None or not self.recipe.rewrite:
            return
        self.slots = 0
        self._fresh_memory(self.recipe.memory_size)
        shown = self.examples if self.recipe.shown is None else self.examples.cut(self.recipe.shown, self.rng)
        done = 0
        for rows in of_one_length(shown.lengths, self.rng):
            some = shown.take(rows)
            self.model.forward(some.inputs, some.outputs, lengths=some.lengths)
            done += len(rows)
            progress(done / len(shown))

    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = lambda done: None) -> tuple[Array, dict[str, float]]:
        """Which strings come out without a fault, and what the memory knew.

        The right token scores highest at each step after the right ones before it: that is the same as writing the
        string alone, greedily, without a fault.

        Parameters
        ----------
        zeroed : bool
            Replace the memory's answers by zeros: those of an empty one.
        """
        right = np.zeros(len(examples), bool)
        known: list[dict[str, float]] = []
        memory = self.model.memory
        if zeroed and memory is not None:
            self.model.memory = self._memory(1)
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

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands, memory and all."""
        extras: dict[str, dict[str, Array]] = {"statistics": self.model.statistics, "queue": {"rows": self.queue}}
        notes: dict[str, Any] = {"slots": self.slots, "stage": self.stage, "rounds": self.rounds}
        if self.model.memory is not None:
            notes["memory"], extras["memory"] = self.model.memory.contents()
        return checkpoint.Checkpoint(TASK, settings | {"recipe": self.recipe.as_facts(), "seed": self.seed},
                                     self.model.params, self.adam, self.rng.bit_generator.state, self.counters,
                                     self.curve, extras, notes)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made.

        Raises
        ------
        FileRefused
            If its weights are not those of this network.
        """
        params = self.model.params
        if {n: w.shape for n, w in params.items()} != {n: w.shape for n, w in saved.params.items()}:
            raise FileRefused("the checkpoint holds the weights of another network")
        for name, weights in params.items():
            weights[...] = saved.params[name]
        for name, running in self.model.statistics.items():
            running[...] = saved.extras["statistics"][name]
        if self.model.memory is not None:
            self.model.memory = Memory.from_contents(saved.notes["memory"], saved.extras["memory"])
        self.adam, self.rng = saved.adam, checkpoint.generator(saved.rng)
        self.counters, self.curve = saved.counters, saved.curve
        self.queue, self.slots = saved.extras["queue"]["rows"], saved.notes["slots"]
        self.stage, self.rounds = saved.notes["stage"], saved.notes["rounds"]


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
