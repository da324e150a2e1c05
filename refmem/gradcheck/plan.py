"""How long it will take, said before it starts."""

import statistics
from dataclasses import dataclass

from refmem.gradcheck.place import Place
from refmem.gradcheck.problem import Problem, ProblemRefused, Subject

LIMIT = 1_000_000  # forward evaluations without `full`
MIN_DIRECTIONS = 4
MAX_DIRECTIONS = 12
LEVELS = 6  # steps that a walk usually takes
EXTRA = 20  # evaluations that the contract rows and the noise take
OVERHEAD = 2e-4  # seconds of our own for each


@dataclass(frozen=True)
class Plan:
    """Expected evaluations of the forward pass, and the time they take."""

    problem: str
    evaluations: int
    seconds: float

    def __str__(self) -> str:
        many = f"{self.evaluations:,} evaluations"
        return f"{self.problem}: {many}, about {self.seconds:.1f} s"


def make_plan(problem: Problem, place: Place, subject: Subject, *, elements: bool) -> Plan:
    """Count the walks, and multiply by the median time of the calls made so far."""
    per_walk = 1 if problem.holomorphic else 2 * LEVELS
    walks = sum(x.size if elements or x.size <= MIN_DIRECTIONS else MIN_DIRECTIONS
                for name, x in zip(problem.names, place.arguments, strict=True) if name not in problem.stops)
    evaluations = EXTRA + per_walk * walks
    return Plan(problem.name, evaluations, evaluations * (statistics.median(subject.durations) + OVERHEAD))


def refuse_if_too_many(plan: Plan) -> None:
    """Raise where the plan needs more than a million evaluations and nobody has agreed to that."""
    if plan.evaluations > LIMIT:
        raise ProblemRefused(f"{plan} are more than the limit of {LIMIT:,}: allow them with full=True (--full), or "
                             "leave out elements=True (--elements)")
