"""The same run in several processes."""

import shlex
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from refmem.conformance import runner
from refmem.conformance.adapters.conventions import translated
from refmem.conformance.adapters.runner import Runner
from refmem.conformance.case import Case
from refmem.conformance.deviations import Deviations
from refmem.conformance.verdict import Result, Run


def command_for(target: str) -> str:
    """The command that serves a Python implementation."""
    return shlex.join([sys.executable, "-m", "refmem.conformance.adapters.serve", target])


def conform(command: str, cases: Sequence[Case], *, jobs: int, timeout: float, deviations: Deviations | None = None,
            on_result: Callable[[Result], None] | None = None) -> Run:
    """As `runner.conform`, with `jobs` runners that each take every `jobs`-th case."""
    runners = [Runner(command, timeout) for _ in range(max(1, min(jobs, len(cases))))]
    try:
        describes = runner.described(runners[0])
        implementations = [translated(one, describes) for one in runners]

        def share(n: int) -> list[Result]:
            results = []
            for case in cases[n::len(runners)]:
                results.append(runner.one(implementations[n], describes, case, deviations))
                if on_result is not None:
                    on_result(results[-1])
            return results

        with ThreadPoolExecutor(len(runners)) as pool:
            shares: list[Any] = list(pool.map(share, range(len(runners))))
    finally:
        for one in runners:
            one.stop()
    ordered = [shares[i % len(runners)][i // len(runners)] for i in range(len(cases))]
    return runner.concluded(describes, ordered, deviations)
