"""Gradient checkers against the same random problems, half of them with a planted error.

A false alarm is a right gradient that is called wrong, a miss a wrong one that is passed. Checkers with two verdicts
have to say one or the other; ours may also say that it cannot tell. Its misses are counted as theirs are, whatever its
detection floor says; those at or above the floor have a column of their own.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
import rich.console
import rich.progress
import rich.table

from refmem.gradcheck import Problem, Verdict, check_problem, from_op
from refmem.gradcheck.random_problems import KINDS, draw, plant, planted_size
from refmem.gradcheck.report import GRADIENT
from refmem.ops import linear

from bench import measure
from bench.peers import gradcheck as judges

OURS = "refmem gradcheck"
SIZES = ((4, 4), (4, 32), (4, 128))  # rows and width of linear layers; the checkers grow differently with them
NO_PEERS = "neither PyTorch nor JAX is installed, and there is nothing to compare with: pip install 'refmem[bench]'"
DTYPES = ("float64", "float32")


@dataclass
class Score:
    """What one checker made of the problems in one dtype."""

    checker: str
    dtype: str
    right: int = 0  # problems with a right gradient
    wrong: int = 0
    false_alarms: int = 0
    misses: int = 0
    misses_above_floor: int | None = None  # None for who prints no floor
    undecided: int = 0
    milliseconds: float = 0.0  # median of a problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench gradcheck`."""
    parser.add_argument("--problems", type=int, default=300, help="in each dtype (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="of the problems (default: 0)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Run all checkers that are installed, and print. Raises ValueError where an option is wrong."""
    if options.problems < 1:
        raise ValueError(f"--problems must be at least 1, got {options.problems}")
    peers = judges.available()
    before, watch = measure.load(), measure.Watch()
    for judge in peers.values():  # loading a library is not checking a gradient
        judge(problems(options.seed, 0, "float64")[0])
    scores = [Score(name, dtype, misses_above_floor=0 if name == OURS else None)
              for dtype in DTYPES for name in (OURS, *peers)]
    took: dict[int, list[float]] = {id(score): [] for score in scores}
    stderr = rich.console.Console(stderr=True)
    with watch, rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        for number in progress.track(range(options.problems), description="checking the checkers"):
            for score in scores:
                right, wrong, i = problems(options.seed, number, score.dtype)
                start = time.perf_counter()
                if score.checker == OURS:
                    ours(score, right, wrong, i, number)
                else:
                    passed = peers[score.checker](right if wrong is None else wrong)
                    count(score, wrong is not None, "passed" if passed else "failed")
                took[id(score)].append(1e3 * (time.perf_counter() - start))
    for score in scores:
        score.milliseconds = round(float(np.median(took[id(score)])), 2)
    times = [time_of(rows, width, peers) for rows, width in SIZES]
    report = {"scores": [asdict(score) for score in scores],
              "linear_layers": times, "problems": options.problems, "seed": options.seed,
              "versions": measure.versions("refmem", "numpy", "torch", "jax"),
              "load": {"before": before, "after": measure.load(), "others": watch.others},
              "warnings": watch.warnings() + ([] if peers else [NO_PEERS])}
    if options.json:
        print(json.dumps(report))
    else:
        show(scores, times)
        for warning in report["warnings"]:
            print(f"warning: {warning}")
    return 0


def problems(seed: int, number: int, dtype: str) -> tuple[Problem, Problem | None, int]:
    """Problem `number` of the self-test: right, and for odd numbers also wrong in the gradient of argument i."""
    rng = np.random.default_rng((seed, number))
    problem = draw(rng, dtype)
    if number % 2 == 0:
        return problem, None, 0
    kind = KINDS[(number // 2) % len(KINDS)]
    while (planted := plant(problem, kind, rng)) is None:
        problem = draw(rng, dtype)
    return problem, *planted


def ours(score: Score, right: Problem, wrong: Problem | None, i: int, number: int) -> None:
    """Our verdict; any row that FAILs makes it a failure."""
    report = check_problem(right if wrong is None else wrong, seed=number)
    if report.failed:
        verdict = "failed"
    else:
        verdict = "undecided" if report.inconclusive else "passed"
    count(score, wrong is not None, verdict)
    if wrong is not None and verdict == "passed":
        row = next(row for row in report.rows if row.check == GRADIENT and row.input == wrong.names[i])
        size = planted_size(right, wrong, i, row.cotangent) / (row.scale or 1.0)
        above = row.verdict in (Verdict.PASS, Verdict.KINK) and row.floor is not None and size >= row.floor
        score.misses_above_floor = (score.misses_above_floor or 0) + above


def time_of(rows: int, width: int, peers: dict[str, judges.Judge]) -> dict[str, float]:
    """Milliseconds that each checker takes for one right linear layer in float64, and its number of elements."""
    rng = np.random.default_rng(0)
    layer = from_op(linear, rng.standard_normal((rows, width)), rng.standard_normal((width, width)),
                    rng.standard_normal(width), names=("x", "weights", "bias"))
    took = {"elements": float(sum(x.size for x in layer.arguments))}
    for name, check in {OURS: check_problem, **peers}.items():
        start = time.perf_counter()
        check(layer)
        took[name] = round(1e3 * (time.perf_counter() - start), 1)
    return took


def count(score: Score, is_wrong: bool, verdict: str) -> None:
    """Enter one verdict: passed, failed or undecided."""
    score.right += not is_wrong
    score.wrong += is_wrong
    score.undecided += verdict == "undecided"
    score.false_alarms += verdict == "failed" and not is_wrong
    score.misses += verdict == "passed" and is_wrong


def show(scores: list[Score], times: list[dict[str, float]]) -> None:
    """The tables, on stdout."""
    table = rich.table.Table("dtype", "checker", "false alarms", "misses", "of them above its floor", "undecided",
                             "ms a problem")
    for score in scores:
        table.add_row(score.dtype, score.checker, f"{score.false_alarms} of {score.right}",
                      f"{score.misses} of {score.wrong}",
                      "no floor" if score.misses_above_floor is None else str(score.misses_above_floor),
                      str(score.undecided) if score.checker == OURS else "cannot say", f"{score.milliseconds:.1f}")
    rich.console.Console(width=None if sys.stdout.isatty() else 130).print(table)
    sizes = rich.table.Table("ms for a linear layer of", *(f"{took['elements']:,.0f} elements" for took in times))
    for name in [name for name in times[0] if name != "elements"]:
        sizes.add_row(name, *(f"{took[name]:,.1f}" for took in times))
    rich.console.Console(width=None if sys.stdout.isatty() else 130).print(sizes)
