"""Parsers of numbers on a command line; argparse makes a sentence of what they refuse."""

from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


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
