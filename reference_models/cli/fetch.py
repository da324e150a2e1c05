"""`python -m reference_models fetch NAME`: bring a data set from where its makers keep it."""

import argparse
from pathlib import Path
from typing import Any

NAMES = ("omniglot", "mnist", "multi30k")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    own = commands.add_parser(
        "fetch", help="download a data set, check it, unpack it",
        description="Download a data set, check what is inside, and unpack it. What is there already is not fetched "
                    "again; an interrupted download goes on where it stopped.")
    own.set_defaults(run=run)
    own.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    own.add_argument("--out", type=Path, default=Path("data"), metavar="DIR",
                     help="the data set gets a folder of its name in DIR; default data")
    own.add_argument("--mirror", metavar="URL", help="another address that has the same files")


def run(options: argparse.Namespace) -> None:
    """Fetch, and print the folder."""
    from reference_models.cli.output import writable
    from reference_models.tasks.fetch import fetch

    with writable(options.out):
        try:
            print(fetch(options.name, options.out, base_url=options.mirror))
        except KeyboardInterrupt as stopped:
            raise KeyboardInterrupt("the same command goes on from here") from stopped
