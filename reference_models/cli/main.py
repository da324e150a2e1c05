"""The entry of `python -m reference_models`: commands, errors and exit codes."""

import argparse
import os
import sys
from collections.abc import Sequence

EXIT_CODES = """exit codes:
  0    done
  1    standard output was closed before all was written
  2    something given cannot be used: one sentence on stderr says what
  130  stopped with Ctrl-C; the last checkpoint is whole
"""


def parser() -> argparse.ArgumentParser:
    """All commands. Nothing heavy is imported here, so that --help is instant."""
    from reference_models.cli import explain, fetch
    from reference_models.cli.algorithms import command as algorithms
    from reference_models.cli.catch import command as catch
    from reference_models.cli.faces import command as faces
    from reference_models.cli.glimpses import command as glimpses
    from reference_models.cli.omniglot import command as omniglot
    from reference_models.cli.recall import command as recall
    from reference_models.cli.sweep import command as sweep
    from reference_models.cli.synthetic import command as synthetic
    from reference_models.cli.translate import command as translate

    top = argparse.ArgumentParser(prog="python -m reference_models", epilog=EXIT_CODES,
                                  description="The networks of the papers, trained and measured.",
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (omniglot, translate, synthetic, algorithms, recall, glimpses, faces, catch, sweep, explain, fetch):
        command.add_to(commands)
    for own in commands.choices.values():
        own.epilog = "Exit codes: 0 done, 2 something given cannot be used, 130 stopped with Ctrl-C."
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        options = parser().parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt as stopped:
        print(f"\nstopped{': ' if str(stopped) else ''}{stopped}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at exit
        return 1
    except (ValueError, TypeError, OSError, ArithmeticError, MemoryError, ModuleNotFoundError) as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        return 2
    return 0


def sentence(error: Exception) -> str:
    """What went wrong, on one line, without the number that an OSError begins with."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
