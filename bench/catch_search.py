"""Catch by the protocol of the paper: a random search for each network, and the mean of its five best runs.    (FW A.3)

FW draws the learning rate, the steps S of the inner loop, eta and lambda at random, and averages the best five of a
search; neither the ranges nor the count are given. Here each network has as many trials, each with first weights of its
own. The rate is drawn for all; S, eta and lambda are of the fast weights alone. So the best five are the luckiest, too:
what a single run is likely to need, `python -m reference_models catch --seeds` shows.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from bench import measure, plots
from reference_models.cli import output
from reference_models.cli.catch import job, report
from reference_models.cli.catch.command import MODELS

BEST = 5  # FW A.3
RATE, FAST_RATE, DECAY, STEPS = (1e-3, 1e-2), (0.1, 2.0), (0.9, 0.99), (1, 3)
"""Ranges of the search, both ends in: the first two in equal shares of their logarithms."""

FIRST_SEED = 100  # that of trial n is 100 + n
PACKAGES = ("refmem", "numpy", "numba")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench catch-search`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="where the runs are kept; those that are there are not made again")
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS), dest="models")
    parser.add_argument("--screen", default="16x3", metavar="NxM")
    parser.add_argument("--blank", choices=("screen", "ball"), default="screen",
                        help="what goes blank: all (default), or the ball alone, and the paddle stays in sight")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="for each network; default 20")
    parser.add_argument("--updates", type=int, default=2400, metavar="N", help="at most, for each trial; default 2400")
    parser.add_argument("--plot", metavar="DIR", help="draw catch-search-NxM.png into it (needs the extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of lines")


def main(options: argparse.Namespace) -> int:
    """Search, print, draw. Raises ValueError or OSError with a sentence."""
    plots.check(options.plot)
    if options.trials < BEST or options.updates < 1:
        raise ValueError(f"--trials must be at least {BEST} and --updates at least 1, "
                         f"got {options.trials} and {options.updates}")
    job.rules_of(options.screen, job.DEFAULTS)
    models = list(dict.fromkeys(options.models))
    # One network after the other within a trial, so that what was stopped has as many of each.
    given = {"updates": options.updates, "blank": options.blank}
    rows = [trial(model, options.screen, number, given, options.out)
            for number in range(options.trials) for model in models]
    together = [best(model, [row for row in rows if row["model"] == model]) for model in models]
    if options.plot is not None:
        name = options.screen + ("-ball" if options.blank == "ball" else "")
        plots.catch_search(together, name, options.plot)
    facts = {"screen": options.screen, "blank": options.blank, "trials": options.trials, "updates": options.updates,
             "best": together,
             "rows": [{name: value for name, value in row.items() if name != "curve"} for row in rows],
             "versions": measure.versions(*PACKAGES)}
    if options.json:
        print(json.dumps(facts))
        return 0
    for one in together:
        mean, median = ("not reached" if one[name] is None else f"{one[name]:,}"
                        for name in ("mean_frames", "median_of_all"))
        print(f"{one['model']:12s} frames to {100 * job.DEFAULTS['goal']:g} %: {mean} in the mean of the best {BEST}, "
              f"{median} in the median of {options.trials}; {one['reached']} reached it")
    return 0


def drawn(model: str, number: int) -> dict[str, Any]:
    """What trial `number` of a network sets, besides its seed; the rate of a trial is the same for all networks."""
    rng = np.random.default_rng([FIRST_SEED, number])

    def log_uniform(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")

    settings: dict[str, Any] = {"rate": log_uniform(*RATE)}
    if model == "fast-weights":
        settings |= {"fast_rate": log_uniform(*FAST_RATE), "decay": round(float(rng.uniform(*DECAY)), 4),
                     "steps": int(rng.integers(STEPS[0], STEPS[1] + 1))}
    return settings


def trial(model: str, screen: str, number: int, given: dict[str, Any], out: Path) -> dict[str, Any]:
    """One run, made or found in its folder below `out`."""
    leg, own = job.Leg(model, screen, FIRST_SEED + number), drawn(model, number)
    folder = out / f"{number:03d}"
    before = job.saved_leg(leg, folder)
    if before is not None:
        output.check_unchanged(job.DEFAULTS | own | given, before.settings, but=["updates"])
    with output.writable(folder):
        job.everything([leg], folder, job.DEFAULTS | own | given)
    saved = job.saved_leg(leg, folder)
    assert saved is not None
    done = job.Done(leg, saved)
    frames, success = report.curve(done)
    return {"model": model, "trial": number, "seed": leg.seed, **own, "frames": done.reached,
            "played": saved.counters.images, "caught": done.test, "last": round(float(success[-1]), 4),
            "curve": (frames, success)}


def best(model: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The five that reached the goal first, then those that came closest to it, and the mean of their curves."""
    five = sorted(rows, key=lambda row: (row["frames"] or np.inf, -row["last"]))[:BEST]
    counts = [row["frames"] for row in five]
    grid = np.linspace(0, max(row["played"] for row in five), 101)
    # A run that reached the goal was stopped there: from then on it counts with what it had.
    mean = np.mean([np.interp(grid, [0, *row["curve"][0]], [0, *row["curve"][1]]) for row in five], axis=0)
    median = float(np.median([row["frames"] or np.inf for row in rows]))
    return {"model": model, "trials": [row["trial"] for row in five], "best_frames": counts,
            "mean_frames": None if None in counts else round(float(np.mean(counts))),
            "median_of_all": round(median) if np.isfinite(median) else None,
            "reached": sum(row["frames"] is not None for row in rows),
            "curve": {"frames": [round(float(x)) for x in grid], "success": [round(float(y), 4) for y in mean]}}
