"""The paper's protocol for translation: what a memory gains from sentences that it is only shown.    (LTRRE §4)

    The even lines of the test set (the first is line 0) are the context, the odd ones are translated. Showing a
    context writes to the memory, three times over, and trains no weight. As an oracle, to see that a memory is used
    at all, the whole test set is the context and is translated.

What a translation rests on can be asked afterwards: each slot knows the sentence that wrote it last.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from refmem.memory.memory import Memory

from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq.search import Translation, beam_search, greedy
from reference_models.tasks.translation import Array, Encoded, batch, padded
from reference_models.tasks.translation.vocabulary import Vocabulary, split_words

PASSES = 3  # LTRRE §4: the context is shown three times
SHOWN_AT_ONCE = 16  # sentences of a context, one call of the memory
TRANSLATED_AT_ONCE = 50  # sentences

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


def translate(model: Seq2Seq, sources: Sequence[Array], *, beam: int, length_penalty: float, read: bool = True,
              progress: Progress = SILENT) -> list[Translation]:
    """A translation of each sentence; sentences of about one length are worked on together.

    Parameters
    ----------
    sources : list of [S] int64
        Tokens with their end.
    beam : int
        1 is greedy.
    length_penalty : float
        See `beam_search`.
    read : bool
        False: the memory's answers are replaced by zeros.
    """
    memory = model.memory
    if not read and memory is not None and memory.profile.rules == "paper":  # an empty one answers zeros, and is fast
        model.memory = Memory(memory.key_dim, 1, profile=memory.profile, vocab_size=memory.vocab_size,
                              dtype=memory.dtype, xp=memory.xp)
        try:
            return translate(model, sources, beam=beam, length_penalty=length_penalty, progress=progress)
        finally:
            model.memory = memory
    order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
    found: dict[int, Translation] = {}
    for start in range(0, len(order), TRANSLATED_AT_ONCE):
        rows = order[start:start + TRANSLATED_AT_ONCE]
        source, lengths = padded([sources[row] for row in rows])
        limit = int(1.5 * lengths.max()) + 5
        if beam == 1:
            written = greedy(model, source, limit=limit, read=read)
        else:
            written = beam_search(model, source, beam=beam, alpha=length_penalty, limit=limit, read=read)
        found |= dict(zip(rows, written, strict=True))
        progress((start + len(rows)) / len(order))
    return [found[row] for row in range(len(sources))]


class Origin(NamedTuple):
    """Where the memory had a word from."""

    word: str
    source: int  # the sentence that last wrote the slot; -1 unknown
    answered: int  # the token that the memory gave
    confidence: float  # softmax component 1


def origins(translation: Translation, vocabulary: Vocabulary) -> list[Origin]:
    """For each word of a translation: the memory's surest answer while it was written. No memory, no origins."""
    words = split_words(vocabulary.decode(translation.tokens))
    reached = [len(split_words(vocabulary.decode(translation.tokens[:step + 1])))
               for step in range(len(translation.tokens))]
    found = []
    for number, word in enumerate(words, start=1):
        steps = [step for step, count in enumerate(reached) if count == number]
        if steps:
            best = max(steps, key=lambda step: translation.confidence[step])
            if translation.values[best] >= 0:
                found.append(Origin(word, translation.sources[best], translation.values[best],
                                    translation.confidence[best]))
    return found
