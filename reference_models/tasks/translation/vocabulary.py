"""Vocabularies: from a sentence to the numbers that a network reads, and back.

Two kinds. `Words` needs nothing but Python and knows the words that it has seen. `Subwords` are the pieces of
sentencepiece (Kudo & Richardson 2018): frequent words are one piece, rare ones several, so that nothing is unknown.
Both begin with the same four tokens, and both are files.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from refmem.storage import FileRefused, replacing

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
"""The first four tokens: behind the end of a sentence, before its begin, its end, and a word that is not known."""

MISSING = "subwords need sentencepiece (pip install 'refmem[translate]')"

_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_NO_SPACE_BEFORE = re.compile(r"\s+([.,;:!?])")


class Vocabulary(Protocol):
    """What both kinds can do."""

    suffix: str  # of its file

    def __len__(self) -> int:
        """Number of tokens, the special ones too."""

    def encode(self, sentence: str) -> list[int]:
        """Its tokens, without start and end."""

    def decode(self, tokens: Iterable[int]) -> str:
        """The sentence up to the end token, special tokens left out."""

    def to_bytes(self) -> bytes:
        """The contents of its file."""


def split_words(sentence: str) -> list[str]:
    """Words and punctuation marks, each on its own."""
    return _TOKEN.findall(sentence)


class Words:
    """One token a word. A word that was not seen is `<unk>`."""

    suffix = ".txt"

    def __init__(self, words: Sequence[str]) -> None:
        if len(set(words)) < len(words) or any(word in SPECIAL or not word.strip() for word in words):
            raise ValueError("words must be different, not empty, and none of " + ", ".join(SPECIAL))
        self.words = [*SPECIAL, *words]
        self._tokens = {word: token for token, word in enumerate(self.words)}

    @staticmethod
    def learn(sentences: Iterable[str], size: int | None = None) -> "Words":
        """The words of some sentences, the most frequent first; at most `size` tokens with the special ones."""
        counts = Counter(word for sentence in sentences for word in split_words(sentence))
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        return Words(ordered if size is None else ordered[:max(0, size - len(SPECIAL))])

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentence: str) -> list[int]:
        return [self._tokens.get(word, UNKNOWN) for word in split_words(sentence)]

    def decode(self, tokens: Iterable[int]) -> str:
        words = [self.words[token] for token in until_end(tokens) if token >= len(SPECIAL) or token == UNKNOWN]
        return _NO_SPACE_BEFORE.sub(r"\1", " ".join(words))

    def to_bytes(self) -> bytes:
        return "".join(f"{word}\n" for word in self.words[len(SPECIAL):]).encode()


class Subwords:
    """The pieces of a sentencepiece model."""

    suffix = ".model"

    def __init__(self, model: bytes) -> None:
        sentencepiece = _sentencepiece()
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise ValueError(f"it is no sentencepiece model ({error})") from error
        special = tuple(getattr(self._pieces, name)() for name in ("pad_id", "bos_id", "eos_id", "unk_id"))
        if special != (PAD, START, END, UNKNOWN):
            raise ValueError(f"its pad, start, end and unknown tokens must be 0, 1, 2, 3, got {special}")
        self._model = model

    @staticmethod
    def learn(sentences: Iterable[str], size: int) -> "Subwords":
        """Byte-pair pieces of some sentences, all characters covered; the same every time.

        Raises
        ------
        ModuleNotFoundError
            If sentencepiece is not installed.
        ValueError
            If the sentences do not hold that many pieces.
        """
        sentencepiece = _sentencepiece()
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(sentences), model_writer=model, vocab_size=size, model_type="bpe",
                character_coverage=1.0, pad_id=PAD, bos_id=START, eos_id=END, unk_id=UNKNOWN, num_threads=1,
                minloglevel=2)
        except RuntimeError as error:
            raise ValueError(f"no vocabulary of {size} subwords can be made of these sentences: {error}") from error
        return Subwords(model.getvalue())

    def __len__(self) -> int:
        return int(self._pieces.vocab_size())

    def encode(self, sentence: str) -> list[int]:
        tokens: list[int] = self._pieces.encode(sentence)
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        kept = [int(token) for token in until_end(tokens) if token >= len(SPECIAL) or token == UNKNOWN]
        text: str = self._pieces.decode(kept)
        return text

    def to_bytes(self) -> bytes:
        return self._model


def until_end(tokens: Iterable[int]) -> list[int]:
    """What stands before the first end token."""
    found = [int(token) for token in tokens]
    return found[:found.index(END)] if END in found else found


def save(path: Path, vocabulary: Vocabulary) -> None:
    """The whole file or nothing."""
    with replacing(path) as file:
        file.write(vocabulary.to_bytes())


def load(path: Path) -> Vocabulary:
    """Read what `save` wrote; the kind is in the name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileRefused
        If it is not a vocabulary.
    """
    content = path.read_bytes()
    try:
        return Subwords(content) if path.suffix == Subwords.suffix else Words(content.decode().splitlines())
    except ValueError as error:
        raise FileRefused(f"{path} is damaged or not a vocabulary: {error}") from error


def check_installed() -> None:
    """Raise a `ModuleNotFoundError` with a sentence where subwords cannot be had."""
    _sentencepiece()


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise ModuleNotFoundError(MISSING) from error
    return sentencepiece
