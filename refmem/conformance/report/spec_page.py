"""The whole specification as one page: each rule with its equation, and beside it the code that is its home."""

import ast
import html
import re
from collections.abc import Iterator

from refmem.conformance.case import LEVELS, STAGES
from refmem.conformance.coverage import Covered
from refmem.conformance.report.style import formula, highlighted, page, table
from refmem.conformance.rules import ROOT
from refmem.memory.deviations import REGISTER

BEFORE, AFTER = 3, 12
"""Lines of code shown around the line of a rule, at most."""

STYLE = """
body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.2rem 1rem 3rem; font-size: .88rem;
  border-right: 1px solid var(--line); background: var(--card); }
nav b { display: block; margin-bottom: .6rem; font-size: 1rem; }
nav details { margin: .15rem 0; } nav summary a { font-weight: 600; color: var(--ink); }
nav ul { list-style: none; margin: .1rem 0 .5rem; padding: 0 0 0 1.1rem; }
nav li { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lead { max-width: 52rem; font-size: 1.06rem; }
.rule { display: grid; grid-template-columns: minmax(0, 4fr) minmax(0, 7fr); gap: 1.6rem; padding: 1.4rem 0;
  border-top: 1px solid var(--line); }
.rule:target { background: linear-gradient(90deg, var(--mark), transparent 60%); }
.rule h3 { font: 600 .95rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.math { font: 1.18rem/1.5 "STIX Two Text", "Latin Modern Roman", Cambria, Georgia, serif; margin: .2rem 0 .7rem; }
.math sub, .math sup { font-size: .7em; line-height: 0; }
.code { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; background: var(--card); }
.code .file { display: block; padding: .3rem .8rem; border-bottom: 1px solid var(--line); font-size: .82rem;
  color: var(--soft); }
.code pre { padding: .5rem 0; } .code pre span.l { display: block; padding: 0 .8rem; white-space: pre; }
.code pre span.here { background: var(--mark); } .code i { display: inline-block; width: 2.6rem; font-style: normal;
  color: var(--soft); opacity: .7; user-select: none; }
.rule ul { margin: .2rem 0 .4rem; padding-left: 1.2rem; font-size: .9rem; } .rule li { margin: .1rem 0; }
.essay { background: var(--card); border-radius: 8px; padding: .9rem 1.1rem; margin: 0 0 1rem; white-space: pre-wrap;
  font: 15px/1.5 "STIX Two Text", Cambria, Georgia, serif; }
@media (max-width: 62rem) { body { display: block; } nav { position: static; height: auto; max-height: 40vh;
  border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 1rem; }
  .rule { grid-template-columns: minmax(0, 1fr); gap: .8rem; } }
"""

TITLES = {"memory.query": "The query", "memory.read": "Reading", "memory.loss": "The margin loss",
          "memory.update": "The update", "tf2017.query": "The released code: the query",
          "tf2017.read": "The released code: reading", "tf2017.loss": "The released code: the loss",
          "tf2017.update": "The released code: the update", "index": "The index of neighbours"}
ACRONYMS = {"lstm": "LSTM", "cgru": "CGRU", "relu": "ReLU", "rnn": "RNN"}


def spec_page(covered: list[Covered]) -> str:
    """The page."""
    chapters: dict[str, list[Covered]] = {}
    for item in covered:
        chapters.setdefault(_chapter(item.id), []).append(item)
    ordered = dict(sorted(chapters.items(), key=lambda chapter: _place(chapter[0])))
    return page("The specification of a life-long neural memory", [*_navigation(ordered), *_body(ordered)], STYLE)


def _chapter(id: str) -> str:
    """memory.update of memory.update.age-reset; linear of linear.bias."""
    parts = id.split(".")
    return ".".join(parts[:2]) if parts[0] in ("memory", "tf2017") else parts[0]


def _place(chapter: str) -> tuple[int, int, str]:
    """The memory in the order of the computation, then the released code, then the index and the operations."""
    head, _, stage = chapter.partition(".")
    group = {"memory": 0, "tf2017": 1, "index": 2}.get(head, 3)
    return group, STAGES.index(stage) if stage in STAGES else 0, chapter


def _title(chapter: str) -> str:
    words = [ACRONYMS.get(word, word) for word in re.split("[_-]", chapter)]
    return TITLES.get(chapter, " ".join([words[0][0].upper() + words[0][1:], *words[1:]]))


def _navigation(chapters: dict[str, list[Covered]]) -> Iterator[str]:
    yield '<nav><b><a href="#top">The specification</a></b>'
    for chapter, items in chapters.items():
        yield (f'<details{" open" if chapter.startswith("memory") else ""}><summary><a href="#{chapter}">'
               f"{html.escape(_title(chapter))}</a></summary><ul>")
        for item in items:
            short = item.id.removeprefix(chapter + ".")
            yield f'<li><a href="#{item.id}" title="{html.escape(item.id)}">{html.escape(short)}</a></li>'
        yield "</ul></details>"
    yield '<details><summary><a href="#register">Paper and released code</a></summary></details></nav>'


