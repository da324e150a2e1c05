"""Training the translator: batches of sentences of one length, a trunk without a memory, and then the memory beside it.

A run has two parts. The trunk, the network without a memory, is trained for the first part of the budget; then the
memory joins, and the rest is trained with it: each batch asks the memory and is written to it, and it is never cleared.
A run without a memory goes the same way, over the same batches in the same order, and so does one that begins with the
trunk of another run: what is compared has had the same updates on the same sentences.

Once the memory is there, some updates show again a batch that was shown a little before. A sentence that comes again is
what the memory is for, and what the layer that joins it to the network must have met to trust it: but in a text whose
sentences are all different it would not meet one before the next epoch.

And some updates go without the memory's answers. While it trains, the memory knows more than it will of new sentences,
and a network that always hears it comes to lean on it, and unlearns what it could say alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from refmem.memory.memory import Memory
from refmem.storage import FileRefused

from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq.query import Query
from reference_models.seq2seq.size import Size
from reference_models.tasks.translation import Array, Batch, Encoded, batch, epoch
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay

TASK = "translation"


@dataclass(frozen=True)
class Recipe:
    """Settings of a run."""

    width: int = 192  # of the LSTM layers and of the embeddings
    attention: int = 128
    encoder_layers: int = 1
    decoder_layers: int = 2
    tied: bool = True  # softmax and target embedding
    keep: float = 0.85  # dropout
    smoothing: float = 0.1  # of the labels
    adam: Adam = field(default_factory=lambda: Adam(rate=2.5e-3))
    warm_up: int = 200  # updates until the rate is reached
    final_rate: float = 0.02  # what is left of it at the end, after a linear decay
    clip: float = 1.0  # bound of the global norm of the gradients
    tokens: int = 1000  # target tokens of a batch, padding counted
    updates: int = 20  # of one round, after which a run can be stopped
    memory_size: int = 65_536  # slots; 0: no memory at all
    memory_from: float = 0.8  # the fraction of the budget that the trunk is trained for
    memory_weight: float = 1.0  # of the margin loss
    search: str = "auto"
    query: Query = field(default_factory=lambda: Query("both", 192, True))
    again: float = 0.25  # share of the updates that show a recent batch again, once the memory is there
    recent: int = 30  # batches that it is chosen from
    alone: float = 0.5  # share of the updates that do without the memory's answers: it is asked and taught all the same

    def size(self, source: int, target: int) -> Size:
        """Of the network, for vocabularies of this many tokens."""
        return Size(source, target, width=self.width, embedding=self.width, attention=self.attention,
                    encoder_layers=self.encoder_layers, decoder_layers=self.decoder_layers, query=self.query,
                    tied=self.tied)

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"]), "query": Query(**facts["query"])})


class TranslationTraining:
    """A run: the network with or without its memory, the optimiser, the generator, and how far they have come.

    Parameters
    ----------
    recipe : Recipe
    text : Encoded
        What is learnt from.
    vocabularies : (int, int)
        Tokens of source and target.
    seed : int
        Of the first weights and of all that is drawn later.
    shards : int
        See `Seq2Seq`.
    """

    def __init__(self, recipe: Recipe, text: Encoded, vocabularies: tuple[int, int], *, seed: int,
                 shards: int = 1) -> None:
        self.recipe, self.text, self.vocabularies, self.seed, self.shards = recipe, text, vocabularies, seed, shards
        self.model = build(recipe, vocabularies, seed=seed, shards=shards, with_memory=not self._trunk_first())
        self.adam = adam.start(self.model.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []
        self.epoch, self.place = 0, 0  # where the run stands in the text
        self.before_memory: Callable[[], None] = lambda: None  # called when the trunk is done
        self._plan: tuple[int, list[Array]] | None = None

    def _trunk_first(self) -> bool:
        return self.recipe.memory_size == 0 or self.recipe.memory_from > 0

    def advance(self, spent: float) -> Mapping[str, float]:
        """One round of updates.

        Returns
        -------
        dict
            `loss`, nats a target token; `accuracy`, share of tokens that score highest; `tokens_a_second`; `epoch`;
            with a memory `memory_loss`, `hits`, the share of its answers that are right, and `confidence`, their mean;
            `images`, the target tokens trained on.
        """
        if spent >= self.recipe.memory_from and self.recipe.memory_size and self.model.memory is None:
            self.before_memory()
            self.join_memory()
        started, done, seen = monotonic(), 0, []
        for _ in range(self.recipe.updates):
            pairs = self._next(spent)
            output, cache = self.model.forward(pairs.source, pairs.target, training=True, rng=self.rng,
                                               sources=pairs.rows, read=self._heard())
            gradients, _ = clip_by_global_norm(self.model.backward(cache, release=True), self.recipe.clip)
            warm = min(1.0, (self.adam.step + 1) / max(1, self.recipe.warm_up))
            adam.update(self.model.params, gradients, self.adam, self.recipe.adam,
                        factor=warm * linear_decay(spent, self.recipe.final_rate))
            figures = {"loss": output.loss, "accuracy": float(output.right.mean())}
            if output.memory is not None:
                labels = pairs.target[output.sentence, output.step]
                figures |= {"memory_loss": output.memory_loss or 0.0,
                            "hits": float((output.memory.values == labels).mean()),
                            "confidence": float(output.memory.confidence[:, 0].mean())}
            seen.append(figures)
            done += len(output.step)
        means = {name: float(np.mean([figures[name] for figures in seen if name in figures])) for name in seen[-1]}
        return means | {"tokens_a_second": round(done / (monotonic() - started)), "epoch": self.epoch, "images": done}

    def join_memory(self) -> None:
        """Give the trunk its memory: what is new of the weights is as in a fresh network, what joins it is zero."""
        grown = build(self.recipe, self.vocabularies, seed=self.seed, shards=self.shards, with_memory=True)
        for name, weights in grown.params.items():
            before = self.model.params.get(name)
            if before is None:
                continue
            weights[:len(before)] = before
            weights[len(before):] = 0  # of the combining layer, the rows for what the memory says
        state = adam.start(grown.params)
        state.step = self.adam.step
        for new, old in ((state.first, self.adam.first), (state.second, self.adam.second)):
            for name, mean in old.items():
                new[name][:len(mean)] = mean
        self.model, self.adam = grown, state

    def _next(self, spent: float) -> Batch:
        """The next batch of the epoch, or a recent one again."""
        repeats = spent >= self.recipe.memory_from and self.rng.random() < self.recipe.again
        if self._plan is None or self._plan[0] != self.epoch:
            order = np.random.default_rng([self.seed, 10, self.epoch])
            self._plan = (self.epoch, epoch(self.text, tokens=self.recipe.tokens, rng=order))
        plan = self._plan[1]
        if repeats and self.place:
            return batch(self.text, plan[int(self.rng.integers(max(0, self.place - self.recipe.recent), self.place))])
        rows = plan[self.place]
        self.place += 1
        if self.place == len(plan):
            self.epoch, self.place = self.epoch + 1, 0
        return batch(self.text, rows)

    def _heard(self) -> bool:
        """Whether the next update hears the memory; drawn apart, so that a run without one has the same batches."""
        return bool(np.random.default_rng([self.seed, 11, self.adam.step]).random() >= self.recipe.alone)

    # --- Measuring, saving ----------------------------------------------------------------------------------------

    def validate(self, text: Encoded, *, tokens: int = 2000) -> dict[str, float]:
        """Loss and accuracy on other sentences; the memory is read and not written."""
        losses, right, count = 0.0, 0.0, 0
        for rows in epoch(text, tokens=tokens, rng=np.random.default_rng(0)):
            pairs = batch(text, rows)
            output, _ = self.model.forward(pairs.source, pairs.target, update=False)
            losses += float(output.token_loss.sum())
            right += float(output.right.sum())
            count += len(output.step)
        return {"validation_loss": losses / count, "validation_accuracy": right / count}

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands, memory and all."""
        extras: dict[str, dict[str, Array]] = {"statistics": self.model.statistics}
        notes: dict[str, Any] = {"epoch": self.epoch, "place": self.place, "vocabularies": list(self.vocabularies)}
        if self.model.memory is not None:
            notes["memory"], extras["memory"] = self.model.memory.contents()
        return checkpoint.of(self, TASK, self.model.params, settings, extras=extras, notes=notes)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made, or from its trunk.

        Raises
        ------
        FileRefused
            If its weights are not those of this network, or its vocabularies have other sizes.
        """
        self.model = restored(self.recipe, saved, shards=self.shards)
        if self.vocabularies != tuple(saved.notes["vocabularies"]):
            raise FileRefused(f"the checkpoint belongs to vocabularies of {saved.notes['vocabularies']} tokens, "
                              f"not of {list(self.vocabularies)}")
        checkpoint.go_on(self, saved)
        self.epoch, self.place = saved.notes["epoch"], saved.notes["place"]


def build(recipe: Recipe, vocabularies: tuple[int, int], *, seed: int, shards: int = 1,
          with_memory: bool = True) -> Seq2Seq:
    """The network of a recipe, untrained."""
    return Seq2Seq(recipe.size(*vocabularies), memory_size=recipe.memory_size if with_memory else 0,
                   memory_weight=recipe.memory_weight, keep=recipe.keep, smoothing=recipe.smoothing, shards=shards,
                   seed=seed, search=recipe.search)


def restored(recipe: Recipe, saved: checkpoint.Checkpoint, *, shards: int = 1) -> Seq2Seq:
    """The network of a checkpoint, with its memory where it has one.

    Raises
    ------
    FileRefused
        If the weights are not those of the recipe's network.
    """
    try:
        sizes = tuple(saved.notes["vocabularies"])
        model = build(recipe, (sizes[0], sizes[1]), seed=0, shards=shards, with_memory="memory" in saved.extras)
        checkpoint.put_params(model.params, saved.params)
        for name, running in model.statistics.items():
            running[...] = saved.extras["statistics"][name]
        if model.memory is not None:
            model.memory = _memory_of(saved)
    except (KeyError, IndexError, TypeError) as error:
        raise FileRefused(f"the checkpoint lacks a part of a translator ({error})") from error
    return model


def _memory_of(saved: checkpoint.Checkpoint) -> Memory:
    try:
        return Memory.from_contents(saved.notes["memory"], saved.extras["memory"])
    except ValueError as error:
        raise FileRefused(f"the checkpoint holds a memory that cannot be: {error}") from error
