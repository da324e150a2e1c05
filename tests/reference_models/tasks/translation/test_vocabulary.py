"""Vocabularies: there and back, files that are whole or refused, unknown words, missing extras in a sentence."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmem.storage import FileRefused
from reference_models.tasks.translation import vocabulary
from reference_models.tasks.translation.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Subwords, Words

SENTENCES = ["the dog sees the cat.", "a dog-lover isn't here, now!", "Der Hund sieht die Katze."] * 9


@pytest.fixture(params=["words", "subwords"])
def learnt(request):
    if request.param == "words":
        return Words.learn(SENTENCES)
    pytest.importorskip("sentencepiece")
    return Subwords.learn(SENTENCES, 60)


def test_what_was_learnt_comes_back(learnt, tmp_path):
    for sentence in SENTENCES[:3]:
        tokens = learnt.encode(sentence)
        assert all(len(SPECIAL) <= token < len(learnt) for token in tokens)
        assert learnt.decode([START, *tokens, END, tokens[0], PAD]) == sentence
    path = tmp_path / f"v{learnt.suffix}"
    vocabulary.save(path, learnt)
    again = vocabulary.load(path)
    assert len(again) == len(learnt) and again.to_bytes() == learnt.to_bytes()
    assert again.encode(SENTENCES[0]) == learnt.encode(SENTENCES[0])


@given(st.lists(st.sampled_from("abcdefgh"), max_size=20))
def test_known_words_come_back_in_any_order(words):
    known = Words(list("abcdefgh"))
    assert known.decode(known.encode(" ".join(words))) == " ".join(words)


def test_words_are_ordered_by_frequency_and_cut():
    known = Words.learn(["b a b", "c b a"], size=len(SPECIAL) + 2)
    assert known.words[len(SPECIAL):] == ["b", "a"]
    assert known.encode("a c") == [5, UNKNOWN] and known.decode([UNKNOWN, 4]) == "<unk> b"


def test_what_is_no_vocabulary_is_refused(tmp_path):
    for name, content in (("twice.txt", b"a\na\n"), ("special.txt", b"<s>\n"), ("binary.txt", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileRefused, match=name):
            vocabulary.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        vocabulary.load(tmp_path / "none.txt")


def test_damaged_or_foreign_subwords_are_refused(tmp_path):
    pytest.importorskip("sentencepiece")
    (tmp_path / "v.model").write_bytes(b"no model")
    with pytest.raises(FileRefused, match="v.model"):
        vocabulary.load(tmp_path / "v.model")
    with pytest.raises(ValueError, match="100000 subwords"):
        Subwords.learn(SENTENCES, 100_000)


def test_without_the_extra_a_sentence_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ModuleNotFoundError, match=r"refmem\[translate\]"):
        Subwords.learn(SENTENCES, 60)
