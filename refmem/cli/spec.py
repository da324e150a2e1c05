"""Look at the specification itself.

    refmem spec diff paper tf2017      where two profiles differ: fields, then formulas
"""

import argparse
import json

from rich.console import Console
from rich.table import Table

from refmem.memory.deviations import REGISTER
from refmem.memory.profiles import PROFILES, differences

HELP = "the specification: where the profiles differ"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem spec`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    diff = actions.add_parser("diff", help="where two profiles of the memory differ")
    diff.add_argument("one", choices=sorted(PROFILES))
    diff.add_argument("other", choices=sorted(PROFILES))
    diff.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem spec`."""
    return diff(arguments.one, arguments.other, as_json=arguments.json)


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
