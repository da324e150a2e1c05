"""Write a skeleton of an adapter for your implementation.

    refmem adapter new torch my_adapter.py
    refmem conform my_adapter:Adapter
    refmem adapter new exec runner.py          in any language; the skeleton shows it in Python
    refmem conform --exec 'python runner.py'

An adapter has describe() and one method a group, which takes a task and returns the outputs of each step by name:

    describe()      name, groups; and where they are not all: profiles, levels, dtypes, needs, conventions
    task            id, group, profile, dtype, config, state or start (an empty memory filled in), params, steps
    memory          in: queries, labels, d_loss, d_confidence, noise, oldest, sources
                    out: values, confidence, loss, d_queries, d_query_projection, state.keys, state.values, state.ages,
                    state.recent, state.sources; and if you like neighbours, cosines
    an operation    in: what the function of refmem.ops takes, and d_y;  out: y, and d_NAME for each input
    conventions     {"images": "NCHW", "kernels": "OIHW", "matrices": "out,in", "gates": "i,o,f,g"}: arrays come and
                    go in your order

`refmem vectors show ID` prints a case whole. Exit codes: 0 done, 2 the file is there already, or cannot be written.
"""

import argparse
from pathlib import Path

from refmem.conformance.adapters.skeletons import SKELETONS
from refmem.storage import replacing

HELP = "write a skeleton of an adapter"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem adapter`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="a skeleton that runs as it is")
    new.add_argument("kind", choices=sorted(SKELETONS))
    new.add_argument("file", type=Path, nargs="?", default=Path("my_adapter.py"))


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem adapter`."""
    path: Path = arguments.file
    if path.exists():
        raise ValueError(f"{path} is there already")
    with replacing(path) as file:
        file.write(SKELETONS[arguments.kind].format(name=path.stem).encode())
    how = f"--exec 'python {path}'" if arguments.kind == "exec" else f"{path.stem}:Adapter"
    print(f"{path} written; try: refmem conform {how}")
    return 0
