"""`refmem COMMAND`: one file of this folder a command, each with HELP, `configure(parser)` and `run(arguments)`.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 the check that was asked for failed,
2 bad input (one sentence on stderr), 130 stopped with Ctrl-C; a command may document more.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

import refmem
from refmem.storage import FileRefused

COMMANDS = ("spec", "gradcheck", "conform", "vectors", "mutants", "twins", "repro", "report", "adapter")

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(
        prog="refmem", description="The specification of a life-long neural memory, as a specification that runs.",
        epilog="Exit codes: 0 done, 1 a check failed, 2 bad input, 130 stopped with Ctrl-C.")
    top.add_argument("--version", action="version", version=f"refmem {refmem.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"refmem.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        module.configure(command)
        command.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        return code
    except (ValueError, TypeError, FileRefused, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
