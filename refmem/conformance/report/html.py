"""Pages without a network: one file each, nothing loaded from anywhere."""

import html
from collections.abc import Iterable, Sequence

from refmem.conformance.verdict import Run, Verdict

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
       background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; vertical-align: top;
       border-bottom: 1px solid #d8dee4; } code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; border-radius: 6px; }
.rule { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 1.2rem; margin: 1rem 0;
       border-top: 1px solid #d8dee4; padding-top: .8rem; }
.math { font: italic 1.05rem/1.5 Georgia, serif; } .small { font-size: .85rem; color: #57606a; }
.PASS { color: #116329; } .FAIL, .ERROR, .XPASS { color: #a40e26; font-weight: 600; } .SKIP, .XFAIL { color: #57606a; }
@media (max-width: 50rem) { .rule { grid-template-columns: minmax(0, 1fr); } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page."""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
            f"<style>{STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def report(run: Run) -> str:
    """The report of a run."""
    name = str(run.describes.get("name", "implementation"))
    body = [f"<h1>{html.escape(name)} against the specification</h1>",
            "<p>" + ", ".join(f'<span class="{v.value}">{run.count(v)} {v.value}</span>'
                              for v in Verdict if run.count(v)) + "</p>"]
    if run.suspects:
        body.append(f"<p>Broken rule, most likely: <code>{html.escape(run.suspects[0])}</code></p>")
    body += [f"<p>Stale deviation: {html.escape(sentence)}</p>" for sentence in run.stale]
    body.append(table(("case", "rule", "verdict", "what happened"), (
        (f"<code>{html.escape(r.case.id)}</code>", f"<code>{html.escape(r.case.rule)}</code>",
         f'<span class="{r.verdict.value}">{r.verdict.value}</span>',
         html.escape(r.reason) + "".join(f"<br>hint: {html.escape(hint)}" for hint in r.hints))
        for r in sorted(run.results, key=lambda r: r.verdict in (Verdict.PASS, Verdict.SKIP)))))
    return page(f"{name}: refmem conform", body)
