"""What the command `translate` measures: BLEU and rare words, without context, after the even lines and after all."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refmem.storage import FileRefused

from reference_models.cli import output
from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq import evaluation as protocol
from reference_models.tasks.translation import scores
from reference_models.tasks.translation import Encoded, Vocabularies
from reference_models.tasks.translation.parallel_text import Pairs
from reference_models.tasks.translation.vocabulary import split_words
from reference_models.training.progress import Report

EXAMPLES = 40
EVEN, ODD = slice(0, None, 2), slice(1, None, 2)


@dataclass
class Translated:
    """The translations of one test set under one condition."""

    name: str  # of the condition
    rows: list[int]  # the lines of the test set
    lines: list[str]
    words: list[list[protocol.Origin]]  # where each word was from


def everything(model: Seq2Seq, vocabularies: Vocabularies, text: Any, tests: dict[str, Encoded], folder: Path, *,
               beam: int, length_penalty: float, seed: int,
               against: Path | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Facts for the results, and examples side by side. The translations are written to `folder`.

    The first test set is measured in full; of the others, what the even lines do for the odd ones. `against` is the
    folder of another run: by how much BLEU without context is higher here than there.
    """
    others = written(against, text.tests) if against is not None else {}
    figures: dict[str, Any] = {}
    examples: list[dict[str, Any]] = []
    lines: list[str] = []
    training = scores.count_sentences(text.train.target)
    pool: list[tuple[list[scores.RareWord], list[str], list[str]]] = []
    for place, (name, encoded) in enumerate(tests.items()):
        found = conditions(model, vocabularies, encoded, len(text.train), full=place == 0, name=name, beam=beam,
                           length_penalty=length_penalty, references=text.tests[name].target)
        pairs: Pairs = text.tests[name]
        figures[name] = measured(found, pairs, training, seed=seed)
        if name in others and scores.available():
            figures[name]["gain_over"] = {"run": str(against)} | _gain(found["no context"].lines, others[name],
                                                                       pairs.target, seed)
        if "even lines" in found:
            contexts = scores.count_sentences(pairs.target[EVEN])
            rare = scores.rare_words(pairs.target[ODD], training, contexts)
            pool.append((rare, _odd(found["no context"]), found["even lines"].lines))
            examples += side_by_side(found, pairs, text.train, rare)
        for condition in found.values():
            lines += [f"{name}\t{condition.name}\t{row}\t{line}"
                      for row, line in zip(condition.rows, condition.lines, strict=True)]
    output.write_text(folder / "translations.txt", "\n".join(lines) + "\n")
    output.write_text(folder / "examples.json", json.dumps(examples[:EXAMPLES], indent=1, ensure_ascii=False) + "\n")
    facts = {"beam": beam, "length_penalty": length_penalty, "tests": figures}
    if len(pool) > 1:
        facts["rare_words_of_all_tests"] = {
            condition: {which: _share(_sum(scores.score(pick(rare), (before, after)[column])
                                           for rare, before, after in pool))
                        for which, pick in (("all", list), ("context_seen_once", scores.seen_once))}
            for column, condition in enumerate(("no context", "even lines"))}
    return facts, examples[:EXAMPLES]


def conditions(model: Seq2Seq, vocabularies: Vocabularies, test: Encoded, first_source: int, *, full: bool, name: str,
               beam: int, length_penalty: float, references: list[str]) -> dict[str, Translated]:
    """Translations by condition. Without a memory there is one."""
    everyone, odd = list(range(len(test))), list(range(len(test)))[ODD]
    even = Encoded(test.source[EVEN], test.target[EVEN])
    wanted: list[tuple[str, Encoded | None, list[int], bool]] = [("no context", None, everyone, True)]
    if model.memory is not None:
        if full:
            wanted.append(("memory zeroed", None, everyone, False))
        wanted.append(("even lines", even, odd, True))
        if full:
            wanted.append(("all lines", test, everyone, True))
    found: dict[str, Translated] = {}
    for condition, context, rows, read in wanted:
        title = f"{name}, {condition}"
        with Report(f"{title}: showing") as report:
            manager = protocol.shown(model, context, first_source=first_source, progress=report.show)
            with manager, Report(f"{title}: translating") as inner:
                sources = [test.source[row] for row in rows]
                written = protocol.translate(model, sources, beam=beam, length_penalty=length_penalty, read=read,
                                             progress=inner.show)
        done = Translated(condition, rows, [vocabularies.target.decode(one.tokens) for one in written],
                          [protocol.origins(one, vocabularies.target) for one in written])
        found[condition] = done
        if scores.available() and len(references) == len(test):
            stats = scores.statistics(done.lines, [references[row] for row in rows])
            print(f"{title}: BLEU {float(scores.bleu(stats.sum(axis=0))):.2f} of {len(rows)} sentences",
                  file=sys.stderr, flush=True)
    return found


