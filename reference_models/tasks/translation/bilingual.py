"""A little English and German with names that are hardly ever heard: parallel text that needs no download.

Sentences come from a small grammar in which German differs from English as it does: three genders, cases, the verb at
the second place and the participle at the end.

    yesterday the old painter has greeted Dostoevsky .   ->   gestern hat der alte Maler Dostojewski gegrüßt .

Almost every sentence ends up speaking of a name, and each rare name stands in one or two training sentences only. Its
German spelling cannot be guessed ("Dostoevsky" and "Dostojewski" are one pair of many, most of them made up), so a
network that learns slowly does not know it, and one that has been shown it once in a context can look it up.
"""

from typing import NamedTuple

import numpy as np

from reference_models.tasks.translation.parallel_text import Pairs

TRAIN, VALIDATION, TEST = 3000, 200, 400  # sentence pairs
COMMON_NAMES, RARE_NAMES = 12, 200  # the rare ones are what the test asks about


class Noun(NamedTuple):
    """A person or an animal."""

    english: str
    german: str
    gender: str  # m, f, n
    accusative: str  # German, where it differs


_NOUNS = [Noun(english, german, gender, accusative or german) for english, german, gender, accusative in (
    ("painter", "Maler", "m", ""), ("teacher", "Lehrerin", "f", ""), ("child", "Kind", "n", ""),
    ("student", "Student", "m", "Studenten"), ("dog", "Hund", "m", ""), ("cat", "Katze", "f", ""),
    ("horse", "Pferd", "n", ""), ("boy", "Junge", "m", "Jungen"), ("woman", "Frau", "f", ""),
    ("girl", "Mädchen", "n", ""), ("doctor", "Arzt", "m", ""), ("singer", "Sängerin", "f", ""),
    ("lion", "Löwe", "m", "Löwen"), ("neighbour", "Nachbarin", "f", ""), ("sheep", "Schaf", "n", ""))]
_ADJECTIVES = (("old", "alt"), ("young", "jung"), ("small", "klein"), ("tall", "groß"), ("friendly", "freundlich"),
               ("quiet", "ruhig"), ("clever", "klug"), ("tired", "müd"))
_VERBS = (("sees", "sieht", "seen", "gesehen"), ("greets", "begrüßt", "greeted", "begrüßt"),
          ("visits", "besucht", "visited", "besucht"), ("finds", "findet", "found", "gefunden"),
          ("draws", "zeichnet", "drawn", "gezeichnet"), ("hears", "hört", "heard", "gehört"),
          ("follows", "verfolgt", "followed", "verfolgt"), ("loves", "liebt", "loved", "geliebt"))
_TIMES = (("today", "heute"), ("yesterday", "gestern"), ("often", "oft"), ("now", "jetzt"), ("here", "hier"))

_NOMINATIVE = {"m": ("der", "e"), "f": ("die", "e"), "n": ("das", "e")}  # article, ending of the adjective
_ACCUSATIVE = {"m": ("den", "en"), "f": ("die", "e"), "n": ("das", "e")}

FAMOUS = (("Dostoevsky", "Dostojewski"), ("Tchaikovsky", "Tschaikowski"), ("Chekhov", "Tschechow"),
          ("Pushkin", "Puschkin"), ("Shostakovich", "Schostakowitsch"), ("Herodotus", "Herodot"))


class Text(NamedTuple):
    """What a network is trained and measured on."""

    train: Pairs
    validation: Pairs
    test: Pairs  # each rare name once in an even line (the context) and once in an odd one


