"""The whole specification as one page: each rule, its statement, and the code beside it."""

import html
from collections.abc import Iterator
from pathlib import Path

from refmem.conformance.coverage import Covered
from refmem.conformance.report.html import page
from refmem.conformance.rules import ROOT

BEFORE, AFTER = 2, 9
"""Lines of code shown around the line of a rule."""


def spec_page(covered: list[Covered]) -> str:
    """The page."""
    return page("The specification", _body(covered))


def _body(covered: list[Covered]) -> Iterator[str]:
    yield "<h1>The specification, rule by rule</h1>"
    yield (f"<p>{len(covered)} rules. Each stands beside the code that is its home, with the vectors that test it "
           "and the mistakes that they are known to catch.</p><p class='small'>Order of authority: the equation in a "
           "paper, the function in refmem, the vectors, the fast twins.</p>")
    chapter = ""
    for item in covered:
        head = ".".join(item.id.split(".")[:2]) if item.id.count(".") > 1 else item.id.split(".")[0]
        if head != chapter:
            chapter = head
            yield f"<h2>{html.escape(chapter)}</h2>"
        yield from _rule(item)


def _rule(item: Covered) -> Iterator[str]:
    rule = item.rule
    assert rule is not None  # `refmem spec html` shows complete rules
    focused = sorted({case.id.rsplit(".", 1)[0] for case in item.cases if case.rule == item.id})
    yield f'<section class="rule" id="{html.escape(item.id)}"><div><h3><code>{html.escape(item.id)}</code></h3>'
    yield f'<p class="math">{html.escape(rule.statement)}</p>'
    if rule.source:
        yield f'<p class="small">{html.escape(rule.source)}</p>'
    if rule.not_differentiated:
        yield f'<p class="small">{html.escape(rule.not_differentiated)}</p>'
    yield f'<p class="small">{len(item.cases)} vectors' + "".join(f"<br><code>{html.escape(x)}</code>" for x in focused)
    yield "</p><p class='small'>Caught: " + "; ".join(html.escape(m.says) for m in item.mutants) + "</p></div>"
    yield f'<div><p class="small">refmem/{html.escape(rule.file)}, line {rule.line}</p><pre>'
    yield html.escape(_code(ROOT / rule.file, rule.line)) + "</pre></div></section>"


def _code(path: Path, line: int) -> str:
    lines = path.read_text().split("\n")
    shown = lines[max(0, line - 1 - BEFORE):line + AFTER]
    return "\n".join(text for text in shown if "# spec:" not in text and not text.lstrip().startswith("#     "))
