"""Training on the synthetic task in stages and episodes, so that the memory's queries do not collapse.

What goes wrong by itself: with four digits, a query that says nothing has random numbers for its nearest right and its
nearest wrong key, and the margin loss cannot tell it from a better one; so all queries stay alike. The way out is to
make one number a large share of what the memory holds. Training goes in episodes, each with all training strings of n
numbers, from an empty memory: n = 12 first, numbers that have many strings, then more and more, each time when the
memory's answers have become good enough. What the queries learn at 12 carries over.

Before the episodes, the network learns to copy strings, short ones first. After them the memory is cleared and shown
the whole training set, without any training, and more than once: a query whose nearest key has the right digit by
chance, one in four does, is averaged into the key of another number, and is found only when it has come again.

The paper does none of this: it never clears.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np

from refmem.memory.memory import Memory
from refmem.storage import FileRefused

from reference_models.tasks.synthetic import SHORTEST, Array, Examples, digits
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay

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
class EpisodeRecipe:
    """What the recipes of all models have."""

    stages: tuple[Stage, ...] = (Stage(EVERYTHING, 16),)
    adam: Adam = field(default_factory=Adam)
    final_rate: float = 1.0
    clip: float = 1.0
    memory: bool = True
    memory_weight: float = 3.0
    memory_size: int = 524_288  # at the end; an episode has a memory that holds it
    search: str = "auto"
    rewrite: bool = True  # clear at the end and show the training set
    passes: int = 3  # of that; so often LTRRE §4 shows a context
    strings: int = 256  # of one round, after which a run can be stopped

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)


def parts_from_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a recipe that are no plain numbers, from the facts of a checkpoint."""
    return {"adam": Adam(**facts["adam"]), "stages": tuple(Stage(**stage) for stage in facts["stages"])}


class Model(Protocol):
    """A network with a memory, or without."""

    params: dict[str, Array]
    statistics: dict[str, Array]
    memory: Memory | None


class Update(NamedTuple):
    """What some strings have taught."""

    figures: dict[str, float]
    gradients: dict[str, Array]
    strings: int
    tokens: int


