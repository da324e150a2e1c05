"""What a training run has left, and what the learning rate makes of it.

A budget is a number of episode batches or a time. The fraction of it that is spent drives every schedule, so that a
run of two minutes and one of an hour go through the same phases.
"""

from dataclasses import dataclass


@dataclass
class Counters:
    """How far a run has come. Seconds count only while it trains: not loading, measuring, or lying stopped."""

    episodes: int = 0
    images: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Budget:
    """Where training ends: after so many episode batches or so many seconds of training."""

    episodes: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.episodes is None) == (self.seconds is None):
            raise ValueError("a budget is either a number of episodes or a time")
        if (self.episodes is not None and self.episodes < 1) or (self.seconds is not None and not self.seconds > 0):
            raise ValueError("a budget must be positive")

    def spent(self, done: Counters) -> float:
        """The fraction of the budget behind us, at most 1."""
        if self.episodes is not None:
            return min(done.episodes / self.episodes, 1.0)
        assert self.seconds is not None
        return min(done.seconds / self.seconds, 1.0)


def linear_decay(spent: float, final: float) -> float:
    """Factor on the learning rate: from 1 at the start straight down to `final` when all is spent."""
    if not 0 <= spent <= 1:
        raise ValueError(f"spent must lie in [0, 1], got {spent}")
    return 1 + (final - 1) * spent
