"""The vectors: what goes in, what must come out, how near, and who says so.

    refmem vectors list
    refmem vectors show memory/paper.update.age-reset.float64
    refmem vectors regenerate --check      make all anew and compare text and arrays
    refmem vectors export --format json FOLDER

Exit codes: 0 done, 1 a vector would change, 2 bad input.
"""

import argparse
import fnmatch
import json
import struct
from pathlib import Path

from refmem.conformance.adapters.protocol import encoded
from refmem.conformance.case import FOLDER, Case, arrays_of, find, load_all
from refmem.storage import replacing

HELP = "list, show, make anew and export the vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem vectors`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all vectors")
    listing.add_argument("--rule", metavar="ID", help="only those that exercise this rule")
    listing.add_argument("--json", action="store_true")
    show = actions.add_parser("show", help="one vector, whole")
    show.add_argument("id")
    again = actions.add_parser("regenerate", help="make the vectors anew (needs the extra `vectors`)")
    again.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a byte would change")
    again.add_argument("--only", default="*", metavar="PATTERN", help="recipes, e.g. 'memory/paper.update.*'")
    export = actions.add_parser("export", help="all vectors in another format")
    export.add_argument("folder", type=Path)
    export.add_argument("--format", choices=("json", "safetensors"), default="json")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem vectors`."""
    if arguments.action == "regenerate":
        return regenerate(arguments.only, check=arguments.check)
    if arguments.action == "show":
        print(json.dumps(as_json(find(arguments.id)), indent=1))
        return 0
    cases = load_all()
    if arguments.action == "export":
        for case in cases:
            export(case, arguments.folder, arguments.format)
        print(f"{len(cases)} vectors written to {arguments.folder}")
        return 0
    cases = [case for case in cases if arguments.rule is None or arguments.rule in case.rules]
    if arguments.json:
        print(json.dumps([{"id": case.id, "level": case.level, "rule": case.rule, "title": case.title}
                          for case in cases]))
        return 0
    for case in cases:
        print(f"{case.level}  {case.id:60}  {case.title}")
    return 0


def regenerate(pattern: str, *, check: bool) -> int:
    """Make the vectors of some recipes anew."""
    from refmem.conformance.making.regenerate import all_recipes, changed
    from refmem.conformance.making.regenerate import regenerate as write

    every = all_recipes()
    recipes = [r for r in every if fnmatch.fnmatchcase(f"{r.group}/{r.name}", pattern)]
    if not recipes:
        raise ValueError(f"no recipe matches {pattern!r}")
    if not check:
        print(f"{sum(1 for _ in write(FOLDER, recipes))} vectors written")
        return 0
    differing = [id for id, differs in changed(None if len(recipes) == len(every) else recipes) if differs]
    for id in differing:
        print(f"would change: {id}")
    print(f"{len(differing)} of {2 * len(recipes)} vectors would change")
    return 1 if differing else 0


def as_json(case: Case) -> dict[str, object]:
    """A vector with its arrays."""
    def arrays(given: object) -> object:
        return {name: encoded(array) for name, array in given.items()} if isinstance(given, dict) else None

    return {"id": case.id, "title": case.title, "rules": list(case.rules), "level": case.level, "group": case.group,
            "profile": case.profile, "dtype": case.dtype, "flags": list(case.flags), "needs": list(case.needs),
            "config": case.config, "oracles": list(case.oracles),
            "expect": [vars(e) for e in case.expect], "state": arrays(case.state), "params": arrays(case.params),
            "steps": [arrays(step) for step in case.steps], "expected": [arrays(step) for step in case.expected]}


def export(case: Case, folder: Path, form: str) -> None:
    """Write one vector below a folder."""
    path = folder / f"{case.id}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = json.dumps(as_json(case)).encode() if form == "json" else safetensors(case)
    with replacing(path) as file:
        file.write(contents)


NAMES = {"float64": "F64", "float32": "F32", "int64": "I64"}


def safetensors(case: Case) -> bytes:
    """The arrays of a vector in the safetensors format; what is no array is in its metadata."""
    header: dict[str, object] = {"__metadata__": {"id": case.id, "config": json.dumps(case.config),
                                                  "expect": json.dumps([vars(e) for e in case.expect])}}
    body = b""
    for name, array in arrays_of(case).items():
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": NAMES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body
