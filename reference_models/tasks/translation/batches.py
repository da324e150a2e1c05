"""Translation as a task: sentence pairs as token numbers, and batches of sentences of about one length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reference_models.tasks.translation.parallel_text import Pairs
from reference_models.tasks.translation.vocabulary import END, PAD, Vocabulary

Array = npt.NDArray[Any]

LONGEST = 80  # tokens of a sentence, unless the caller says otherwise
JITTER = 2.0  # tokens by which lengths are blurred before sorting, so that batches differ from epoch to epoch


class Encoded(NamedTuple):
    """Sentence pairs as tokens, each sentence with its end token."""

    source: list[Array]  # [S] int64 each
    target: list[Array]  # [T] int64 each

    def __len__(self) -> int:  # pairs, not fields
        return len(self.source)


class Batch(NamedTuple):
    """Sentence pairs side by side, `PAD` behind the end of the shorter ones."""

    source: Array  # [B, S] int64
    source_lengths: Array  # [B] int64, the end token counted
    target: Array  # [B, T] int64
    target_lengths: Array  # [B] int64
    rows: Array  # [B] int64 the number of each pair in its text


@dataclass(frozen=True)
class Vocabularies:
    """One for each side."""

    source: Vocabulary
    target: Vocabulary

    def encode(self, pairs: Pairs, *, longest: int = LONGEST, name: str = "the text") -> Encoded:
        """All pairs as tokens.

        Raises
        ------
        ValueError
            If a sentence is empty or has more than `longest` tokens; it says which.
        """
        sides = [[encode(vocabulary, sentence, longest=longest, name=f"{name}, {side} sentence {number}")
                  for number, sentence in enumerate(sentences, start=1)]
                 for side, vocabulary, sentences in (("source", self.source, pairs.source),
                                                     ("target", self.target, pairs.target))]
        return Encoded(*sides)


def encode(vocabulary: Vocabulary, sentence: str, *, longest: int = LONGEST, name: str = "the sentence") -> Array:
    """A sentence as tokens with its end: [S] int64.

    Raises
    ------
    ValueError
        If it is empty, or has more than `longest` tokens.
    """
    found = vocabulary.encode(sentence)
    if not found:
        raise ValueError(f"{name} is empty")
    if len(found) > longest:
        raise ValueError(f"{name} has {len(found)} tokens, and the limit is {longest}: {sentence[:60]}...")
    return np.array([*found, END], np.int64)


def padded(sentences: Sequence[Array]) -> tuple[Array, Array]:
    """Sentences side by side: tokens [B, T] and lengths [B]."""
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    tokens = np.full((len(sentences), int(lengths.max(initial=0))), PAD, np.int64)
    for row, sentence in enumerate(sentences):
        tokens[row, :len(sentence)] = sentence
    return tokens, lengths


def batch(text: Encoded, rows: Iterable[int]) -> Batch:
    """The pairs with these numbers."""
    chosen = np.array(list(rows), np.int64)
    source, source_lengths = padded([text.source[row] for row in chosen])
    target, target_lengths = padded([text.target[row] for row in chosen])
    return Batch(source, source_lengths, target, target_lengths, chosen)


def epoch(text: Encoded, *, tokens: int, rng: np.random.Generator) -> list[Array]:
    """All pairs once: the rows of each batch, with at most `tokens` target tokens, padding counted.

    Pairs of about one length stand together, so that there is little padding; the batches come in random order.
    """
    lengths = np.array([[len(target), len(source)] for target, source in zip(text.target, text.source, strict=True)])
    blurred = lengths + rng.uniform(0, JITTER, lengths.shape)
    order = np.lexsort((blurred[:, 1], np.floor(blurred[:, 0])))
    batches: list[list[int]] = [[]]
    longest = 0
    for row in order.tolist():
        longest = max(longest, int(lengths[row, 0]))
        if batches[-1] and longest * (len(batches[-1]) + 1) > tokens:
            batches.append([])
            longest = int(lengths[row, 0])
        batches[-1].append(row)
    return [np.array(batches[i], np.int64) for i in rng.permutation(len(batches))]
