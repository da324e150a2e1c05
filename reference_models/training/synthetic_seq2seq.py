"""Training the LSTM encoder-decoder on the synthetic task, so that its queries do not collapse.

What goes wrong by itself: with four digits, a query that says nothing has random numbers for its nearest right and its
nearest wrong key, and the margin loss cannot tell it from a better one; so all queries stay alike. The way out is to
make one number a large share of what the memory holds. Training goes in episodes, each with all training strings of n
numbers, from an empty memory: n = 12 first, numbers that have many strings, then more and more, each time when the
memory's answers have become good enough. What the queries learn at 12 carries over.

Before the episodes, the network learns to copy strings, short ones first. After them the memory is cleared and shown
the whole training set once, without any training.

The paper does none of this: it queries with the attention's context and never clears. The recipe "paper" does that too.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any

import numpy as np

from refmem.memory.memory import Memory
from refmem.storage import FileRefused

from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq.query import Query
from reference_models.seq2seq.size import Size
from reference_models.tasks.synthetic import DIGIT_0, PAD, SHORTEST, SYMBOLS, Array, Examples, digits
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay

TASK = "synthetic seq2seq"
START, END, SHIFT = 1, 2, 2
"""The network's tokens: 0 is padding, 1 the start, 2 the end; a symbol of the task is two more than in the task."""
VOCABULARY = len(SYMBOLS) + SHIFT
AT_ONCE = 32  # strings, when nothing is trained
GOAL_ROUNDS = 4  # whose mean must reach the goal of a stage
FAMILY = 12  # numbers that look alike, in an episode of such
FIRST = 0.75  # of the families share their first digits: at the last of its digits an output tells the number already
COPY_ROUNDS = 40  # of the warm-up, until strings are as long as they come


COPY, EVERYTHING = 0, -1


@dataclass(frozen=True)
class Stage:
    """A part of the training. It ends when the goal is reached in the mean of a few rounds; the last one never."""

    numbers: int  # in an episode; `COPY` for the warm-up, `EVERYTHING` in random order and never cleared
    batch: int  # strings of an update
    goal: float = 1.0  # right digits of the memory; in the warm-up, strings copied without a fault
    often: int = 1  # numbers that have at least so many training strings
    longest: int | None = None  # longer strings are cut to a random length up to this; None: they stay whole
    alike: float = 0.0  # share of the episodes made of families, with their first or their last digits in common


@dataclass(frozen=True)
class Recipe:
    """Settings of a run."""

    width: int = 128
    encoder_layers: int = 1
    stages: tuple[Stage, ...] = (Stage(COPY, 32, 0.4), Stage(12, 4, 0.6, 5), Stage(25, 4, 0.6, 5),
                                 Stage(60, 8, 0.55, 4), Stage(250, 16, 0.5), Stage(1000, 32, 0.5), Stage(3000, 32))
    query: Query = field(default_factory=lambda: Query("both", 128, True))
    forget_bias: float = 2.0
    adam: Adam = field(default_factory=lambda: Adam(rate=1.5e-3))
    final_rate: float = 0.2
    clip: float = 1.0
    keep: float = 1.0
    memory: bool = True
    memory_weight: float = 3.0
    memory_size: int = 524_288  # at the end; an episode has a memory that holds it
    search: str = "auto"
    rewrite: bool = True  # clear at the end and show the training set once
    strings: int = 256  # of one round, after which a run can be stopped

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"]), "query": Query(**facts["query"]),
                                 "stages": tuple(Stage(**stage) for stage in facts["stages"])})


RECIPE = Recipe()
NO_MEMORY = Recipe(width=256, encoder_layers=2, memory=False, stages=(Stage(EVERYTHING, 64),), keep=0.8)
"""The paper's baseline: two layers of 256 with attention."""
PAPER = Recipe(width=256, encoder_layers=2, query=Query(), forget_bias=1.0, memory_weight=1.0,
               stages=(Stage(EVERYTHING, 16),), rewrite=False)
"""The text: queries from the attention's context, a memory of half a million slots that is never cleared."""


