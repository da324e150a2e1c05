"""The training loop: one episode batch after another, until the budget is spent, the goal reached, or someone stops it.

It knows nothing of what is trained. `advance` trains on one episode batch and returns its figures; `save` writes a
checkpoint. A stop waits for the end of the episode batch, so that a checkpoint always lies between two of them.
"""

import time
from collections.abc import Callable, Mapping

from reference_models.training.interrupts import Interrupts
from reference_models.training.progress import Report
from reference_models.training.schedule import Budget, Counters

SMOOTHING = 20  # episode batches whose mean must reach the goal, unless something else is asked for


class Interrupted(KeyboardInterrupt):
    """Training was stopped with Ctrl-C; its checkpoint is saved and can be resumed."""


def run(advance: Callable[[float], Mapping[str, float]], *, counters: Counters, budget: Budget,
        curve: list[dict[str, float]], save: Callable[[], None], title: str = "training", save_every: float = 60.0,
        goal: float | None = None, smoothing: int = SMOOTHING, watch: Callable[[], Mapping[str, float]] | None = None,
        watch_every: int = 0) -> str:
    """Train, and say why it ended: "budget" or "goal".

    Parameters
    ----------
    advance : function
        Trains on one episode batch, given the fraction of the budget that is spent. Returns figures for the curve,
        among them `images`, how many it was trained on, and `accuracy`, which the goal is about.
    counters, curve
        Where the run stands; both are written here.
    save : function
        Writes a checkpoint. Called every `save_every` seconds, at the end, and when stopped.
    goal : float, optional
        Stop early when the mean `accuracy` of the last episode batches reaches it.
    smoothing : int
        How many batches these are.
    watch : function, optional
        Further figures for the curve, called after every `watch_every` episode batches. Its time does not count as
        training.

    Raises
    ------
    Interrupted
        After Ctrl-C. The checkpoint is saved by then.
    """
    saved = time.monotonic()
    with Interrupts("stopping after this episode batch (Ctrl-C again to stop at once)") as interrupts, \
            Report(title) as report:
        while budget.spent(counters) < 1 and not (goal is not None and reached(curve, goal, smoothing)):
            started = time.monotonic()
            figures = dict(advance(budget.spent(counters)))
            counters.seconds += time.monotonic() - started
            counters.episodes += 1
            counters.images += int(figures.pop("images"))

            if watch is not None and watch_every and counters.episodes % watch_every == 0:
                figures |= watch()
            curve.append({"episode": counters.episodes, "seconds": round(counters.seconds, 3), **figures})
            report.show(budget.spent(counters), {"episode": counters.episodes, **figures})

            if interrupts.requested:
                save()
                raise Interrupted
            if time.monotonic() - saved >= save_every:
                save()
                saved = time.monotonic()
        save()
    return "budget" if budget.spent(counters) == 1 else "goal"


def reached(curve: list[dict[str, float]], goal: float, smoothing: int = SMOOTHING) -> bool:
    """Whether the last episode batches, on average, reach the goal."""
    last = [point["accuracy"] for point in curve[-smoothing:]]
    return len(last) == smoothing and sum(last) / smoothing >= goal
