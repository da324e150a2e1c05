"""How good a translation is: BLEU by sacrebleu with its bootstrap interval, and the words that are hardly ever seen.

BLEU is what sacrebleu's `corpus_bleu` says by default: 13a tokens, case matters (Post 2018). It is made of sums over
sentences, so that resampled test sets cost only new sums; two systems are resampled together (Koehn 2004).

The rare-word score is the share of target words seen at most twice in training that the output has where the
reference has them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reference_models.tasks.translation.vocabulary import split_words

Array = npt.NDArray[Any]

MISSING = "BLEU needs sacrebleu (pip install 'refmem[translate]')"
RARE = 2  # a word is rare when it was seen at most so often in training
ORDERS = 4  # of n-grams


# --- BLEU -----------------------------------------------------------------------------------------------------------


class Interval(NamedTuple):
    """A figure and where it lies in 95 % of all resampled test sets."""

    value: float
    low: float
    high: float


def available() -> bool:
    """Whether sacrebleu is installed."""
    try:
        import sacrebleu  # noqa: F401
    except ImportError:
        return False
    return True


def statistics(outputs: Sequence[str], references: Sequence[str]) -> Array:
    """What BLEU is made of, a row a sentence: matches [4], n-grams [4], length, length of the reference. [N, 10]

    Raises
    ------
    ModuleNotFoundError
        If sacrebleu is not installed.
    ValueError
        If there are not as many outputs as references, or none.
    """
    if len(outputs) != len(references) or not len(outputs):
        raise ValueError(f"each output needs its reference, got {len(outputs)} and {len(references)}")
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise ModuleNotFoundError(MISSING) from error
    metric = BLEU(effective_order=True)
    scores = [metric.sentence_score(output, [reference])
              for output, reference in zip(outputs, references, strict=True)]
    return np.array([[*s.counts, *s.totals, s.sys_len, s.ref_len] for s in scores], np.float64)


def bleu(sums: Array) -> Array:
    """BLEU in percent, of sums of `statistics` [..., 10]: brevity penalty times the geometric mean of precisions.

    A precision without a match is smoothed as sacrebleu does: the first counts as 1/2 of a match, the next as 1/4, ...
    """
    matches, totals = sums[..., :ORDERS], sums[..., ORDERS:2 * ORDERS]
    length, wanted = sums[..., -2], sums[..., -1]
    none = (matches == 0) & (totals > 0)
    halved = 0.5 ** np.cumsum(none, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precisions = np.where(none, halved, matches) / totals
        score = np.exp(np.log(precisions).mean(axis=-1) + np.minimum(0, 1 - wanted / length))
    found: Array = 100 * np.where((totals > 0).all(axis=-1) & (matches.sum(axis=-1) > 0), score, 0.0)
    return found


def resample(sentences: int, rng: np.random.Generator, times: int = 1000) -> Array:
    """How often each sentence stands in each resampled test set: [times, N]."""
    return rng.multinomial(sentences, np.full(sentences, 1 / sentences), size=times)


def bleu_interval(stats: Array, resampled: Array) -> Interval:
    """BLEU of all sentences."""
    return _interval(float(bleu(stats.sum(axis=0))), bleu(resampled @ stats))


def gain_interval(after: Array, before: Array, resampled: Array) -> Interval:
    """By how much BLEU grows from `before` to `after`, both on the same sentences and the same resampled sets."""
    gain = float(bleu(after.sum(axis=0)) - bleu(before.sum(axis=0)))
    return _interval(gain, bleu(resampled @ after) - bleu(resampled @ before))


def _interval(value: float, drawn: Array) -> Interval:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(round(value, 2), round(float(low), 2), round(float(high), 2))


# --- Rare words -----------------------------------------------------------------------------------------------------


class RareWords(NamedTuple):
    """How many rare words the references ask for, and how many the outputs have."""

    asked: int
    found: int

    @property
    def share(self) -> float:
        """Of those asked for; 0 where there are none."""
        return self.found / self.asked if self.asked else 0.0


class RareWord(NamedTuple):
    """One rare word in one reference."""

    sentence: int
    word: str
    seen: int  # training sentences with it
    contexts: int  # context sentences with it


def count_sentences(sentences: Iterable[str]) -> Counter[str]:
    """In how many sentences each word stands."""
    return Counter(word for sentence in sentences for word in set(split_words(sentence)))


def rare_words(references: Sequence[str], training: Mapping[str, int], contexts: Mapping[str, int] | None = None, *,
               most: int = RARE) -> list[RareWord]:
    """Every rare word of every reference, each once a sentence. Numbers and punctuation are no words.

    Parameters
    ----------
    training, contexts : word -> number of sentences
        See `count_sentences`.
    """
    contexts = contexts or {}
    return [RareWord(number, word, training.get(word, 0), contexts.get(word, 0))
            for number, reference in enumerate(references)
            for word in dict.fromkeys(split_words(reference))
            if word[0].isalpha() and training.get(word, 0) <= most]


def score(words: Iterable[RareWord], outputs: Sequence[str]) -> RareWords:
    """How many of these the outputs have in the same sentence."""
    said = [set(split_words(output)) for output in outputs]
    hits = [word.word in said[word.sentence] for word in words]
    return RareWords(len(hits), sum(hits))


def seen_once(words: Iterable[RareWord]) -> list[RareWord]:
    """Those that stand in exactly one context sentence."""
    return [word for word in words if word.contexts == 1]
