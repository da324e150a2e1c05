"""The little grammar: German as German wants it, rare names where the protocol needs them, the seed decides."""

from collections import Counter

from reference_models.tasks.translation import bilingual
from reference_models.tasks.translation.vocabulary import split_words


def test_rare_names_stand_once_or_twice_in_training_and_once_in_each_half_of_the_test():
    text = bilingual.load(train=500, validation=20, rare=40)
    assert [len(part) for part in text] == [500, 20, 80]
    counts = Counter(word for line in text.train.target for word in split_words(line))
    even, odd = (Counter(word for line in text.test.target[first::2] for word in split_words(line)) for first in (0, 1))
    rare = [word for word, count in counts.items() if count <= 2 and word[0].isupper()]
    shared = [word for word in rare if even[word] == odd[word] == 1]
    assert len(shared) == 40
    assert sorted(counts[word] for word in shared) == [1] * 20 + [2] * 20
    assert {"Dostojewski", "Herodot"} <= set(shared)


def test_words_and_grammar_correspond():
    text = bilingual.load(train=800, validation=20, rare=20)
    nouns = {noun.english: noun for noun in bilingual._NOUNS}
    seen = set()
    for english, german in zip(*text.train, strict=True):
        here, there = english.split(), german.split()
        assert here[-1] == there[-1] == "."
        noun = next(nouns[word] for word in here if word in nouns)
        seen.add((noun.english, "has" in here))
        assert ("hat" in there) == ("has" in here)
        subject = here.index(noun.english) < here.index("has" if "has" in here else next(
            verb[0] for verb in bilingual._VERBS if verb[0] in here))
        article = {"m": "der" if subject else "den", "f": "die", "n": "das"}[noun.gender]
        assert article in there and (noun.german if subject else noun.accusative) in there
        if there[0] in {time for _, time in bilingual._TIMES}:  # the verb keeps the second place
            assert there[1] == "hat" or there[1] in {verb[1] for verb in bilingual._VERBS}
        if "hat" in there:
            assert there[-2] in {verb[3] for verb in bilingual._VERBS}
    assert len(seen) == 30


def test_the_seed_decides_and_two_names_are_never_written_alike():
    assert bilingual.load(3, train=100, validation=5, rare=9) == bilingual.load(3, train=100, validation=5, rare=9)
    assert bilingual.load(3, train=100, validation=5, rare=9) != bilingual.load(4, train=100, validation=5, rare=9)