def load(seed: int = 0, *, train: int = TRAIN, validation: int = VALIDATION, rare: int = RARE_NAMES) -> Text:
    """The same text for the same seed.

    Parameters
    ----------
    train, validation : int
        Sentence pairs. The test has two for each rare name.
    rare : int
        Rare names; each stands in one or two training sentences, so `train` must be at least twice as many.

    Raises
    ------
    ValueError
        If there is no rare name, or there are too few sentences for them.
    """
    if rare < 1 or train < 2 * rare:
        raise ValueError(f"there must be a rare name, and two training sentences for each, got {rare} names and "
                         f"{train} sentences")
    rng = np.random.default_rng([seed, 30])
    names = _names(COMMON_NAMES + rare, rng)
    common, unusual = names[:COMMON_NAMES], names[COMMON_NAMES:]
    order = rng.permutation(rare)
    spoken = [unusual[i] for i in order] + [unusual[i] for i in order[:rare // 2]]  # half of them twice
    about = spoken + [common[int(i)] for i in rng.integers(0, len(common), train - len(spoken))]
    learnt = _sentences([about[i] for i in rng.permutation(train)], rng)
    held_out = _sentences([common[int(i)] for i in rng.integers(0, len(common), validation)], rng)
    contexts, asked = (_sentences([unusual[i] for i in rng.permutation(rare)], rng) for _ in range(2))
    lines = [pair for both in zip(contexts, asked, strict=True) for pair in both]  # even: context, odd: asked
    return Text(_pairs(learnt), _pairs(held_out), _pairs(lines))


def _pairs(sentences: list[tuple[str, str]]) -> Pairs:
    return Pairs([english for english, _ in sentences], [german for _, german in sentences])


def _sentences(names: list[tuple[str, str]], rng: np.random.Generator) -> list[tuple[str, str]]:
    return [_sentence(name, rng) for name in names]


def _sentence(name: tuple[str, str], rng: np.random.Generator) -> tuple[str, str]:
    """One sentence about a name, as subject or object; the other one is a noun phrase."""
    noun = _NOUNS[int(rng.integers(len(_NOUNS)))]
    adjective = _ADJECTIVES[int(rng.integers(len(_ADJECTIVES)))] if rng.random() < 0.6 else None
    verb = _VERBS[int(rng.integers(len(_VERBS)))]
    time = _TIMES[int(rng.integers(len(_TIMES)))] if rng.random() < 0.5 else None
    named_subject, perfect = rng.random() < 0.3, rng.random() < 0.5

    english_noun = " ".join(["the", *([adjective[0]] if adjective else []), noun.english])
    article, ending = (_ACCUSATIVE if named_subject else _NOMINATIVE)[noun.gender]
    german_noun = " ".join([article, *([adjective[1] + ending] if adjective else []),
                            noun.accusative if named_subject else noun.german])
    subject, thing = ((name[0], english_noun) if named_subject else (english_noun, name[0]))
    german_subject, german_thing = ((name[1], german_noun) if named_subject else (german_noun, name[1]))

    english = [time[0]] if time else []
    english += [subject, *(["has", verb[2]] if perfect else [verb[0]]), thing, "."]
    finite, participle = ("hat", [verb[3]]) if perfect else (verb[1], [])
    german = [time[1], finite, german_subject] if time else [german_subject, finite]  # the verb comes second
    german += [german_thing, *participle, "."]
    return " ".join(english), " ".join(german)


def _names(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Names in both spellings, no spelling twice. How a sound is written in German is drawn anew for each name."""
    sounds = (("sh", "sch"), ("ch", "tsch"), ("v", "w"), ("kh", "ch"), ("y", "j"), ("zh", "sch"), ("ts", "z"),
              ("k", "g"), ("d", "t"), ("m", "n"), ("r", "l"))
    vowels = (("a", "a"), ("e", "je"), ("o", "u"), ("u", "o"), ("i", "ie"))
    endings = (("sky", "ski"), ("ov", "ow"), ("in", "in"), ("us", ""), ("ich", "itsch"))
    names = list(FAMOUS)
    taken = {name for pair in names for name in pair}
    while len(names) < count:
        written = ["", ""]
        for _ in range(int(rng.integers(2, 4))):
            for part in (sounds, vowels):
                chosen = part[int(rng.integers(len(part)))]
                written[0] += chosen[0]
                written[1] += chosen[int(rng.integers(2))]
        ending = endings[int(rng.integers(len(endings)))]
        english, german = (written[0] + ending[0]).capitalize(), (written[1] + ending[1]).capitalize()
        if english not in taken and german not in taken and english != german:
            taken |= {english, german}
            names.append((english, german))
    shuffled = [names[i] for i in rng.permutation(count - len(FAMOUS)) + len(FAMOUS)]
    return shuffled[:COMMON_NAMES] + names[:len(FAMOUS)] + shuffled[COMMON_NAMES:]
