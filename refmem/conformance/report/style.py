"""What all pages share: one file each, nothing loaded from anywhere, light or dark as the reader's screen is."""

import html
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #59636e; --paper: #ffffff; --card: #f6f8fa; --line: #d1d9e0;
  --accent: #0b57a4; --mark: #fff3c4; --good: #116329; --bad: #b1152b; --word: #a0318d; --text: #0a5a8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9da7b3; --paper: #14181d; --card: #1d232a;
  --line: #373f49; --accent: #79b8ff; --mark: #3f3712; --good: #56c271; --bad: #ff7b86; --word: #e39ad6;
  --text: #8fc7ee; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink);
  background: var(--paper); }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
main { max-width: 92rem; margin: 0 auto; padding: 1.5rem 2rem 5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .3rem 0 .6rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .8rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .7rem; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 0; overflow-x: auto; }
.small { font-size: .87rem; color: var(--soft); }
.tag { display: inline-block; font-size: .78rem; padding: .05rem .5rem; border: 1px solid var(--line);
  border-radius: 1rem; color: var(--soft); white-space: nowrap; }
.PASS { color: var(--good); } .FAIL, .ERROR, .XPASS { color: var(--bad); font-weight: 600; }
.SKIP, .XFAIL { color: var(--soft); }
.word { color: var(--word); } .text { color: var(--text); } .note { color: var(--soft); font-style: italic; }
details > summary { cursor: pointer; color: var(--soft); }
@media print { nav { display: none !important; } .rule { break-inside: avoid; } }
"""


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole page."""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
            f"<style>{STYLE}{style}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


SIGNS = (("<-", "←"), ("!=", "≠"), (">=", "≥"), ("<=", "≤"), ("||", "‖"), (" ... ", " … "), ("...", "…"))
LETTERS = {"alpha": "α", "sigma": "σ", "lambda": "λ", "eta": "η", "delta": "δ", "eps": "ε", "sum": "Σ", "sqrt": "√"}


def formula(text: str) -> str:
    """A statement with the signs of mathematics: K[n_1] <- q becomes K[n₁] ← q."""
    for plain, sign in SIGNS:
        text = text.replace(plain, sign)
    text = html.escape(text)
    text = re.sub(r"\b(" + "|".join(LETTERS) + r")(?=[\b_ (,;)^\]]|$)", lambda m: LETTERS[m[1]], text)
    text = re.sub(r"\b(argmax|[A-Za-z])_([A-Za-z0-9]{1,2})\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"(Σ|σ|α|λ)_([A-Za-z0-9]{1,2})\b", r"\1<sub>\2</sub>", text)
    return re.sub(r"\^(T|[0-9])\b", r"<sup>\1</sup>", text)


def highlighted(code: str) -> list[str]:
    """The lines of a piece of Python as HTML, with keywords, strings and comments marked."""
    marks: list[tuple[int, int, int, str]] = []  # line, from, to, class
    lines = code.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind = {tokenize.COMMENT: "note", tokenize.STRING: "text"}.get(token.type, "")
            if token.type == tokenize.NAME and keyword.iskeyword(token.string):
                kind = "word"
            if kind:
                for line in range(token.start[0], token.end[0] + 1):
                    start = token.start[1] if line == token.start[0] else 0
                    end = token.end[1] if line == token.end[0] else len(lines[line - 1])
                    marks.append((line - 1, start, end, kind))
    except (tokenize.TokenError, IndentationError):  # a piece need not be whole
        pass
    return [_marked(line, [mark[1:] for mark in marks if mark[0] == i]) for i, line in enumerate(lines)]


def _marked(line: str, marks: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for start, end, kind in marks:
        parts += [html.escape(line[at:start]), f'<span class="{kind}">{html.escape(line[start:end])}</span>']
        at = end
    return "".join(parts) + html.escape(line[at:])
