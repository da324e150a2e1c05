"""The checker checked: random problems, half of them with a planted error.

A **false alarm** is a right gradient with a row that FAILs. A **miss** is a wrong one whose row passes although the
planted error is at or above the detection floor printed there. Both must be zero. What is INCONCLUSIVE, and errors that
pass below the floor, are counted.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem import workers
from refmem.gradcheck.check import check_problem
from refmem.gradcheck.random_problems import KINDS, draw, plant, planted_size
from refmem.gradcheck.report import GRADIENT
from refmem.gradcheck.verdicts import Verdict

PROBLEMS = 2000
SHARE = 25  # problems that a worker is given at a time


@dataclass
class Tally:
    """What came out of the problems in one dtype."""

    problems: int = 0
    planted: int = 0
    caught: int = 0
    below_floor: int = 0  # planted errors that passed, smaller than the floor says is noticed
    false_alarms: int = 0
    misses: int = 0
    inconclusive: int = 0
    seconds: float = 0.0
    offenders: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """What came out of later problems."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        share = self.inconclusive / self.problems if self.problems else 0.0
        return {**vars(self), "seconds": round(self.seconds, 2), "inconclusive_share": round(share, 4)}


class Share(NamedTuple):
    """Some of the problems in one dtype. Each is drawn from the seed and its number."""

    dtype: str
    seed: int
    start: int
    end: int


def self_test(problems: int = PROBLEMS, *, seed: int = 0, dtypes: tuple[str, ...] = ("float64", "float32"),
              progress: Callable[[int], None] | None = None, way: workers.Way | None = None) -> dict[str, Any]:
    """Run the random problems in each dtype: `{"problems", "false_alarms", "misses", "inconclusive", ...}`.

    `way` shares them out (`refmem.workers`); what comes of them is the same.
    """
    tallies = {}
    for dtype in dtypes:
        tally = tallies[dtype] = Tally()
        if way is None:
            for number in range(problems):
                one(tally, np.dtype(dtype), seed, number)
                if progress is not None:
                    progress(1)
        else:
            shares = [Share(dtype, seed, start, min(start + SHARE, problems)) for start in range(0, problems, SHARE)]
            for done in workers.in_order(way, tally_of, shares,
                                         lambda: progress(SHARE) if progress is not None else None):
                tally.add(done)
    total = {key: sum(getattr(tally, key) for tally in tallies.values())
             for key in ("problems", "planted", "caught", "below_floor", "false_alarms", "misses", "inconclusive")}
    share = round(total["inconclusive"] / max(total["problems"], 1), 4)
    return {**total, "inconclusive_share": share, "seed": seed,
            "by_dtype": {dtype: tally.to_json() for dtype, tally in tallies.items()}}


def tally_of(share: Share) -> Tally:
    """What comes out of a share."""
    tally = Tally()
    for number in range(share.start, share.end):
        one(tally, np.dtype(share.dtype), share.seed, number)
    return tally


def one(tally: Tally, dtype: npt.DTypeLike, seed: int, number: int) -> None:
    """Problem `number`: right if even, with a planted error if odd."""
    rng = np.random.default_rng((seed, number))
    start = time.perf_counter()
    problem = draw(rng, dtype)
    tally.problems += 1
    if number % 2 == 0:
        report = check_problem(problem, seed=number)
        if report.failed:
            tally.false_alarms += 1
            tally.offenders.append(f"{number}: {report}")
        tally.inconclusive += report.verdict is Verdict.INCONCLUSIVE
        tally.seconds += time.perf_counter() - start
        return

    kind = KINDS[(number // 2) % len(KINDS)]
    planted = plant(problem, kind, rng)
    while planted is None:
        problem = draw(rng, dtype)
        planted = plant(problem, kind, rng)
    wrong, i = planted
    tally.planted += 1
    report = check_problem(wrong, seed=number)
    row = next(row for row in report.rows if row.check == GRADIENT and row.input == wrong.names[i])
    if report.failed:
        tally.caught += 1
    elif row.verdict is Verdict.INCONCLUSIVE:
        tally.inconclusive += 1
    else:
        size = planted_size(problem, wrong, i, row.cotangent) / (row.scale or 1.0)
        if row.floor is not None and size >= row.floor:
            tally.misses += 1
            tally.offenders.append(f"{number}: {wrong.name}, planted {size:.2g}: {row}")
        else:
            tally.below_floor += 1
    tally.seconds += time.perf_counter() - start
