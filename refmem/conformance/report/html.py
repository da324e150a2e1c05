"""The report of a run as one HTML file: what is broken first, then every case."""

import html
import itertools
from collections.abc import Iterator
from typing import Any

from refmem.conformance import rules
from refmem.conformance.case import LEVELS
from refmem.conformance.report.style import formula, page, table
from refmem.conformance.report.text import likeliest_hints, words
from refmem.conformance.verdict import Result, Run, Verdict

STYLE = """
.counts { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.counts div { border: 1px solid var(--line); border-radius: 8px; padding: .5rem 1.1rem; background: var(--card); }
.counts b { display: block; font-size: 1.6rem; line-height: 1.2; }
.suspect { border-left: 5px solid var(--bad); background: var(--card); padding: .8rem 1.2rem; margin: 1.2rem 0;
  border-radius: 0 8px 8px 0; } .suspect p { margin: .3rem 0; }
.failure { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1.2rem; margin: .9rem 0; }
.failure p { margin: .25rem 0; } .hint { color: var(--accent); font-weight: 600; }
.failure table { width: auto; margin: .4rem 0; } .math { font: 1.12rem/1.5 Cambria, Georgia, serif; }
td.level { text-align: center; }
"""
BAD = (Verdict.FAIL, Verdict.ERROR, Verdict.XPASS)


def report(run: Run, header: dict[str, Any] | None = None) -> str:
    """The page of a run. `header` is the first record of its JSON lines: versions and settings."""
    name = str(run.describes.get("name", "implementation"))
    return page(f"{name}: refmem conform", [*_summary(run, name), *_failures(run), *_cases(run), *_made_by(header)],
                STYLE)


def _summary(run: Run, name: str) -> Iterator[str]:
    yield f"<main><h1>{html.escape(name)} against the specification</h1>"
    yield '<div class="counts">' + "".join(f'<div class="{v.value}"><b>{run.count(v)}</b>{v.value}</div>'
                                           for v in Verdict if run.count(v)) + "</div>"
    if run.suspects and run.count(Verdict.FAIL, Verdict.XFAIL):
        found = rules.index().get(run.suspects[0])
        yield '<div class="suspect"><p>Broken rule, most likely: '
        yield f"<b><code>{html.escape(run.suspects[0])}</code></b></p>"
        if found is not None:
            yield (f'<p class="math">{formula(found.statement)}</p><p class="small">{html.escape(found.source)} · '
                   f"refmem/{html.escape(found.file)}:{found.line}</p>")
        for hint in likeliest_hints(run, 3):
            yield f'<p class="hint">{html.escape(words(hint))}</p>'
        yield "</div>"
    yield from (f'<p class="FAIL">Stale deviation: {html.escape(sentence)}</p>' for sentence in run.stale)
    yield table(("", *(f"{level} {what}" for level, what in LEVELS.items())), (
        (html.escape(profile), *(_level(levels.get(level, "not run")) for level in LEVELS))
        for profile, levels in run.levels().items()))


def _level(state: str) -> str:
    kind = {"pass": "PASS", "fail": "FAIL"}.get(state, "SKIP")
    return f'<span class="{kind}">{state}</span>'


def _failures(run: Run) -> Iterator[str]:
    bad = [result for result in run.results if result.verdict in BAD]
    bad.sort(key=lambda r: (not run.suspects or run.suspects[0] not in r.case.rules))
    if bad:
        yield f"<h2>What differs ({len(bad)})</h2>"
    for result in bad:
        yield from _failure(result)


def _failure(result: Result) -> Iterator[str]:
    case, verdict = result.case, result.verdict.value
    yield (f'<div class="failure" id="{html.escape(case.id)}"><p><span class="{verdict}">{verdict}</span> '
           f"<code>{html.escape(case.id)}</code> <span class='tag'>{html.escape(case.rule)}</span></p>"
           f"<p>{html.escape(case.title)}</p>")
    problem = result.outcome.problem if result.outcome else None
    if problem is not None and problem.kind == "values":
        where = f"{problem.output}[{', '.join(map(str, problem.index))}]" if problem.index else problem.output
        yield table(("step", "first to differ", "should be", "is", "allowed", "ulps apart"), [(
            str(problem.step), f"<code>{html.escape(where)}</code>", repr(problem.ours), repr(problem.theirs),
            f"{problem.tolerance:.1e}" if problem.tolerance else "exact",
            "" if problem.ulps is None else f"{problem.ulps:.3g}")])
    else:
        yield f"<p>{html.escape(result.reason or 'passed, though it is expected to fail')}</p>"
    yield from (f'<p class="hint">{html.escape(words(hint))}</p>' for hint in result.hints)
    yield f'<p class="small">again: <code>refmem repro {html.escape(case.id)}</code></p></div>'


def _cases(run: Run) -> Iterator[str]:
    yield f"<h2>All cases ({len(run.results)})</h2>"
    for group, results in itertools.groupby(run.results, key=lambda r: r.case.group):
        every = list(results)
        counts = ", ".join(f"{n} {v.value}" for v in Verdict if (n := sum(r.verdict is v for r in every)))
        yield f"<details><summary>{html.escape(group)}: {counts}</summary>"
        yield table(("case", "level", "rule", "verdict", "seconds"), (
            (f"<code>{html.escape(r.case.id)}</code><br>{html.escape(r.case.title)}", r.case.level,
             f"<code>{html.escape(r.case.rule)}</code>",
             f'<span class="{r.verdict.value}">{r.verdict.value}</span>'
             + (f"<br>{html.escape(r.reason)}" if r.verdict is Verdict.SKIP else ""), f"{r.seconds:.3f}")
            for r in every))
        yield "</details>"


def _made_by(header: dict[str, Any] | None) -> Iterator[str]:
    if header:
        yield "<h2>Made by</h2>"
        yield table(("what", ""), ((html.escape(name), f"<code>{html.escape(str(value))}</code>")
                                   for name, value in header.items() if name not in ("record", "implementation")))
    yield "</main>"
