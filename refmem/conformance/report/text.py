"""A run for people: what is wrong first, and how to see it again."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from refmem.conformance import rules
from refmem.conformance.mutants import all_mutants
from refmem.conformance.verdict import Result, Run, Verdict

SHOWN = 8
SAME = 80
"""Characters of a reason by which two errors are the same one; figures in it do not count."""
BAD = (Verdict.FAIL, Verdict.ERROR, Verdict.XPASS)


def text(run: Run, *, everything: bool = False) -> Iterator[str]:
    """The lines of the report; of many failures the first ones of the likeliest rule, or all."""
    name = run.describes.get("name", "the implementation")
    bad = [r for r in run.results if r.verdict in BAD]
    if run.suspects and any(r.verdict == Verdict.FAIL for r in bad):
        yield f"Broken rule, most likely: {run.suspects[0]}"
        found = rules.index().get(run.suspects[0])
        if found is not None:
            yield f"    {found.statement}" + (f"   ({found.source})" if found.source else "")
            yield f"    refmem/{found.file}:{found.line}"
        yield from (f"    hint: {words(hint)}" for hint in likeliest_hints(run, 2))
        yield ""
    bad.sort(key=lambda r: (not run.suspects or run.suspects[0] not in r.case.rules))
    shown = [[r] for r in bad] if everything else alike(bad)
    for results in shown if everything else shown[:SHOWN]:
        yield from _failure(results)
    if not everything and len(shown) > SHOWN:
        yield f"... and {sum(map(len, shown[SHOWN:]))} more; --verbose shows them."
        yield ""
    for sentence in run.stale:
        yield f"stale deviation: {sentence}"
    for profile, levels in run.levels().items():
        yield f"{profile}: " + ", ".join(f"{level} {state}" for level, state in sorted(levels.items()))
    yield f"{name}: " + ", ".join(f"{run.count(v)} {v.value}" for v in Verdict if run.count(v))


def alike(bad: Sequence[Result]) -> list[list[Result]]:
    """The same case in both dtypes is one, and so are cases that raise the same error. float64 stands first."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in bad:
        said = re.sub(r"\d+", "", result.reason)[:SAME]
        key = said if result.verdict is Verdict.ERROR else result.case.id.rsplit(".", 1)[0]
        groups.setdefault((result.verdict.value, key), []).append(result)
    return [sorted(results, key=lambda r: r.case.dtype != "float64") for results in groups.values()]


def likeliest_hints(run: Run, most: int) -> list[str]:
    """What explains most of the failures that exercise the suspected rule."""
    votes = Counter(hint for result in run.results for hint in result.hints
                    if run.suspects and run.suspects[0] in result.case.rules)
    return [hint for hint, _ in votes.most_common(most)]


def words(hint: str) -> str:
    """A hint as a sentence."""
    says = {mutant.id: mutant.says for mutant in all_mutants()}
    if hint.startswith("follows-"):
        other = {"tf2017": "PAPER", "paper": "TF2017"}[hint.removeprefix("follows-")]
        return f"matches {hint.removeprefix('follows-').upper()}, not {other}"
    return f"matches if {says[hint]} ({hint})" if hint in says else hint


def _failure(results: Sequence[Result]) -> Iterator[str]:
    result, *others = results
    yield f"{result.verdict.value} {result.case.id}   [{result.case.rule}]"
    yield f"    {result.case.title}"
    yield f"    {result.reason or 'passed, though it is expected to fail'}"
    yield from (f"    hint: {words(hint)}" for hint in dict.fromkeys(hint for r in results for hint in r.hints))
    if others:
        yield f"    so does {others[0].case.id}" + (f", and {len(others) - 1} more" if len(others) > 1 else "")
    yield f"    again: refmem repro {result.case.id}"
    yield ""
