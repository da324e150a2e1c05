"""Small algorithms to be learnt from examples: binary addition and multiplication, copy, reverse, duplicate, sort.

Inputs and outputs have the same length n; what is shorter is filled with PAD. Numbers are written lower digit first,
both with d digits, so that n = 2d + 1:        (Neural GPU, arXiv 1511.08228 §3)

    1010+0111 -> 11001           5 + 14 = 19
    0110*0101 -> 00111100        6 * 10 = 60

A sum has d + 1 digits, a product 2d, zeros at the end included.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Symbols = npt.NDArray[np.int64]
Example = Callable[[int, int, np.random.Generator], tuple[Symbols, Symbols]]

PAD = "_"


@dataclass(frozen=True)
class Task:
    """A task by its alphabet, the lengths it exists at, and how its examples are made."""

    name: str
    about: str
    alphabet: str
    """The symbols by number; the last one is PAD."""

    example: Example
    """(n, batch, rng) -> inputs and targets, both [batch, n]."""

    odd: bool = False
    """Whether n must be odd: two numbers and a separator."""

    even: bool = False
    """Whether n must be even: an output twice as long as its input."""

    shortest: int = 1

    def lengths(self, longest: int) -> list[int]:
        """All n up to `longest`.

        Raises
        ------
        ValueError
            If there is none.
        """
        step = 2 if self.odd or self.even else 1
        lengths = list(range(self.shortest, longest + 1, step))
        if not lengths:
            raise ValueError(f"{self.name} has no examples of length {longest}; its shortest has {self.shortest}")
        return lengths

    def batch(self, n: int, size: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
        """`size` random examples of length n: inputs and targets [size, n].

        Raises
        ------
        ValueError
            If there are no examples of this length.
        """
        self.check_length(n)
        return self.example(n, size, rng)

    def check_length(self, n: int) -> None:
        """Raise a `ValueError` unless the task exists at length n."""
        if n < self.shortest:
            raise ValueError(f"{self.name} needs at least {self.shortest} symbols, got {n}")
        if self.odd and n % 2 == 0:
            raise ValueError(f"{self.name} needs an odd number of symbols, two numbers of as many digits and "
                             f"{self.alphabet[2]!r} between them; got {n}")
        if self.even and n % 2:
            raise ValueError(f"{self.name} needs an even length, got {n}")

    def read(self, text: str) -> Symbols:
        """A question as people write it, [1, n].

        Raises
        ------
        ValueError
            If a symbol is unknown, or the text is no question of this task.
        """
        unknown = sorted(set(text) - set(self.alphabet[:-1]))
        if unknown:
            raise ValueError(f"{self.name} does not know the symbol {unknown[0]!r}; its symbols are "
                             f"{' '.join(self.alphabet[:-1])}")
        if not text:
            raise ValueError(f"{self.name} needs at least one symbol, got none")
        if self.odd:
            separator = self.alphabet[2]
            left, found, right = text.partition(separator)
            if not found or separator in right or len(left) != len(right) or not left:
                raise ValueError(f"{self.name} needs two numbers of as many digits, lower digit first, with one "
                                 f"{separator!r} between them; got {text!r}")
        if self.even:
            text += PAD * len(text)  # the input is half as long
        return np.array([[self.alphabet.index(symbol) for symbol in text]], np.int64)

    def write(self, symbols: Symbols) -> str:
        """An answer [n] as text, without the padding at its end."""
        return "".join(self.alphabet[i] for i in symbols).rstrip(PAD)


# --- Numbers ----------------------------------------------------------------------------------------------------


def digits(numbers: list[int], count: int) -> Symbols:
    """Lower digit first, base 2: [len(numbers), count]."""
    as_bytes = b"".join(number.to_bytes((count + 7) // 8, "little") for number in numbers)
    table = np.frombuffer(as_bytes, np.uint8).reshape(len(numbers), -1)
    return np.unpackbits(table, axis=1, bitorder="little")[:, :count].astype(np.int64)


def whole(bits: Symbols) -> list[int]:
    """The numbers that rows of digits, lower first, stand for."""
    packed = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def calculation(left: Symbols, right: Symbols, combine: Callable[[int, int], int]) -> tuple[Symbols, Symbols]:
    """Question and answer for two blocks of digits [batch, d]: d + 1 digits of the result for a sum, 2d for a product,
    then PAD."""
    batch, d = left.shape
    separator, pad = np.full((batch, 1), 2), 3
    results = [combine(a, b) for a, b in zip(whole(left), whole(right), strict=True)]
    width = d + 1 if combine is add else 2 * d
    targets = np.full((batch, 2 * d + 1), pad)
    targets[:, :width] = digits(results, width)
    return np.concatenate([left, separator, right], axis=1), targets


def add(a: int, b: int) -> int:
    return a + b


def multiply(a: int, b: int) -> int:
    return a * b


def _calculation(combine: Callable[[int, int], int]) -> Example:
    def example(n: int, batch: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
        left, right = rng.integers(0, 2, (2, batch, n // 2))
        return calculation(left, right, combine)
    return example


def long_carries(d: int, count: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
    """Sums of d digits in which carries, and their absence, are handed on over all distances.

    A pair of digits with exactly one 1 hands on what arrives; 1 and 1 make a carry, 0 and 0 end it. A row is a chain of
    stretches here, each of pairs that hand on and a last one that makes or ends a carry. How many pairs a stretch has
    is drawn anew each time, from 1 to d + 1, and each doubling is as likely as another. Among random numbers stretches
    of ten are one in a thousand.
    """
    pairs = np.rint((d + 1) ** rng.random((count, d))).astype(np.int64)  # of each stretch; d of them are enough
    last = np.cumsum(pairs, axis=1) - 1
    row, stretch = np.nonzero(last < d)
    at = last[row, stretch]
    left = rng.integers(0, 2, (count, d))
    right = 1 - left
    right[row, at] = left[row, at]
    return calculation(left, right, add)


def carry_chains(d: int, count: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
    """Sums of d digits in which a carry travels far: random numbers are not enough to meet one of more than log d.

    A stretch of random beginning and length, at least half of the digits, begins with the pair 1 and 1, which makes a
    carry; of each further pair of it exactly one digit is 1, so that what arrives is handed on. The first row is the
    longest of all, 11...1 + 10...0.
    """
    left, right = rng.integers(0, 2, (2, count, d))
    for row in range(count):
        length = d if row == 0 else int(rng.integers(max(1, d // 2), d + 1))
        start = int(rng.integers(0, d - length + 1))
        right[row, start:start + length] = 1 - left[row, start:start + length]
        left[row, start] = right[row, start] = 1
    left[:1], right[:1] = 1, np.eye(1, d, dtype=np.int64)
    return calculation(left, right, add)


# --- Sequences --------------------------------------------------------------------------------------------------


def _rearrangement(of: Callable[[Symbols], Symbols]) -> Example:
    def example(n: int, batch: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
        inputs = rng.integers(0, 2, (batch, n))
        return inputs, of(inputs)
    return example


def _duplicate(n: int, batch: int, rng: np.random.Generator) -> tuple[Symbols, Symbols]:
    half = rng.integers(0, 2, (batch, n // 2))
    return np.concatenate([half, np.full_like(half, 2)], axis=1), np.concatenate([half, half], axis=1)


BITS = "01" + PAD

TASKS = {task.name: task for task in (
    Task("badd", "binary addition", "01+" + PAD, _calculation(add), odd=True, shortest=3),
    Task("bmul", "binary multiplication", "01*" + PAD, _calculation(multiply), odd=True, shortest=3),
    Task("copy", "the sequence itself", BITS, _rearrangement(lambda x: x.copy())),
    Task("reverse", "the sequence backwards", BITS, _rearrangement(lambda x: x[:, ::-1].copy())),
    Task("duplicate", "the sequence twice", BITS, _duplicate, even=True, shortest=2),
    Task("sort", "zeros first: counting", BITS, _rearrangement(lambda x: np.sort(x, axis=1))),
)}
"""All of them, by name."""
