"""Recipes: every setting of a training run on Omniglot, by name.

`RECIPE` is what was found to converge in minutes on two cores. `RELEASED` is what the authors' TensorFlow code does,
with the flags of its README. A recipe is plain data: change one with `dataclasses.replace`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from reference_models.tasks.one_shot.characters import Scale
from reference_models.training.adam import Adam


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run."""

    name: str
    size: str  # of the network, see reference_models.classifier
    profile: str  # of the memory: "paper" or "tf2017"
    memory_size: int  # slots
    adam: Adam = field(default_factory=Adam)
    final_rate: float = 1.0  # what is left of the learning rate at the end, after a linear decay
    clip: float | None = None  # bound of the global norm of the gradients
    labels: int = 80  # different classes in an episode batch
    more_labels: int = 80  # the same later on; to begin with many is to sit on a plateau at first
    more_labels_from: float = 0.0  # from this fraction of the budget on,
    more_labels_accuracy: float = 0.5  # unless that plateau has not been left yet: accuracy in the second round
    presentations: int = 6  # how often each class is shown in an episode batch
    side_by_side: int = 0  # B: B episodes at once, one drawing of each a call. 0: a round of all labels is a call
    learn_first_round: bool = True  # whether to learn from the first round too, when no right answer is stored
    scale: Scale = "ink"  # of the pixels
    affine: bool = False  # whether each drawing is randomly turned, scaled, sheared and shifted
    watch_every: int = 50  # episode batches from one short measurement on unseen characters to the next
    watch_episodes: int = 50  # 5-way episodes of such a measurement

    def labels_at(self, spent: float, accuracy: float) -> int:
        """Labels of an episode batch when this fraction of the budget is spent and this accuracy was reached."""
        ready = spent >= self.more_labels_from and accuracy >= self.more_labels_accuracy
        return self.more_labels if ready else self.labels

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"])})


RECIPE = Recipe(name="recipe", size="recipe", profile="paper", memory_size=1024, adam=Adam(rate=1e-3, epsilon=1e-8),
                final_rate=0.02, labels=80, more_labels=160, more_labels_from=0.3, presentations=6,
                learn_first_round=False, affine=True)
"""The paper names none of these settings. It departs from the text in the network ("recipe": half the widths, one fully
connected layer, no dropout), in that each episode batch finds the memory empty, and in that drawings are distorted too
(`affine`)."""

RELEASED = Recipe(name="released", size="released", profile="tf2017", memory_size=8192,
                  adam=Adam(rate=1e-4, epsilon=1e-4, form="epsilon_hat"), clip=5.0, labels=80, more_labels=80,
                  presentations=6, side_by_side=16, scale="released", watch_every=20, watch_episodes=50)
"""README of tensorflow/models research/learning_to_remember_rare_events: batch 16, 5 ways, length 30, memory 8192."""

RECIPES = {"paper": RECIPE, "tf2017": RELEASED}
"""What a profile of the memory is trained with unless something else is asked for."""
