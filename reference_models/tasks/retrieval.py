"""Associative retrieval: which digit came with this letter?        (FW §4.1)

    c9k8j3f1??c  ->  9

K pairs of a letter and a digit, two question marks, and one of the letters again; the answer is its digit. The letters
of a sequence are all different, the digits are drawn with replacement. The network must bind each pair in one
presentation and let go of it with the sequence: nothing in the slow weights can know the answer.

The paper's examples have K = 4, 100,000 training, 10,000 validation and 20,000 test sequences. It does not say how many
output classes there are. Here there are 10, the digits; some public programs have 37, all symbols, of which 27 never
come.
"""

import string
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LETTERS, DIGITS, QUESTION = string.ascii_lowercase, string.digits, "?"
ALPHABET = LETTERS + DIGITS + QUESTION
"""The 37 symbols, each by its position."""

MOST_PAIRS = len(LETTERS)
SIZES = {"train": 100_000, "valid": 10_000, "test": 20_000}

Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Sequences:
    """Sequences and their answers."""

    symbols: Integers  # [N, 2K + 3] positions in the alphabet
    labels: Integers  # [N] digits

    def rows(self, which: Any) -> Integers:
        """The sequences [B, 2K + 3] of these rows."""
        chosen: Integers = self.symbols[which]
        return chosen


def length(pairs: int) -> int:
    """Symbols of a sequence."""
    return 2 * pairs + 3


def check_pairs(pairs: int) -> None:
    """Raise a `ValueError` unless there are letters for so many pairs."""
    if not 1 <= pairs <= MOST_PAIRS:
        raise ValueError(f"there must be 1 to {MOST_PAIRS} pairs, since their letters are all different; got {pairs}")


def draw(count: int, pairs: int, rng: np.random.Generator) -> Sequences:
    """`count` sequences of `pairs` pairs.

    Raises
    ------
    ValueError
        If there are not letters enough.
    """
    check_pairs(pairs)
    letters = rng.random((count, MOST_PAIRS)).argsort(axis=1)[:, :pairs]  # [N, K], without repetition
    digits = rng.integers(len(DIGITS), size=(count, pairs))  # [N, K]
    asked = rng.integers(pairs, size=count)  # [N]
    rows = np.arange(count)
    symbols = np.full((count, length(pairs)), ALPHABET.index(QUESTION), np.uint8)
    symbols[:, 0:2 * pairs:2] = letters
    symbols[:, 1:2 * pairs:2] = len(LETTERS) + digits
    symbols[:, -1] = letters[rows, asked]
    return Sequences(symbols, digits[rows, asked])


def splits(pairs: int, seed: int, sizes: dict[str, int] = SIZES) -> dict[str, Sequences]:
    """"train", "valid" and "test", each from a generator of its own."""
    return {name: draw(count, pairs, np.random.default_rng([seed, number]))
            for number, (name, count) in enumerate(sizes.items())}


def parsed(text: str) -> Integers:
    """The symbols [2K + 3] of a sequence as one writes it, e.g. "c9k8j3f1??c".

    Raises
    ------
    ValueError
        If a character is unknown, or this is no question of the task.
    """
    unknown = sorted({character for character in text if character not in ALPHABET})
    if unknown:
        raise ValueError(f"{text!r} has the unknown character {unknown[0]!r}; known are a-z, 0-9 and ?")
    pairs, rest = divmod(len(text) - 3, 2)
    letters, digits, end = text[0:2 * pairs:2], text[1:2 * pairs:2], text[2 * pairs:]
    well_formed = (rest == 0 and pairs >= 1 and all(a in LETTERS for a in letters) and all(d in DIGITS for d in digits)
                   and end[:2] == 2 * QUESTION and end[2:] in LETTERS)
    if not well_formed:
        raise ValueError(f"{text!r} must be pairs of a letter and a digit, then ?? and a letter, as in c9k8j3f1??c")
    if len(set(letters)) < len(letters) or end[2] not in letters:
        raise ValueError(f"the letters of {text!r} must all be different, and the last must be one of them")
    return np.array([ALPHABET.index(character) for character in text], np.uint8)


def written(symbols: Integers) -> str:
    """The way back from `parsed`."""
    return "".join(ALPHABET[int(symbol)] for symbol in symbols)
