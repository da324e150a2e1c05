"""The models that the command `synthetic` can train, by name. A further one is a further line."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from reference_models.tasks.synthetic import Array, Examples
from reference_models.training.checkpoint import Checkpoint
from reference_models.training.schedule import Counters


class Training(Protocol):
    """What the command wants of a model."""

    task: str  # of its checkpoints
    model: Any  # the network
    recipe: Any  # with `as_facts`
    counters: Counters
    curve: list[dict[str, float]]

    def advance(self, spent: float) -> Mapping[str, float]:
        """One round of training; figures for the curve, among them `images`, the strings trained on."""

    def finish(self, progress: Callable[[float], None]) -> None:
        """After the last round, e.g. show the training set to the memory."""

    def right(self, examples: Examples, *, zeroed: bool = False,
              progress: Callable[[float], None] = ...) -> tuple[Array, dict[str, float]]:
        """Which strings come out without a fault [N]; and further figures. `zeroed`: without what the memory says."""

    def snapshot(self, settings: dict[str, Any]) -> Checkpoint:
        """The run as it stands."""

    def resume(self, saved: Checkpoint) -> None:
        """Go on from there."""


class Model(NamedTuple):
    """Where a model is found, not yet imported."""

    module: str
    training: str  # the class: (recipe, train, *, seed, shards) -> Training
    recipe: str  # what makes its recipe: (memory, query, faithful, search) -> recipe

    def load(self) -> tuple[Callable[..., Training], Callable[..., Any], Callable[[dict[str, Any]], Any]]:
        """The class, what makes a recipe, and what reads one from a checkpoint."""
        module = importlib.import_module(self.module)
        return (getattr(module, self.training), getattr(module, self.recipe), module.Recipe.from_facts)


MODELS = {
    "seq2seq": Model("reference_models.training.synthetic.seq2seq", "SyntheticSeq2Seq", "recipe"),
    "extended-neural-gpu": Model("reference_models.training.synthetic.neural_gpu", "SyntheticNeuralGPU", "recipe"),
}
