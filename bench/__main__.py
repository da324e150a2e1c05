"""`python -m bench all`: every claim of speed, beside its peers, on this machine; or one part of it by its name."""

import argparse
import sys

from bench import catch_search, compare, conform, everything, gradcheck, growth, lengths, memory_share, models, record
from bench.neighbours import command as neighbours

COMMANDS = {
    "all": (everything, "all that follows down to conform, in a quarter of an hour"),
    "models": (models, "the networks and the memory against PyTorch"),
    "growth": (growth, "how time and memory grow with the sizes, with exponents"),
    "neighbours": (neighbours, "the searches against NumPy, faiss, hnswlib and usearch"),
    "gradcheck": (gradcheck, "gradient checkers: ours, PyTorch's, JAX's"),
    "conform": (conform, "how long our reference takes for all vectors"),
    "compare": (compare, "two reports: what has become worse beyond the spread"),
    "memory-share": (memory_share, "what share of a training step the memory takes"),
    "lengths": (lengths, "how far Neural GPUs reach, against the length they were trained to"),
    "catch-search": (catch_search, "Catch by the paper's protocol: the best five of a random search, a network each"),
    "record": (record, "keep the figures and plots of a long run"),
}


def parser() -> argparse.ArgumentParser:
    """All commands."""
    top = argparse.ArgumentParser(prog="python -m bench", description="What is fast, how fast, and against whom.")
    commands = top.add_subparsers(dest="command", required=True)
    for name, (module, about) in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=about))
    return top


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 where a check failed, or 2 with a sentence on stderr, or 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command][0].main(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
