"""Which length to train on next: short ones first, a longer one as soon as the present one is mastered.

Two rules. They differ in how a batch's length is drawn from those reached so far, and in when the next one is opened:

    "recipe"   60 %: the larger of two uniform draws; 30 %: the present length; 10 %: uniform; next at error <= 0.15
    "paper"    80 %: the present length; 20 %: uniform over *all* lengths; next at error < 0.1   (arXiv 1511.08228 §3)

The error is the share of sequences that are not fully correct (without dropout), averaged over the batches of the
present length: each new one counts a fifth. It starts at 1 whenever a length is opened.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

MASTERED = {"recipe": 0.15, "paper": 0.1}
"""By rule, the error at which the next length is opened."""

NEWEST = 0.2  # weight of a batch in the average


@dataclass
class Curriculum:
    """Where a run stands among its lengths."""

    lengths: list[int]
    """Ascending; the first is trained on from the start."""

    rule: str = "recipe"
    reached: int = 0
    """Index of the present length."""

    error: float = 1.0
    """At the present length."""

    def __post_init__(self) -> None:
        if self.rule not in MASTERED:
            raise ValueError(f"rule must be one of {', '.join(MASTERED)}, got {self.rule!r}")
        if not self.lengths or sorted(set(self.lengths)) != list(self.lengths):
            raise ValueError(f"lengths must ascend, and there must be one, got {self.lengths}")

    @property
    def present(self) -> int:
        """The longest length that is open."""
        return self.lengths[self.reached]

    @property
    def complete(self) -> bool:
        """Whether the last length is open."""
        return self.reached == len(self.lengths) - 1

    def draw(self, rng: np.random.Generator) -> int:
        """The length of the next batch."""
        kind, one, two = rng.random(3)

        def uniform(share: float, choices: int) -> int:
            return min(int(share * choices), choices - 1)

        opened = self.reached + 1
        if self.rule == "paper":
            return self.lengths[uniform(one, len(self.lengths))] if kind < 0.2 else self.present
        if kind < 0.6:
            return self.lengths[max(uniform(one, opened), uniform(two, opened))]
        return self.present if kind < 0.9 else self.lengths[uniform(one, opened)]

    def record(self, length: int, error: float) -> bool:
        """Take note of a batch's share of wrong sequences; whether this opened the next length."""
        if length != self.present:
            return False
        self.error += NEWEST * (error - self.error)
        mastered = self.error <= MASTERED[self.rule] if self.rule == "recipe" else self.error < MASTERED[self.rule]
        if not mastered or self.complete:
            return False
        self.reached += 1
        self.error = 1.0
        return True

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"reached": self.reached, "error": self.error}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.reached, self.error = int(state["reached"]), float(state["error"])
