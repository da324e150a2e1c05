"""`python -m bench models | neighbours`: what is fast, how fast, and against whom, on this machine."""

import argparse
import sys

from bench import models, neighbours


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 2 with a sentence on stderr, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What is fast, how fast, and against whom.")
    commands = parser.add_subparsers(dest="command", required=True)
    models.add_arguments(commands.add_parser("models", help="the networks and the memory against PyTorch"))
    neighbours.add_arguments(commands.add_parser("neighbours", help="the searches against NumPy, faiss, hnswlib, "
                                                                    "usearch", description=neighbours.__doc__,
                                                 formatter_class=argparse.RawDescriptionHelpFormatter))
    options = parser.parse_args(arguments)
    try:
        return {"models": models, "neighbours": neighbours}[options.command].main(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
