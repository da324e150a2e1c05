"""A few lines of Python that show one case again, to copy and run.

    refmem repro memory/paper.update.age-reset.float64 --impl package.module:Implementation

Exit codes: 0 done, 2 there is no such case.
"""

import argparse
from pathlib import Path

from refmem.conformance.case import FOLDER, find

HELP = "the lines that show one case again"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem repro`."""
    parser.add_argument("id", help="of a case")
    parser.add_argument("--impl", default="package.module:Implementation", metavar="NAME")
    parser.add_argument("--cases", type=Path, default=FOLDER, metavar="FOLDER")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem repro`."""
    case = find(arguments.id, arguments.cases)
    folder = "" if arguments.cases == FOLDER else f", {str(arguments.cases)!r}"
    module, _, name = arguments.impl.partition(":")
    print(f'''# {case.title}   [{case.rule}]
from {module} import {name}
from refmem.conformance import case, compare
from refmem.conformance.adapters.conventions import translated

it, mine = case.find({case.id!r}{folder}), {name}()
print(it.config, it.state, it.params)
for step in it.steps:
    print(step)
outcome = compare.run(translated(mine, mine.describe()), it)
print("expected", it.expected[outcome.problem.step if outcome.problem else -1])
print("given", outcome.given[-1:])
print(outcome.problem.sentence() if outcome.problem else "it passes")''')
    return 0
