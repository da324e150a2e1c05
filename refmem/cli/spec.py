"""Look at the specification itself.

    refmem spec list                   every rule, with its home
    refmem spec show RULE              one rule: equation, source, code, vectors, mutants
    refmem spec html FILE              all rules beside their code, as one page
    refmem spec coverage --json        {"rules": N, "complete": true, "missing": []}
    refmem spec diff paper tf2017      where two profiles differ: fields, then formulas

Exit codes: 0 done, 1 `coverage` found a rule without code, vector or mutant, 2 bad input.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from refmem.conformance import rules
from refmem.conformance.coverage import coverage
from refmem.conformance.report.spec_page import spec_page
from refmem.memory.deviations import REGISTER
from refmem.memory.profiles import PROFILES, differences
from refmem.storage import replacing

HELP = "the specification: its rules, and where the profiles differ"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem spec`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every rule, with its home")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    show = actions.add_parser("show", help="one rule")
    show.add_argument("rule", help="its id")
    page = actions.add_parser("html", help="all rules beside their code, as one page")
    page.add_argument("file", type=Path)
    covering = actions.add_parser("coverage", help="whether each rule has code, a vector and a mutant")
    covering.add_argument("--json", action="store_true", help="print one JSON object")
    diff = actions.add_parser("diff", help="where two profiles of the memory differ")
    diff.add_argument("one", choices=sorted(PROFILES))
    diff.add_argument("other", choices=sorted(PROFILES))
    diff.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem spec`."""
    if arguments.action == "diff":
        return diff(arguments.one, arguments.other, as_json=arguments.json)
    if arguments.action == "list":
        return listed(as_json=arguments.json)
    if arguments.action == "show":
        return shown(arguments.rule)
    if arguments.action == "html":
        with replacing(arguments.file) as file:
            file.write(spec_page([item for item in coverage() if item.rule is not None]).encode())
        print(f"{arguments.file} written")
        return 0
    return covered(as_json=arguments.json)


def listed(*, as_json: bool) -> int:
    """Print all rules."""
    found = list(rules.index().values())
    if as_json:
        print(json.dumps([vars(rule) for rule in found]))
        return 0
    for rule in found:
        print(f"{rule.id:46} {rule.statement}   [refmem/{rule.file}:{rule.line}]")
    return 0


def shown(id: str) -> int:
    """Print one rule and all there is of it."""
    rule = rules.find(id)
    (item,) = (item for item in coverage() if item.id == id)
    print(f"{rule.id}\n\n    {rule.statement}\n")
    print(f"source: {rule.source or 'numerics'}")
    print(f"code: refmem/{rule.file}:{rule.line}, {rule.function or 'the module'}")
    print(f"not differentiated: {rule.not_differentiated or 'nothing is said'}")
    print(f"vectors: {', '.join(case.id for case in item.cases)}")
    for mutant in item.mutants:
        print(f"mutant {mutant.id}: {mutant.says}" + (f" (seen: {mutant.seen})" if mutant.seen else ""))
    return 0


def covered(*, as_json: bool) -> int:
    """Print whether every rule is covered."""
    items = coverage()
    missing = [{"rule": item.id, "missing": item.missing} for item in items if item.missing]
    if as_json:
        print(json.dumps({"rules": len(items), "complete": not missing, "missing": missing}))
    else:
        for entry in missing:
            print(f"{entry['rule']} has no {' and no '.join(entry['missing'])}")
        print(f"{len(items)} rules, {len(items) - len(missing)} with code, vectors and mutants")
    return 1 if missing else 0


def diff(one: str, other: str, *, as_json: bool) -> int:
    """Print where the profiles named `one` and `other` differ."""
    fields = differences(PROFILES[one], PROFILES[other])
    points = [entry._asdict() for entry in REGISTER] if one != other else []
    if as_json:
        print(json.dumps({"profiles": [one, other], "fields": fields, "points": points}))
        return 0

    console = Console(markup=False)
    if not fields:
        console.print(f"{one} and {other} are the same profile.")
        return 0
    table = Table(title="Fields of the profile", title_justify="left")
    for column in ("field", one, other):
        table.add_column(column)
    for name, (left, right) in fields.items():
        table.add_row(name, str(left), str(right))
    console.print(table)

    table = Table(title="Rules", title_justify="left", show_lines=True)
    for column in ("id", one, other, "the text"):
        table.add_column(column)
    for point in points:
        table.add_row(f"{point['id']}\n{point['point']}", point[one], point[other], point["text"])
    console.print(table)
    return 0
