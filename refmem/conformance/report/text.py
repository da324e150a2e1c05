"""A run for people: what is wrong first, and how to see it again."""

from collections.abc import Iterator

from refmem.conformance import rules
from refmem.conformance.mutants import all_mutants
from refmem.conformance.verdict import Result, Run, Verdict

SHOWN = 8


def text(run: Run, *, everything: bool = False) -> Iterator[str]:
    """The lines of the report; of many failures the first ones of the likeliest rule, or all."""
    name = run.describes.get("name", "the implementation")
    bad = [r for r in run.results if r.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.XPASS)]
    if run.suspects and any(r.verdict == Verdict.FAIL for r in bad):
        yield f"Broken rule, most likely: {run.suspects[0]}"
        found = rules.index().get(run.suspects[0])
        if found is not None:
            yield f"    {found.statement}" + (f"   ({found.source})" if found.source else "")
            yield f"    refmem/{found.file}:{found.line}"
        yield ""
    bad.sort(key=lambda r: (not run.suspects or run.suspects[0] not in r.case.rules))
    for result in bad if everything else bad[:SHOWN]:
        yield from _failure(result)
    if not everything and len(bad) > SHOWN:
        yield f"... and {len(bad) - SHOWN} more; --verbose shows them."
        yield ""
    for sentence in run.stale:
        yield f"stale deviation: {sentence}"
    for profile, levels in run.levels().items():
        yield f"{profile}: " + ", ".join(f"{level} {state}" for level, state in sorted(levels.items()))
    yield f"{name}: " + ", ".join(f"{run.count(v)} {v.value}" for v in Verdict if run.count(v))


def _failure(result: Result) -> Iterator[str]:
    yield f"{result.verdict.value} {result.case.id}   [{result.case.rule}]"
    yield f"    {result.case.title}"
    yield f"    {result.reason or 'passed, though it is expected to fail'}"
    says = {mutant.id: mutant.says for mutant in all_mutants()}
    for hint in result.hints:
        yield f"    hint: matches if {says[hint]} ({hint})" if hint in says else f"    hint: {hint}"
    yield f"    again: refmem repro {result.case.id}"
    yield ""