class SyntheticSeq2Seq:
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

    def __init__(self, recipe: Recipe, train: Examples, *, seed: int, shards: int = 1) -> None:
        self.recipe, self.examples, self.seed, self.shards = recipe, train, seed, shards
        self.model = build(recipe, seed=seed, shards=shards)
        self.adam = adam.start(self.model.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []
        self.queue = np.zeros(0, np.int64)  # strings of the episode that are still to come
        self.of_number = {int(number): np.flatnonzero(train.numbers == number)
                          for number in np.unique(train.numbers)}
        self.slots = 0  # of the episode's memory
        self.stage, self.rounds = 0, 0  # which, and how many rounds it has lasted

    # --- Training -------------------------------------------------------------------------------------------------

    def advance(self, spent: float) -> Mapping[str, float]:
        """Train on some strings.

        Returns
        -------
        dict
            `loss`, nats a token; `accuracy`, share of strings all of whose tokens score highest; `numbers` in an
            episode; with a memory `digit_hits`, how often it answers the right digit where one is wanted, and
            `confidence`, its mean there; `tokens_a_second`; `images`, the strings trained on.
        """
        recipe, stage = self.recipe, self.recipe.stages[self.stage]
        started, strings, tokens, seen = monotonic(), 0, 0, []
        while strings < recipe.strings:
            rows = self._next(stage)
            source, target = both_sides(self.examples, rows, copy=stage.numbers == COPY)
            output, cache = self.model.forward(source, target, update=stage.numbers != COPY, training=True,
                                               rng=self.rng, sources=rows)
            gradients, _ = clip_by_global_norm(self.model.backward(cache), recipe.clip)
            adam.update(self.model.params, gradients, self.adam, recipe.adam,
                        factor=linear_decay(spent, recipe.final_rate))
            figures = {"loss": output.loss, "accuracy": float(whole(output, len(rows)).mean())}
            if output.memory is not None and stage.numbers != COPY:
                labels = target[output.sentence, output.step]
                digit = labels >= DIGIT_0 + SHIFT
                figures |= {"memory_loss": output.memory_loss or 0.0,
                            "digit_hits": float((output.memory.values == labels)[digit].mean()),
                            "confidence": float(output.memory.confidence[digit, 0].mean())}
            seen.append(figures)
            strings += len(rows)
            tokens += len(output.step)
        means = {name: float(np.mean([one[name] for one in seen if name in one])) for name in seen[-1]}
        self._maybe_next_stage(stage, means)
        return means | {"numbers": stage.numbers, "tokens_a_second": round(tokens / (monotonic() - started)),
                        "images": strings}

    def _maybe_next_stage(self, stage: Stage, means: Mapping[str, float]) -> None:
        self.rounds += 1
        name = "accuracy" if stage.numbers == COPY else "digit_hits"
        recent = [*(point[name] for point in self.curve[-GOAL_ROUNDS + 1:] if name in point), means.get(name, 0.0)]
        if self.stage + 1 < len(self.recipe.stages) and self.rounds >= GOAL_ROUNDS and np.mean(recent) >= stage.goal:
            self.stage, self.rounds, self.queue = self.stage + 1, 0, self.queue[:0]

    def _next(self, stage: Stage) -> Array:
        """The strings of the next update. An episode that begins finds the memory empty."""
        train = self.examples
        if stage.numbers == COPY:  # short strings first
            longest = SHORTEST + self.rounds * (int(train.lengths.max()) - SHORTEST) / COPY_ROUNDS
            return self.rng.choice(np.flatnonzero(train.lengths <= longest), stage.batch)
        if not len(self.queue):
            if stage.numbers == EVERYTHING:
                self.queue = self._shuffled(np.arange(len(train)), stage)
            else:
                frequent = [number for number, rows in self.of_number.items() if len(rows) >= stage.often]
                numbers = self._numbers(np.array(frequent or list(self.of_number)), stage)
                rows = np.concatenate([self.of_number[int(number)] for number in numbers])
                self.queue = self._shuffled(rows, stage)
            if self.model.memory is not None and (stage.numbers > 0 or self.slots == 0):
                tokens = int((train.lengths[self.queue] + 1).sum())  # most are letters, and soon share few slots
                self._fresh_memory(tokens // 3 if stage.numbers > 0 else self.recipe.memory_size)
        rows, self.queue = self.queue[:stage.batch], self.queue[stage.batch:]
        return rows

    def _numbers(self, among: Array, stage: Stage) -> Array:
        """Those of an episode: any of these or, where the stage wants it, families of such as look alike."""
        count = min(stage.numbers, len(among))
        if not stage.alike or self.rng.random() >= stage.alike:
            return self.rng.choice(among, count, replace=False)
        written = digits(among)  # [N, 7]
        orders = [np.lexsort(written.T[::-1]), np.lexsort(written.T)]  # by the first digits, by the last
        chosen = np.zeros(len(among), bool)
        while (missing := count - int(chosen.sum())) > 0:
            size = min(FAMILY, missing)
            start = int(self.rng.integers(len(among) - size + 1))
            chosen[orders[int(self.rng.random() > FIRST)][start:start + size]] = True
        return among[chosen]

    def _shuffled(self, rows: Array, stage: Stage) -> Array:
        return self.rng.permutation(rows)

    def _fresh_memory(self, slots: int) -> None:
        """An empty memory of at least so many slots, at most as many as the recipe has."""
        wanted = min(self.recipe.memory_size, 1 << max(8, int(slots - 1).bit_length()))
        assert self.model.memory is not None
        if wanted == self.slots:
            self.model.memory.clear()
            return
        self.slots = wanted
        self.model.memory = Memory(self.model.size.query_width, wanted, profile=self.model.memory.profile,
                                   vocab_size=VOCABULARY, dtype=self.model.dtype, search=self.recipe.search)

    def finish(self, progress: Callable[[float], None] = lambda done: None) -> None:
        """Clear the memory and show it the training set, where the recipe says so."""
        if self.model.memory is None or not self.recipe.rewrite:
            return
        self.slots = 0
        self._fresh_memory(self.recipe.memory_size)
        for start in range(0, len(self.examples), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(self.examples)))
            self.model.show(*both_sides(self.examples, rows), sources=rows)
            progress(start / len(self.examples))

    # --- Measuring ------------------------------------------------------------------------------------------------

    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = lambda done: None) -> tuple[Array, dict[str, float]]:
        """Which strings are written without a fault, end and all, and what the memory knew.

        The right token scores highest at each step after the right ones before it: that is the same as writing the
        string alone, greedily, without a fault.

        Parameters
        ----------
        zeroed : bool
            Replace the memory's answers by zeros.
        """
        right = np.zeros(len(examples), bool)
        hits, confidence, digits = 0.0, 0.0, 0
        model, memory = self.model, self.model.memory
        if zeroed and memory is not None:  # an empty memory answers with confidence 0, and need not be searched
            model.memory = Memory(memory.key_dim, 1, profile=memory.profile, vocab_size=VOCABULARY, dtype=memory.dtype)
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

    # --- Saving ---------------------------------------------------------------------------------------------------

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
        if params.keys() != saved.params.keys() or any(saved.params[n].shape != w.shape for n, w in params.items()):
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