def measured(found: dict[str, Translated], pairs: Pairs, training: Counter[str], *, seed: int) -> dict[str, Any]:
    """BLEU with intervals, gains, and rare words."""
    facts: dict[str, Any] = {"sentences": len(pairs)}
    rng = np.random.default_rng([seed, 20])
    if scores.available():
        drawn, drawn_odd = (scores.resample(len(pairs.target[part]), rng) for part in (slice(None), ODD))
        stats = {name: scores.statistics(done.lines, [pairs.target[row] for row in done.rows])
                 for name, done in found.items()}
        facts["bleu"] = {name: scores.bleu_interval(s, drawn if len(s) == len(pairs) else drawn_odd)._asdict()
                         for name, s in stats.items()}
        odd = stats["no context"][ODD]
        facts["bleu"]["no context, odd lines"] = scores.bleu_interval(odd, drawn_odd)._asdict()
        if "even lines" in stats:
            facts["gain_from_even_lines"] = scores.gain_interval(stats["even lines"], odd, drawn_odd)._asdict()
        if "all lines" in stats:
            facts["gain_from_all_lines"] = scores.gain_interval(stats["all lines"], stats["no context"],
                                                                drawn)._asdict()
            facts["gain_from_reading"] = scores.gain_interval(stats["no context"], stats["memory zeroed"],
                                                              drawn)._asdict()
    for context, part in (("even lines", ODD), ("all lines", slice(None))):
        shown = pairs.target[EVEN] if context == "even lines" else pairs.target
        rare = scores.rare_words(pairs.target[part], training, scores.count_sentences(shown))
        lines = {"no context": found["no context"].lines[part]}
        if context in found:
            lines[context] = found[context].lines
        facts[f"rare_words_asked_in_{'odd' if part is ODD else 'all'}_lines"] = {
            name: {"all": _share(scores.score(rare, said)),
                   "context_seen_once": _share(scores.score(scores.seen_once(rare), said))}
            for name, said in lines.items()}
    return facts


def side_by_side(found: dict[str, Translated], pairs: Pairs, train: Pairs,
                 rare: list[scores.RareWord]) -> list[dict[str, Any]]:
    """Sentences whose translation the context has changed; first those where it brought a rare word."""
    before, after = _odd(found["no context"]), found["even lines"]
    zeroed = _odd(found["memory zeroed"]) if "memory zeroed" in found else before
    wanted = {number: {word.word for word in rare if word.sentence == number} for number in range(len(before))}
    examples = []
    for number, row in enumerate(after.rows):
        if before[number] == after.lines[number]:
            continue
        new = set(split_words(after.lines[number])) - set(split_words(before[number]))
        brought = new & wanted[number]
        origin = []
        for word in after.words[number]:
            if word.word in new and word.source >= 0:
                context = word.source - len(train)
                shown = pairs.take([2 * context]) if context >= 0 else train.take([word.source])
                origin.append({"word": word.word, "confidence": round(word.confidence, 3),
                               "from": "context" if context >= 0 else "training",
                               "sentence": shown.source[0], "translation": shown.target[0]})
        examples.append({"line": row, "source": pairs.source[row], "reference": pairs.target[row],
                         "memory_zeroed": zeroed[number], "memory_without_context": before[number],
                         "memory_with_context": after.lines[number], "rare_words_brought": sorted(brought),
                         "origins": origin})
    return sorted(examples, key=lambda e: -len(e["rare_words_brought"]))


def written(run: Path, tests: Mapping[str, Pairs]) -> dict[str, list[str]]:
    """What a run wrote for each test set, without context.

    Raises
    ------
    FileNotFoundError, FileRefused
        If there is no file with translations, or it is damaged.
    ValueError
        If a set of the same name as one of `tests` has another number of lines.
    """
    found: dict[str, list[str]] = {}
    path = run / "translations.txt"
    for number, line in enumerate(path.read_text("utf-8").removesuffix("\n").split("\n"), start=1):
        fields = line.split("\t", 3)
        if len(fields) < 4:
            raise FileRefused(f"{path} is damaged: line {number} has no translation")
        name, condition, _, translation = fields
        if condition == "no context":
            found.setdefault(name, []).append(translation)
    for name, pairs in tests.items():
        if name in found and len(found[name]) != len(pairs):
            raise ValueError(f"the run in {run} has translated {len(found[name])} lines of {name}, and here it has "
                             f"{len(pairs)}")
    return found


def _gain(ours: list[str], theirs: list[str], references: list[str], seed: int) -> dict[str, float]:
    after, before = (scores.statistics(lines, references) for lines in (ours, theirs))
    drawn = scores.resample(len(references), np.random.default_rng([seed, 21]))
    return scores.gain_interval(after, before, drawn)._asdict()


def _odd(done: Translated) -> list[str]:
    return done.lines[ODD]


def _share(words: scores.RareWords) -> dict[str, Any]:
    return {"asked": words.asked, "found": words.found, "share": round(words.share, 4)}


def _sum(parts: Any) -> scores.RareWords:
    asked, found = zip(*parts, strict=True)
    return scores.RareWords(sum(asked), sum(found))
