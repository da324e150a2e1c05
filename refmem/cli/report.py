"""Reports that `refmem conform --output FILE` wrote.

    refmem report summary FILE
    refmem report diff BEFORE AFTER      which verdicts changed

Exit codes: `summary` that of the run; `diff` 0, or 1 if a case that passed no longer does; 2 bad input.
"""

import argparse
import json
from pathlib import Path

from refmem.conformance.report.lines import read

HELP = "sum up and compare reports"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem report`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    summary = actions.add_parser("summary", help="one report in a few lines")
    summary.add_argument("file", type=Path)
    summary.add_argument("--json", action="store_true")
    diff = actions.add_parser("diff", help="which verdicts changed between two reports")
    diff.add_argument("before", type=Path)
    diff.add_argument("after", type=Path)


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem report`."""
    if arguments.action == "diff":
        return diff(arguments.before, arguments.after)
    records = read(arguments.file)
    last = records[-1]
    if last.get("record") != "footer":
        raise ValueError(f"{arguments.file} has no footer: the run was stopped after {len(records) - 1} cases")
    if arguments.json:
        print(json.dumps(last))
        return int(last["exit_code"])
    print(", ".join(f"{count} {verdict}" for verdict, count in last["counts"].items() if count))
    for profile, levels in last["levels"].items():
        print(f"{profile}: " + ", ".join(f"{level} {state}" for level, state in sorted(levels.items())))
    if last["suspects"]:
        print(f"broken rule, most likely: {last['suspects'][0]}")
    return int(last["exit_code"])


def diff(before: Path, after: Path) -> int:
    """Print the cases whose verdicts differ."""
    old, new = ({r["id"]: r["verdict"] for r in read(path) if r["record"] == "case"} for path in (before, after))
    worse = False
    for id in sorted(old.keys() | new.keys()):
        was, now = old.get(id, "absent"), new.get(id, "absent")
        if was != now:
            print(f"{id}: {was} -> {now}")
            worse = worse or (was == "PASS" and now != "PASS")
    return 1 if worse else 0
