"""The paper's protocol for translation: what a memory gains from sentences that it is only shown.    (LTRRE §4)

    The even lines of the test set (the first is line 0) are the context, the odd ones are translated. Showing a
    context writes to the memory, three times over, and trains no weight. As an oracle, to see that a memory is used
    at all, the whole test set is the context and is translated.

What a translation rests on can be asked afterwards: each slot knows the sentence that wrote it last.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import to_host

from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq_search import search
from reference_models.tasks.translation import Array, Encoded, batch
from reference_models.tasks.vocabulary import END, Vocabulary, split_words

PASSES = 3  # LTRRE §4: the context is shown three times
SHOWN_AT_ONCE = 16  # sentences of a context, one call of the memory
TRANSLATED_AT_ONCE = 25  # sentences

Progress = Callable[[float], None]
SILENT: Progress = lambda done: None


@contextmanager
def shown(model: Seq2Seq, context: Encoded | None, *, first_source: int = 0, passes: int = PASSES,
          progress: Progress = SILENT) -> Iterator[None]:
    """Inside, the memory has seen a context; afterwards it is what it was before.

    Parameters
    ----------
    context : Encoded or None
        None: the memory is left alone.
    first_source : int
        The source of the first sentence, which is what `Evidence.source` says; the next has the next number.
    """
    if context is None or model.memory is None:
        yield
        return
    before = model.memory.state.copy()
    try:
        total = passes * len(context)
        for turn in range(passes):
            for start in range(0, len(context), SHOWN_AT_ONCE):
                pairs = batch(context, range(start, min(start + SHOWN_AT_ONCE, len(context))))
                model.show(pairs.source, pairs.target, sources=first_source + pairs.rows)
                progress((turn * len(context) + start) / total)
        yield
    finally:
        model.memory.state = before


def translate(model: Seq2Seq, sources: Sequence[Array], *, beam: int, length_penalty: float, longest: int,
              read: bool = True, progress: Progress = SILENT) -> list[Array]:
    """The tokens of each translation, without the end; sentences of about one length are worked on together.

    Parameters
    ----------
    sources : list of [S] int64
    read : bool
        False: the memory's answers are replaced by zeros.
    """
    order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
    found: list[Array] = [np.zeros(0, np.int64)] * len(sources)
    for start in range(0, len(order), TRANSLATED_AT_ONCE):
        rows = order[start:start + TRANSLATED_AT_ONCE]
        widest = max(len(sources[row]) for row in rows)
        source = np.zeros((len(rows), widest), np.int64)
        for place, row in enumerate(rows):
            source[place, :len(sources[row])] = sources[row]
        for row, tokens in zip(rows, search(model, source, beam=beam, length_penalty=length_penalty,
                                            longest=longest, read=read), strict=True):
            found[row] = tokens
        progress((start + len(rows)) / len(order))
    return found


class Origin(NamedTuple):
    """Where the memory had a word from."""

    word: str
    source: int  # the sentence that last wrote the slot; -1 unknown
    answered: int  # the token that the memory gave
    confidence: float  # softmax component 1
    cosine: float


def origins(model: Seq2Seq, source: Array, translation: Array, vocabulary: Vocabulary) -> list[Origin]:
    """For each word of a translation: the memory's surest answer while it was written.

    Parameters
    ----------
    source, translation : [S], [T] int64
        Tokens; the translation without its end.
    """
    if model.memory is None or not len(translation):
        return []
    output, _ = model.forward(source[None], np.append(translation, END)[None], update=False)
    answer: Any = output.memory
    slots = to_host(answer.neighbours[:, 0])  # [T + 1]
    stored = to_host(model.memory.state.sources)
    words = split_words(vocabulary.decode(translation))
    reached = [len(split_words(vocabulary.decode(translation[:step + 1]))) for step in range(len(translation))]
    found = []
    for number, word in enumerate(words, start=1):
        steps = [step for step, count in enumerate(reached) if count == number]
        if steps:
            best = max(steps, key=lambda step: float(answer.confidence[step, 0]))
            slot = int(slots[best])
            found.append(Origin(word, int(stored[slot]) if slot >= 0 else -1, int(answer.values[best]),
                                float(answer.confidence[best, 0]), float(answer.cosines[best, 0])))
    return found
