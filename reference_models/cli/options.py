"""What several commands take: numbers, networks side by side, the fast weights, a folder to write to.

A parser of numbers raises; argparse makes a sentence of it.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Number = TypeVar("Number", int, float)

SEARCHES = ("exact", "fused", "hyperplanes", "sketch", "buckets", "auto")
"""The names of `refmem.neighbours`, which is not loaded for `--help` alone."""


def positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """A parser of finite numbers above 0."""
    def parse(text: str) -> Number:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value
    parse.__name__ = f"positive {getattr(kind, '__name__', 'number')}"  # argparse: "invalid positive int value: '0'"
    return parse


def natural(text: str) -> int:
    """A whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def add_legs(own: argparse.ArgumentParser, models: Sequence[str], units: int) -> None:
    """Which networks an experiment trains side by side; `cli.grid` makes them."""
    own.add_argument("--model", nargs="+", choices=models, default=["fast-weights"], dest="models", metavar="MODEL",
                     help=f"one or several of {', '.join(models)}; default fast-weights")
    own.add_argument("--units", type=positive(int), nargs="+", default=[units], metavar="R",
                     help=f"of the recurrent layer, one or several; default {units}")
    own.add_argument("--seed", type=natural, default=0, metavar="S", help="the first one; default 0")
    own.add_argument("--seeds", type=positive(int), default=1, metavar="N", help="how many, from --seed on; default 1")


def add_fast_weights(own: argparse.ArgumentParser) -> None:
    """What may be chosen of the fast weights; by default lambda is that of FW's body, and eta falls with the units."""
    own.add_argument("--steps", type=natural, metavar="S", help="of the inner loop of the fast weights; default 1")
    own.add_argument("--decay", type=float, metavar="L", help="lambda of the fast weights; default 0.95")
    own.add_argument("--fast-rate", type=float, metavar="E", help="eta of the fast weights; default min(0.5, 10/R)")


def add_folder(own: argparse.ArgumentParser, name: str, *, goes_on: str) -> None:
    """Where a run is kept, and how its results are shown. `goes_on`: what --resume does besides going on."""
    own.add_argument("--out", type=Path, metavar="DIR", help=f"default: runs/{name}-1, or the next free number")
    own.add_argument("--resume", action="store_true",
                     help=f"go on with the run in --out (default: the latest one){goes_on}")
    own.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")


AS_STARTED = " as it was started; its budget may be given anew"
MORE_LEGS = "; more models and seeds may be added, and --updates be given anew for these"
