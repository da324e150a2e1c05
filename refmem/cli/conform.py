"""Hold an implementation against the vectors of the specification.

    refmem conform package.module:Implementation
    refmem conform --exec './runner'            any language: JSON lines over stdin and stdout

Exit codes: 0 all pass, 1 wrong answers, 2 bad input, 3 a stale entry in the deviations file, 4 the implementation
crashed, hung or broke the protocol, 5 nothing was run; where several hold, 4 before 1 before 3. 130 stopped with
Ctrl-C: what was done stands in the file of --output.
"""

import argparse
import fnmatch
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import track

from refmem import workers
from refmem.conformance import deviations, parallel, runner
from refmem.conformance.adapters.loading import load
from refmem.conformance.adapters.protocol import AdapterFailed, ProtocolError
from refmem.conformance.adapters.runner import Runner
from refmem.conformance.case import FOLDER, LEVELS, Case, load_all
from refmem.conformance.report import html, junit, lines, text
from refmem.conformance.verdict import ADAPTER, Result, Run
from refmem.storage import replacing

INTERRUPTED = 130
HELP = "hold an implementation against the vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem conform`."""
    parser.add_argument("implementation", nargs="?", help="package.module:Name of an object with describe()")
    parser.add_argument("--exec", dest="command", metavar="COMMAND", help="a runner that speaks the protocol")
    parser.add_argument("--cases", type=Path, default=FOLDER, metavar="FOLDER", help="vectors of your own")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="case ids: 'memory/paper.*'")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="cases that exercise this rule")
    parser.add_argument("--level", choices=LEVELS, help="no level above this one")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; with more than one, or --exec, "
                        "an implementation that crashes or hangs takes only its case with it")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for a reply of a process")
    parser.add_argument("--tol-scale", type=float, default=1.0, metavar="X", help="multiply all tolerances")
    parser.add_argument("--deviations", type=Path, metavar="FILE",
                        help=f"known failures; {deviations.DEFAULT} of this folder is read by itself")
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="also N generated cases")
    parser.add_argument("--seed", type=int, default=0, help="of the generated cases")
    parser.add_argument("--dask", metavar="ADDRESS", help="generated cases are made on the Dask cluster of this "
                        "scheduler: tcp://host:8786 (extra cluster); the same ones as here")
    parser.add_argument("--save", type=Path, default=Path("refmem-fuzz"), metavar="FOLDER",
                        help="where a generated case that fails is kept")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON lines here")
    parser.add_argument("--junit", type=Path, metavar="FILE")
    parser.add_argument("--html", type=Path, metavar="FILE")
    parser.add_argument("--verbose", action="store_true", help="show every failure")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem conform`."""
    if (arguments.implementation is None) == (arguments.command is None):
        raise ValueError("name one implementation: package.module:Name, or --exec with a command")
    for name in ("jobs", "timeout", "tol_scale"):
        if not getattr(arguments, name) > 0:
            raise ValueError(f"--{name.replace('_', '-')} must be above 0, got {getattr(arguments, name)}")
    if arguments.dask is not None and not arguments.fuzz:
        raise ValueError("--dask shares out generated cases: say how many with --fuzz N")
    cases = chosen(arguments)
    known = known_deviations(arguments.deviations)
    settings = {"tol_scale": arguments.tol_scale, "jobs": arguments.jobs, "seed": arguments.seed,
                "fuzz": arguments.fuzz, "deviations": known.path if known else None}
    done: list[Result] = []
    try:
        result = perform(arguments, cases, known, done.append)
    except KeyboardInterrupt:
        write(arguments.output, "\n".join(lines.unfinished(done, settings)) + "\n")
        print(f"stopped after {len(done)} of {len(cases)} cases", file=sys.stderr)
        return INTERRUPTED
    except (ProtocolError, AdapterFailed) as error:  # it could not even describe itself
        print(f"error: {error}", file=sys.stderr)
        return ADAPTER
    written = {arguments.output: "\n".join(lines.lines(result, settings)) + "\n" if arguments.output else "",
               arguments.junit: junit.junit(result) if arguments.junit else "",
               arguments.html: html.report(result, lines.header(result.describes, settings)) if arguments.html else ""}
    for path, contents in written.items():
        write(path, contents)
    for line in lines.lines(result, settings) if arguments.json else text.text(result, everything=arguments.verbose):
        print(line)
    return result.exit_code


def write(path: Path | None, contents: str) -> None:
    """Write a file, whole or not at all, where one was asked for."""
    if path is not None:
        with replacing(path) as file:
            file.write(contents.encode())


def chosen(arguments: argparse.Namespace) -> list[Case]:
    """The cases that the arguments ask for."""
    cases = load_all(arguments.cases)
    if arguments.only:
        cases = [case for case in cases if any(fnmatch.fnmatchcase(case.id, pattern) for pattern in arguments.only)]
    if arguments.rule:
        cases = [case for case in cases if set(arguments.rule) & set(case.rules)]
    if arguments.level:
        cases = [case for case in cases if case.level <= arguments.level]
    return [case.with_tolerances(arguments.tol_scale) for case in cases]


def known_deviations(path: Path | None) -> deviations.Deviations | None:
    """The deviations file: the one that is named, else the one of this folder, else none."""
    if path is None:
        return deviations.load(deviations.DEFAULT) if Path(deviations.DEFAULT).is_file() else None
    return deviations.load(path)


def perform(arguments: argparse.Namespace, cases: list[Case], known: deviations.Deviations | None,
            on_result: Callable[[Result], None]) -> Run:
    """The run, in this process or in others, and the generated cases after it."""
    if arguments.command is None and arguments.jobs == 1:
        implementation = load(arguments.implementation)
        shown = track(cases, "conform", console=Console(stderr=True), transient=True,
                      disable=not sys.stderr.isatty())
        found = runner.conform(implementation, shown, deviations=known, on_result=on_result)
    else:
        command = arguments.command or parallel.command_for(arguments.implementation)
        found = parallel.conform(command, cases, jobs=arguments.jobs, timeout=arguments.timeout, deviations=known,
                                 on_result=on_result)
        implementation = Runner(command, arguments.timeout)
    if arguments.fuzz:
        from refmem.conformance import fuzz  # hypothesis is an extra

        source = fuzz.Source(arguments.implementation, arguments.command, arguments.timeout)
        jobs = arguments.jobs if find_spec("joblib") else 1  # one after the other, they are the same
        failed = fuzz.fuzz(implementation, arguments.fuzz, arguments.seed, arguments.save, source=source,
                           way=workers.chosen(jobs, arguments.dask))
        if failed is not None:
            found = runner.concluded(found.describes, [*found.results, failed], known)
    return found
