"""`python -m bench models`: our models against PyTorch, on this machine."""

import argparse
import sys

from bench import models


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 2 with a sentence on stderr, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What is fast, how fast, and against whom.")
    commands = parser.add_subparsers(dest="command", required=True)
    models.add_arguments(commands.add_parser("models", help="the networks and the memory against PyTorch"))
    options = parser.parse_args(arguments)
    try:
        return models.main(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
