"""Deliberately wrong implementations, and the vectors that kill them.

    refmem mutants                 which vector kills which mutant
    refmem mutants --json          {"total": N, "killed": N, "alive": []}

Exit codes: 0 all are killed, 1 one lives, 2 bad input.
"""

import argparse
import json
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

from refmem.conformance.case import load_all
from refmem.conformance.mutants import all_mutants
from refmem.conformance.mutants.kills import killers

HELP = "deliberately wrong implementations, and what kills them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem mutants`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--table", action="store_true", help="with --json, also which vectors kill which mutant")
    parser.add_argument("--rule", metavar="ID", help="only the mutants of this rule")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem mutants`."""
    mutants = [m for m in all_mutants() if arguments.rule in (None, m.rule)]
    if not mutants:
        raise ValueError(f"there is no mutant of the rule {arguments.rule!r}")
    cases = load_all()
    shown = track(mutants, "mutants", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    table = {mutant.id: killers(mutant, cases) for mutant in shown}
    alive = [id for id, by in table.items() if not by]
    if arguments.json:
        counts = {"total": len(table), "killed": len(table) - len(alive), "alive": alive}
        print(json.dumps(counts | ({"killed_by": table} if arguments.table else {})))
        return 1 if alive else 0
    rule_of = {case.id: case.rule for case in cases}
    out = Table(show_lines=False)
    for column in ("mutant", "the mistake", "rule", "killed by"):
        out.add_column(column, overflow="fold")
    for mutant in mutants:
        by = table[mutant.id]
        about = [id for id in by if rule_of[id] == mutant.rule]
        first = (about or by or ["nothing"])[0]
        out.add_row(mutant.id, mutant.says + (f" [{mutant.seen}]" if mutant.seen else ""), mutant.rule,
                    first + (f" and {len(by) - 1} more" if len(by) > 1 else ""))
    console = Console(markup=False)
    console.print(out)
    console.print(f"{len(table)} mutants, {len(table) - len(alive)} killed.")
    return 1 if alive else 0
