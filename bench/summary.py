"""The table of `python -m bench all`: a row for each thing that was measured, beside a peer, with the ratio of the two.

A search stands beside the fastest of the others that finds as much: the nearest key as often, within the 95 % interval,
and of the k nearest no fewer by more than `SLACK`. The note says so where that one has no way to rewrite a slot, and
could not serve a memory, which is written at every step.
"""

from collections.abc import Iterator
from typing import Any, TextIO

import rich.console
import rich.table

from bench import gradcheck
from bench.models import number
from bench.neighbours import searchers

NAMES = {"torch": "PyTorch", "torch_channels_last": "PyTorch, channels last", "torch_gpu": "PyTorch on the GPU",
         "plain": "ours, plain", "compiled": "ours, compiled", "cupy": "ours on the GPU"}

SLACK = 0.01

Row = dict[str, Any]
"""what, ms, peer, peer_ms, ratio, spread, goal, memory_ratio, memory_goal, note, as far as they are known; or error."""


def rows(report: dict[str, Any]) -> list[Row]:
    """The table of a report."""
    makers = {"models": of_models, "neighbours": of_neighbours, "gradcheck": of_gradcheck, "conform": of_conform}
    found = [row for name, make in makers.items() if name in report for row in make(report[name])]
    found += [{"what": "growth", "error": sentence} for sentence in report.get("growth", {}).get("failed", ())]
    found += report["failed"]
    return found + [{"what": name, "note": "not installed, not compared: pip install 'refmem[bench]'" if name != "jax"
                     else "not installed, not compared: pip install 'refmem[jax]'"} for name in report["missing"]]


def of_models(report: dict[str, Any]) -> Iterator[Row]:
    """A row for each peer; the goals are for PyTorch as it comes."""
    for line in report["rows"]:
        what = f"{line['workload']}, {line['batch']}"
        if "error" in line:
            yield {"what": what, "error": line["error"]}
            continue
        ours = {"what": what, "ms": line["ms"]}
        if line["ratio_to_torch"] is None:
            yield ours | {"note": "PyTorch is not installed"}
        for side in sorted(line["ratios"], key=list(NAMES).index):
            low, ratio, high = line["ratios"][side]
            peer = {"peer": NAMES[side], "peer_ms": line["all_ms"][side], "ratio": ratio, "spread": [low, high]}
            goals = {name: line[name] for name in ("goal", "memory_ratio", "memory_goal")}
            yield ours | peer | (goals if side == "torch" else {})


def of_neighbours(report: dict[str, Any]) -> Iterator[Row]:
    """Ours, each against the fastest that finds as much."""
    for row in report["rows"]:
        if row["method"] not in searchers.OURS or row["method"] == "exact":  # NumPy alone does what "exact" does
            continue
        same = [other for other in report["rows"] if other["method"] not in searchers.OURS
                and all(other[name] == row[name] for name in ("m", "B", "k", "data", "cosine", "threads"))]
        as_good = [other for other in same if other["recall_at_1_high"] >= row["recall_at_1"]
                   and other["recall_at_k"] >= row["recall_at_k"] - SLACK]
        peer = min(as_good, key=lambda other: other["ms"])
        yield {"what": f"{row['method']}, {row['m']} slots, k = {row['k']}, {row['B']}", "ms": row["ms"],
               "peer": peer["method"], "peer_ms": peer["ms"], "ratio": row["ms"] / peer["ms"],
               "note": f"finds {row['recall_at_1']:.1%} (peer {peer['recall_at_1']:.1%}); "
                       f"{row['ratio_to_exact']:.3g}x as fast as NumPy"
                       + ("" if peer["update_us"] else "; peer cannot rewrite a slot")}


def of_gradcheck(report: dict[str, Any]) -> Iterator[Row]:
    """Our checker against each other one, a problem."""
    scores = {(score["checker"], score["dtype"]): score for score in report["scores"]}
    for (checker, dtype), score in scores.items():
        ours = scores[gradcheck.OURS, dtype]
        row = {"what": f"gradcheck, {dtype}", "ms": ours["milliseconds"]}
        if checker != gradcheck.OURS:
            yield row | {"peer": checker, "peer_ms": score["milliseconds"],
                         "ratio": ours["milliseconds"] / max(0.01, score["milliseconds"]),
                         "note": f"{mistakes(ours)}; peer: {mistakes(score)}"}
        elif len(scores) == len(gradcheck.DTYPES):
            yield row | {"note": f"{mistakes(ours)}; nobody to compare with"}


def mistakes(score: dict[str, Any]) -> str:
    """False alarms and misses of a checker."""
    return f"{score['false_alarms']} false alarms, {score['misses']} misses"


def of_conform(report: dict[str, Any]) -> Iterator[Row]:
    """All vectors, by our own reference."""
    yield {"what": f"conformance, {report['cases']} vectors", "ms": 1e3 * report["seconds"],
           "note": "all passed" if report["exit_code"] == 0 else "NOT all passed"}


def show(report: dict[str, Any], file: TextIO) -> None:
    """The table for people, and what to know about the machine."""
    table = rich.table.Table(title="ours beside its peers: ratio = our time / theirs, less is better")
    for heading in ("what", "ms", "beside", "ms", "ratio", "quartiles", "goal", "memory ratio", "goal", "note"):
        table.add_column(heading, justify="left" if heading in ("what", "beside", "note") else "right")
    for row in report["table"]:
        spread = "{:.2f} {:.2f}".format(*row["spread"]) if "spread" in row else "-"
        goals = [f"{row[name]:g}" if name in row else "-" for name in ("goal", "memory_goal")]
        table.add_row(row["what"], number(row.get("ms")), row.get("peer", "-"), number(row.get("peer_ms")),
                      number(row.get("ratio")), spread, goals[0], number(row.get("memory_ratio")), goals[1],
                      f"failed: {row['error']}" if "error" in row else row.get("note", ""))
    console = rich.console.Console(file=file, width=None if file.isatty() else 170, markup=False, highlight=False)
    console.print(table)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", soft_wrap=True)
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()), soft_wrap=True)
    console.print(f"load {report['load']['before']} before, {report['load']['after']} after; "
                  f"all in {report['seconds']:.0f} s", soft_wrap=True)
