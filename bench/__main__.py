"""`python -m bench models`: our models against PyTorch, on this machine. `... gradcheck`: our gradient checker against
others. `... neighbours`: our searches against others. `... record`: keep what a long run came to.
"""

import argparse
import sys

from bench import gradcheck, memory_share, models, neighbours, record

COMMANDS = {
    "gradcheck": (gradcheck, "gradient checkers: ours, PyTorch's, JAX's"),
    "memory-share": (memory_share, "what share of a training step the memory takes"),
    "models": (models, "the networks and the memory against PyTorch"),
    "neighbours": (neighbours, "the searches against NumPy, faiss, hnswlib and usearch"),
    "record": (record, "keep the figures and plots of a long run"),
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 2 with a sentence on stderr, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What is fast, how fast, and against whom.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (module, about) in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=about))
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command][0].main(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