def _body(chapters: dict[str, list[Covered]]) -> Iterator[str]:
    items = [item for chapter in chapters.values() for item in chapter]
    yield '<main id="top"><h1>A life-long neural memory, rule by rule</h1>'
    yield ('<p class="lead">"Learning to Remember Rare Events" (LTRRE: Kaiser, Nachum, Roy, Bengio, ICLR 2017), the '
           "code released with it, and what stands around them, as a specification that runs. On the left what a rule "
           "says and where it is from, the vectors that test it and the mistakes they are known to catch; on the right "
           "the code that is its home.</p>")
    yield (f"<p>{len(items)} rules, {len({case.id for item in items for case in item.cases})} vectors, "
           f"{len({mutant.id for item in items for mutant in item.mutants})} planted mistakes. Order of authority: the "
           "equation in a paper, the function in refmem, the vectors, the fast twins.</p>")
    yield ('<p class="small">Where a mistake was seen: TF, the code released with the paper; LSH, RUSH-LAB/LSH_Memory; '
           "EB, emilybraverman/RUDSSP; CH, 0shimax/chainer-learning-to-remember-rare-events.</p>")
    for chapter, rules in chapters.items():
        yield f'<h2 id="{chapter}">{html.escape(_title(chapter))}</h2>'
        yield from _essay(rules)
        for item in rules:
            yield from _rule(item)
    yield '<h2 id="register">Where the paper and the released code part</h2>'
    yield table(("point", "the paper, as settled here", "the released code", "what the text says"), (
        (f"<code>{html.escape(entry.id)}</code><br>{html.escape(entry.point)}", html.escape(entry.paper),
         html.escape(entry.tf2017), html.escape(entry.text)) for entry in REGISTER))
    yield "</main>"


def _essay(rules: list[Covered]) -> Iterator[str]:
    """What the file that most rules of a chapter live in says of itself: the equations."""
    files = [item.rule.file for item in rules if item.rule is not None]
    home = max(set(files), key=lambda file: (files.count(file), file))
    text = ast.get_docstring(ast.parse((ROOT / home).read_text())) or ""
    if text:
        yield f'<div class="essay">{formula(text)}</div>'


def _rule(item: Covered) -> Iterator[str]:
    rule = item.rule
    assert rule is not None  # the page shows complete rules
    yield (f'<section class="rule" id="{html.escape(item.id)}"><div><h3><a href="#{html.escape(item.id)}">'
           f'{html.escape(item.id)}</a></h3><p class="math">{formula(rule.statement)}</p>')
    yield f'<p><span class="tag">{html.escape(rule.source or "numerics")}</span></p>'
    if rule.not_differentiated:
        yield f'<p class="small"><b>Not differentiated.</b> {html.escape(_said(rule.not_differentiated))}</p>'
    yield "<details open><summary>" + _counted(len({m.says for m in item.mutants}), "mistake") + " caught</summary><ul>"
    for mutant in {mutant.says: mutant for mutant in item.mutants}.values():  # both profiles can have one
        seen = f' <span class="small">(seen: {html.escape(mutant.seen)})</span>' if mutant.seen else ""
        yield f'<li title="{html.escape(mutant.id)}">{html.escape(mutant.says)}{seen}</li>'
    yield "</ul></details>"
    focused = {}
    for case in item.cases:
        if case.rule == item.id:
            focused[re.sub(r"\.float(32|64)$", "", case.id)] = case
    yield f"<details><summary>{_counted(len(item.cases), 'vector')}, {len(focused)} about it alone</summary><ul>"
    for name, case in focused.items():
        yield (f'<li><code>{html.escape(name)}</code> <span class="tag">{case.level} {LEVELS[case.level]}</span>'
               f"<br>{html.escape(case.title)}</li>")
    yield "</ul></details></div>"
    yield f'<div><div class="code"><span class="file">refmem/{html.escape(rule.file)}, line {rule.line}'
    yield (f", <code>{html.escape(rule.function)}</code>" if rule.function else "") + "</span><pre>"
    yield _code(rule.file, rule.line) + "</pre></div></div></section>"


def _said(note: str) -> str:
    """A note on what is not differentiated, without these words at its beginning."""
    bare = re.sub(r"^Not differentiated:? *", "", note)
    return bare[:1].upper() + bare[1:]


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def _code(file: str, line: int) -> str:
    """The lines around the home of a rule, as far as they belong to the same function, tags left out."""
    source = (ROOT / file).read_text()
    first, last = _around(source, line)
    texts, lines = source.split("\n"), highlighted(source)
    tags, inside = set(), False
    for number, text in enumerate(texts, start=1):
        inside = "# spec:" in text or (inside and bool(re.match(r"^\s*#     \S", text)))
        tags |= {number} if inside else set()
    numbers = [number for number in range(first, last + 1) if number not in tags]
    indented = [len(texts[n - 1]) - len(texts[n - 1].lstrip()) for n in numbers if texts[n - 1].strip()]
    return "".join(f'<span class="l{" here" if number == line else ""}"><i>{number}</i>'
                   f"{lines[number - 1].removeprefix(' ' * min(indented, default=0))}</span>" for number in numbers)


def _around(source: str, line: int) -> tuple[int, int]:
    total = source.count("\n") + 1
    inside = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))
              and node.lineno <= line <= (node.end_lineno or 0)]
    if not inside:
        return max(1, line - BEFORE), min(total, line + AFTER)
    function = max(inside, key=lambda node: node.lineno)
    end = function.end_lineno or total
    if line == function.lineno:  # a whole function is the home: its code, not its docstring, says it
        body = function.body
        documented = len(body) > 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        return line, min(end, body[1 if documented else 0].lineno + AFTER + 8)
    return max(function.lineno, line - BEFORE), min(end, line + AFTER)
