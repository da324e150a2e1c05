"""Training a classifier of sequences: a fixed set of examples, Adam with a held and then falling rate, clipping.

The run advances in stretches of a few hundred updates, between which it can be stopped, saved and gone on with. The
order of the examples is drawn anew for each pass, from the seed and the number of the pass alone: where a run stands is
one number.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from refmem.arrays import Array
from refmem.ops import softmax_cross_entropy

from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.schedule import Budget, Counters

STRETCH = 250  # updates
AT_ONCE = 1000  # examples measured at once


class Model(Protocol):
    """What can be trained."""

    params: dict[str, Array]

    def forward(self, x: Array) -> tuple[Array, Any]:
        """(logits [B, C], cache) of examples [B, ...]."""

    def backward(self, d_logits: Array, cache: Any) -> dict[str, Array]:
        """The gradients of the params."""


class Examples(Protocol):
    """A set of examples."""

    @property
    def labels(self) -> Any:
        """[N] int."""

    def rows(self, which: Any) -> Any:
        """The inputs [B, ...] of these examples."""


@dataclass(frozen=True)
class Schedule:
    """How a run is trained."""

    updates: int
    batch: int = 128  # FW §4
    adam: Adam = field(default_factory=lambda: Adam(rate=2e-3))
    hold: float = 0.4  # of all updates, before the rate falls in a straight line to 0
    clip: float | None = 1.0  # bound of the global norm of the gradients

    def __post_init__(self) -> None:
        if self.updates < 1 or self.batch < 1:
            raise ValueError(f"updates and batch must be at least 1, got {self.updates} and {self.batch}")
        if not 0 <= self.hold <= 1:
            raise ValueError(f"hold must lie in [0, 1], got {self.hold}")

    @property
    def stretches(self) -> int:
        """How many stretches there are; the last may be shorter."""
        return -(-self.updates // STRETCH)

    def budget(self) -> Budget:
        """The same for the training loop."""
        return Budget(episodes=self.stretches)

    def factor(self, update: int) -> float:
        """Of the learning rate."""
        spent = update / self.updates
        return 1.0 if spent <= self.hold else (1 - spent) / (1 - self.hold)

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)


class SequenceTraining:
    """A run.

    Parameters
    ----------
    task : str
        What its checkpoints say they are of.
    model : Model
    examples : Examples
        What is learnt from; at least a batch of them.
    schedule : Schedule
    seed : int
        Of the order of the examples.
    """

    def __init__(self, task: str, model: Model, examples: Examples, schedule: Schedule, *, seed: int) -> None:
        if len(examples.labels) < schedule.batch:
            raise ValueError(f"a batch has {schedule.batch} examples, and there are only {len(examples.labels)}")
        self.task, self.model, self.examples, self.schedule, self.seed = task, model, examples, schedule, seed
        self.adam = adam.start(model.params)
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []
        self._order: tuple[int, Any] = (-1, None)

    @property
    def update(self) -> int:
        """How many updates were made."""
        return self.adam.step

    def advance(self, spent: float) -> Mapping[str, float]:
        """Train for one stretch: {"updates", "loss", "accuracy", "images"}; `images` counts its examples."""
        losses, right, batch = 0.0, 0, self.schedule.batch
        begun = self.update
        while self.update < min(begun + STRETCH, self.schedule.updates):
            rows = self._batch(self.update)
            labels = self.examples.labels[rows]
            logits, cache = self.model.forward(self.examples.rows(rows))
            loss, loss_cache = softmax_cross_entropy.forward(logits, labels)
            d_logits = softmax_cross_entropy.backward(np.full_like(loss, 1 / batch), loss_cache)
            gradients = self.model.backward(d_logits, cache)
            if self.schedule.clip is not None:
                gradients, _ = clip_by_global_norm(gradients, self.schedule.clip)
            factor = self.schedule.factor(self.update)
            adam.update(self.model.params, gradients, self.adam, self.schedule.adam, factor=factor)
            losses += float(loss.mean())
            right += int((logits.argmax(axis=1) == labels).sum())
        done = self.update - begun
        return {"updates": self.update, "loss": losses / done, "accuracy": right / (done * batch),
                "images": done * batch}

    def _batch(self, update: int) -> Any:
        """The rows [B] of an update: the passes are shuffled, and the odd rest of each is left out."""
        a_pass, place = divmod(update, len(self.examples.labels) // self.schedule.batch)
        if self._order[0] != a_pass:
            rng = np.random.default_rng([self.seed, 2, a_pass])
            self._order = a_pass, rng.permutation(len(self.examples.labels))
        return self._order[1][place * self.schedule.batch:(place + 1) * self.schedule.batch]

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands."""
        return checkpoint.Checkpoint(self.task, settings, self.model.params, self.adam, {}, self.counters, self.curve)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`.

        Raises
        ------
        FileRefused
            If its weights are not those of this model.
        """
        checkpoint.put_params(self.model.params, saved.params)
        self.adam, self.counters, self.curve = saved.adam, saved.counters, saved.curve


def measured(model: Model, examples: Examples, count: int | None = None) -> dict[str, float]:
    """{"error", "nll"} on the first `count` examples, or all: the share answered wrong, and the mean cross-entropy."""
    total = len(examples.labels) if count is None else min(count, len(examples.labels))
    wrong, losses = 0, 0.0
    for start in range(0, total, AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, total))
        labels = examples.labels[rows]
        logits = model.forward(examples.rows(rows))[0]
        losses += float(softmax_cross_entropy.forward(logits, labels)[0].sum(dtype=np.float64))
        wrong += int((logits.argmax(axis=1) != labels).sum())
    return {"error": wrong / total, "nll": losses / total}