class SyntheticTraining(ABC):
    """A run; what each model does itself is `update`, `show` and `right`.

    Parameters
    ----------
    recipe : EpisodeRecipe
    model : Model
        With a memory of one slot, if any, until an episode begins.
    train : Examples
    seed : int
        Of all that is drawn.
    """

    task: str  # of its checkpoints

    def __init__(self, recipe: EpisodeRecipe, model: Model, train: Examples, *, seed: int) -> None:
        self.recipe, self.model, self.examples, self.seed = recipe, model, train, seed
        self.adam = adam.start(model.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []
        self.queue = np.zeros(0, np.int64)  # strings of the episode that are still to come
        self.of_number = {int(number): np.flatnonzero(train.numbers == number)
                          for number in np.unique(train.numbers)}
        self.slots = 0  # of the episode's memory
        self.stage, self.rounds = 0, 0  # which, and how many rounds it has lasted

    @abstractmethod
    def update(self, stage: Stage) -> Update:
        """Figures and gradients of the next strings; the memory is taught, the weights are not."""

    @abstractmethod
    def show(self, progress: Callable[[float], None]) -> None:
        """Write the training set to the memory."""

    @abstractmethod
    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = lambda done: None) -> tuple[Array, dict[str, float]]:
        """Which strings are written without a fault, and what the memory knew.

        The right token scores highest at each step after the right ones before it: that is the same as writing the
        string alone, greedily, without a fault.

        Parameters
        ----------
        zeroed : bool
            Replace the memory's answers by zeros.
        """

    # --- Training -------------------------------------------------------------------------------------------------

    def advance(self, spent: float) -> Mapping[str, float]:
        """Train on some strings.

        Returns
        -------
        dict
            `loss`, nats a token; `accuracy`, share of strings all of whose tokens score highest; `numbers` in an
            episode; with a memory `memory_loss`, `digit_hits`, how often it answers the right digit where one is
            wanted, and `confidence`, its mean there; `tokens_a_second`; `images`, the strings trained on.
        """
        recipe, stage = self.recipe, self.recipe.stages[self.stage]
        started, strings, tokens, seen = monotonic(), 0, 0, []
        factor = linear_decay(spent, recipe.final_rate)
        while strings < recipe.strings:
            done = self.update(stage)
            gradients, _ = clip_by_global_norm(done.gradients, recipe.clip)
            adam.update(self.model.params, gradients, self.adam, recipe.adam, factor=factor)
            seen.append(done.figures)
            strings += done.strings
            tokens += done.tokens
        means = {name: float(np.mean([one[name] for one in seen if name in one])) for name in seen[-1]}
        self.maybe_next_stage(stage, means)
        return means | {"numbers": stage.numbers, "tokens_a_second": round(tokens / (monotonic() - started)),
                        "images": strings}

    def maybe_next_stage(self, stage: Stage, means: Mapping[str, float]) -> None:
        """Count a round, and go on to the next stage where this one's goal is reached."""
        self.rounds += 1
        name = "accuracy" if stage.numbers == COPY else "digit_hits"
        recent = [*(point[name] for point in self.curve[-GOAL_ROUNDS + 1:] if name in point), means.get(name, 0.0)]
        if self.stage + 1 < len(self.recipe.stages) and self.rounds >= GOAL_ROUNDS and np.mean(recent) >= stage.goal:
            self.stage, self.rounds, self.queue = self.stage + 1, 0, self.queue[:0]

    def next(self, stage: Stage) -> Array:
        """The strings of the next update. An episode that begins finds the memory empty."""
        train = self.examples
        if stage.numbers == COPY:  # short strings first
            longest = SHORTEST + self.rounds * (int(train.lengths.max()) - SHORTEST) / COPY_ROUNDS
            return self.rng.choice(np.flatnonzero(train.lengths <= longest), stage.batch)
        if not len(self.queue):
            if stage.numbers == EVERYTHING:
                self.queue = self.shuffled(np.arange(len(train)), stage)
            else:
                frequent = [number for number, rows in self.of_number.items() if len(rows) >= stage.often]
                numbers = self.numbers_of(np.array(frequent or list(self.of_number)), stage)
                rows = np.concatenate([self.of_number[int(number)] for number in numbers])
                self.queue = self.shuffled(rows, stage)
            if self.model.memory is not None and (stage.numbers > 0 or self.slots == 0):
                tokens = int((train.lengths[self.queue] + 1).sum())  # most are letters, and soon share few slots
                self.fresh_memory(tokens // 3 if stage.numbers > 0 else self.recipe.memory_size)
        rows, self.queue = self.queue[:stage.batch], self.queue[stage.batch:]
        return rows

    def numbers_of(self, among: Array, stage: Stage) -> Array:
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

    def shuffled(self, rows: Array, stage: Stage) -> Array:
        """The strings of an episode, in the order in which they come."""
        return self.rng.permutation(rows)

    def finish(self, progress: Callable[[float], None] = lambda done: None) -> None:
        """Clear the memory and show it the training set, where the recipe says so."""
        if self.model.memory is None or not self.recipe.rewrite:
            return
        self.slots, passes = 0, self.recipe.passes
        self.fresh_memory(self.recipe.memory_size)
        for turn in range(passes):
            def of_turn(done: float, turn: int = turn) -> None:
                progress((turn + done) / passes)

            self.show(of_turn)

    # --- The memory -----------------------------------------------------------------------------------------------

    def fresh_memory(self, slots: int) -> None:
        """An empty memory of at least so many slots, at most as many as the recipe has."""
        wanted = min(self.recipe.memory_size, 1 << max(8, int(slots - 1).bit_length()))
        assert self.model.memory is not None
        if wanted == self.slots:
            self.model.memory.clear()
            return
        self.slots = wanted
        self.model.memory = self.memory_of(wanted)

    def memory_of(self, slots: int) -> Memory:
        """An empty one, otherwise as the model's."""
        before = self.model.memory
        assert before is not None
        return Memory(before.key_dim, slots, profile=before.profile, vocab_size=before.vocab_size, dtype=before.dtype,
                      search=self.recipe.search if slots > 1 else "exact")

    # --- Saving ---------------------------------------------------------------------------------------------------

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands, memory and all."""
        extras: dict[str, dict[str, Array]] = {"statistics": self.model.statistics, "queue": {"rows": self.queue}}
        notes: dict[str, Any] = {"slots": self.slots, "stage": self.stage, "rounds": self.rounds}
        if self.model.memory is not None:
            notes["memory"], extras["memory"] = self.model.memory.contents()
        return checkpoint.of(self, self.task, self.model.params, settings, extras=extras, notes=notes)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made.

        Raises
        ------
        FileRefused
            If its weights are not those of this network, or a part of the run is not there.
        """
        checkpoint.put_params(self.model.params, saved.params)
        try:
            for name, running in self.model.statistics.items():
                running[...] = saved.extras["statistics"][name]
            if self.model.memory is not None:
                self.model.memory = Memory.from_contents(saved.notes["memory"], saved.extras["memory"])
            self.queue, self.slots = saved.extras["queue"]["rows"], saved.notes["slots"]
            self.stage, self.rounds = saved.notes["stage"], saved.notes["rounds"]
        except (KeyError, TypeError, ValueError) as error:
            raise FileRefused(f"the checkpoint lacks a part of a run of the synthetic task ({error})") from error
        checkpoint.go_on(self, saved)
