"""The paper's synthetic task: copy letters, replace a number by what a random function makes of it.    (LTRRE §4)

    input    A 0 1 3 2 3 3 2 B A B A B        one number of seven base-4 digits among letters A and B
    output   A 0 3 2 2 0 3 2 B A B A B        the same letters, and f(number) in the same places

    S = {2, ..., 16000},   f : S -> S drawn at random once,   132332_4 = 1982,   f(1982) = 3726 = 322032_4

Nothing of f can be deduced, it has to be remembered: with 40,000 training examples a number is seen two or three
times, so most of what the test asks about was shown, rarely.

The text leaves open whether f repeats values, how long strings are and where the number stands. Here f(n) is drawn
from S for each n on its own (so it repeats), the length is uniform in 8 .. 40 and so is the place of the number.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SMALLEST, LARGEST = 2, 16_000  # of S, both inclusive
DIGITS, BASE = 7, 4
SHORTEST, LONGEST = DIGITS + 1, 40
TRAIN, TEST = 40_000, 10_000  # examples

PAD, LETTER_A, LETTER_B, DIGIT_0 = 0, 1, 2, 3
SYMBOLS = "_AB0123"
"""The vocabulary: the token of a symbol is its place here. `_` fills a string up to the length of the longest."""

PLACES = BASE ** np.arange(DIGITS - 1, -1, -1)  # [7] what each digit counts, the most significant first


class Examples(NamedTuple):
    """Strings and what is wanted of them."""

    inputs: Array  # [N, T] int64 tokens, `PAD` behind the end
    outputs: Array  # [N, T] int64 tokens, in the same places
    lengths: Array  # [N] int64
    numbers: Array  # [N] int64 the number in each
    starts: Array  # [N] int64 where its first digit stands

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Any) -> "Examples":
        """The examples with these numbers, no wider than the longest of them."""
        longest = int(self.lengths[rows].max())
        return Examples(self.inputs[rows, :longest], self.outputs[rows, :longest],
                        *(field[rows] for field in self[2:]))

    def cut(self, length: int, rng: np.random.Generator, *, lead: int = 0) -> "Examples":
        """A piece of each example, so many symbols long (or the whole, if it is shorter), with its number inside.

        A piece of an example is one too: letters are copied where they stand. `lead` letters before the number stay,
        where there are so many and the length has room for them.
        """
        if length < DIGITS:
            raise ValueError(f"length must be at least {DIGITS}, so that a number fits, got {length}")
        lengths = np.minimum(self.lengths, length)
        first = np.maximum(0, self.starts + DIGITS - lengths)
        last = np.maximum(first, np.minimum(self.starts - lead, self.lengths - lengths))
        begin = rng.integers(first, last + 1)  # [N]
        places = np.arange(int(lengths.max()))
        within = np.minimum(begin[:, None] + places, self.inputs.shape[1] - 1)  # [N, T]
        inputs, outputs = (np.where(places < lengths[:, None], np.take_along_axis(side, within, axis=1), PAD)
                           for side in (self.inputs, self.outputs))
        return Examples(inputs, outputs, lengths, self.numbers, self.starts - begin)


@dataclass(frozen=True)
class Synthetic:
    """One f, and examples of it.

    Parameters
    ----------
    seed : int
        Of f and of all examples. Training and test examples speak of the same f.
    smallest, largest : int
        S, both inclusive; the paper's unless something smaller is wanted to try things out.
    longest : int
        Length of the longest strings.
    """

    seed: int = 0
    smallest: int = SMALLEST
    largest: int = LARGEST
    longest: int = LONGEST

    def __post_init__(self) -> None:
        if not 0 <= self.smallest <= self.largest < BASE**DIGITS:
            raise ValueError(f"S must lie in 0 .. {BASE**DIGITS - 1}, which {DIGITS} digits can say, "
                             f"got {self.smallest} .. {self.largest}")
        if self.longest < SHORTEST:
            raise ValueError(f"longest must be at least {SHORTEST}, {DIGITS} digits and a letter, got {self.longest}")

    @cached_property
    def table(self) -> Array:
        """f as a table: f(n) at n - smallest. [|S|] int64"""
        size = self.largest - self.smallest + 1
        return np.random.default_rng([self.seed, 0]).integers(self.smallest, self.largest + 1, size)

    def f(self, numbers: Array) -> Array:
        """f of each number."""
        numbers = np.asarray(numbers)
        if numbers.size and not (self.smallest <= numbers.min() and numbers.max() <= self.largest):
            raise ValueError(f"numbers must lie in S = {self.smallest} .. {self.largest}, "
                             f"got {numbers.min()} to {numbers.max()}")
        images: Array = self.table[numbers - self.smallest]
        return images

    def train(self, count: int = TRAIN) -> Examples:
        """The training set: the same every time."""
        return self.draw(count, np.random.default_rng([self.seed, 1]))

    def test(self, count: int = TEST) -> Examples:
        """Other strings, of numbers from the same S."""
        return self.draw(count, np.random.default_rng([self.seed, 2]))

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        """Examples with numbers drawn from S."""
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        return self.examples(rng.integers(self.smallest, self.largest + 1, count), rng)

    def examples(self, numbers: Array, rng: np.random.Generator) -> Examples:
        """One string for each number [N], its letters, length and place drawn at random."""
        numbers = np.asarray(numbers, np.int64)
        images, count = self.f(numbers), len(numbers)
        lengths = rng.integers(SHORTEST, self.longest + 1, count)
        starts = rng.integers(0, lengths - DIGITS + 1)
        places = np.arange(self.longest)
        inputs = rng.integers(LETTER_A, LETTER_B + 1, (count, self.longest))
        inputs[places >= lengths[:, None]] = PAD
        outputs = inputs.copy()
        within = starts[:, None] + np.arange(DIGITS)  # [N, 7]
        np.put_along_axis(inputs, within, digits(numbers) + DIGIT_0, axis=1)
        np.put_along_axis(outputs, within, digits(images) + DIGIT_0, axis=1)
        return Examples(inputs, outputs, lengths, numbers, starts)


def digits(numbers: Array) -> Array:
    """Base-4 digits of numbers [N], the most significant first: [N, 7]."""
    found: Array = np.asarray(numbers)[..., None] // PLACES % BASE
    return found


def text(tokens: Array) -> str:
    """A string as people read it."""
    return " ".join(SYMBOLS[token] for token in np.asarray(tokens).tolist()).rstrip("_ ")


def tokens(string: str) -> Array:
    """The way back from `text`.

    Raises
    ------
    ValueError
        If a symbol is not one of the task's.
    """
    for symbol in string.split():
        if len(symbol) != 1 or symbol not in SYMBOLS:
            raise ValueError(f"a string of the task is made of {', '.join(SYMBOLS[1:])}, got {symbol!r}")
    return np.array([SYMBOLS.index(symbol) for symbol in string.split()], np.int64)


def fully_correct(answers: Array, examples: Examples) -> Array:
    """Whether every token of a string is right: [N] bool. What stands behind its end is not looked at."""
    if answers.shape != examples.outputs.shape:
        raise ValueError(f"answers must have the shape of the outputs {examples.outputs.shape}, got {answers.shape}")
    behind = np.arange(answers.shape[1]) >= examples.lengths[:, None]  # [N, T]
    right: Array = ((answers == examples.outputs) | behind).all(axis=1)
    return right


# --- What needs no learning ---------------------------------------------------------------------------------------


def coverage(train: Examples, test: Examples) -> float:
    """The share of test strings whose number was ever shown: nobody who only remembers can do better."""
    return float(np.isin(test.numbers, train.numbers).mean())


def hamming_answers(train: Examples, test: Examples, *, at_once: int = 500) -> Array:
    """The output of the training string that differs in the fewest places, the first of several: [N, T].

    Strings of different lengths are compared padded, so that a missing symbol is one that differs.
    """
    if train.inputs.shape[1] != test.inputs.shape[1]:
        raise ValueError(f"both sets must be padded to one length, got {train.inputs.shape[1]} and "
                         f"{test.inputs.shape[1]}")
    stored = _one_hot(train.inputs)  # [N, T S]
    nearest = [(_one_hot(test.inputs[start:start + at_once]) @ stored.T).argmax(axis=1)  # equal places, counted
               for start in range(0, len(test), at_once)]
    answers: Array = train.outputs[np.concatenate(nearest)]
    return answers


def _one_hot(strings: Array) -> Array:
    return np.eye(len(SYMBOLS), dtype=np.float32)[strings].reshape(len(strings), -1)
