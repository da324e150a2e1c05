"""Differential fuzzing: generated memories and lives, the implementation against the loop oracle.

Hypothesis (an extra) draws the configurations and shrinks the first difference to the smallest life that shows it.
The tolerances of a generated case come from the first-order bound of rounding, as those of the vectors do.
"""

import hashlib
import os
from typing import Any, NamedTuple

from refmem import workers
from refmem.conformance import compare
from refmem.conformance.adapters.runner import Runner
from refmem.conformance.making.recipe import Draw, cast
from refmem.conformance.making.recipes.memory import DEFAULTS
from refmem.conformance.making.tolerance import Reach, TooClose, first_order, run_in_float64
from refmem.conformance.case import Case, Expect, Inputs, Task, save
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.parallel import command_for
from refmem.conformance.adapters.conventions import translated
from refmem.conformance.runner import described, one
from refmem.conformance.verdict import Result

CLEAR_GAP = 1e-4
OUTPUTS = ("values", "confidence", "loss", "d_queries", "state.keys", "state.values", "state.ages", "state.recent")


SHARE = 50
"""Generated cases that belong together: they have a seed of their own, and shrink by themselves."""


class Share(NamedTuple):
    """So many cases, the number-th lot of a run with this seed."""

    number: int
    examples: int
    seed: int


class Source(NamedTuple):
    """Where a worker finds the implementation; it runs in a process of its own there."""

    target: str | None  # package.module:Name
    command: str | None  # or a runner
    timeout: float

    def search(self, share: Share) -> Case | None:
        """As `search`, by a worker."""
        runner = Runner(self.command or command_for(str(self.target)), self.timeout)
        try:
            return search(runner, share)
        finally:
            runner.stop()


def fuzz(implementation: Any, examples: int, seed: int, folder: str | os.PathLike[str], *,
         way: workers.Way | None = None, source: Source | None = None) -> Result | None:
    """The smallest case found that the implementation fails, saved below `folder`; None where it fails none.

    Of several shares with a failure the first counts, so that the same case is found by any number of workers.

    Parameters
    ----------
    way, source : optional
        Who searches, and where they find the implementation; by default it is done here.

    Raises
    ------
    ValueError
        If hypothesis is not installed, or the implementation has no memory.
    """
    describes = described(implementation)
    if "memory" not in describes["groups"]:
        raise ValueError("--fuzz drives memories, and the implementation has none")
    shares = [Share(number, min(SHARE, examples - start), seed)
              for number, start in enumerate(range(0, examples, SHARE))]
    if way is not None and source is not None:
        found = iter(workers.in_order(way, source.search, shares))
    else:
        found = (search(implementation, share) for share in shares)
    worst = next((case for case in found if case is not None), None)
    if worst is None:
        return None
    save(worst, folder)
    result = one(translated(implementation, describes), describes, worst)
    result.reason += f" (kept: refmem conform ... --cases {folder})"
    return result


def search(implementation: Any, share: Share) -> Case | None:
    """The smallest case of a share that the implementation fails."""
    try:
        import hypothesis
        from hypothesis import strategies as st
    except ImportError as error:
        raise ValueError("--fuzz needs hypothesis: pip install 'refmem[test]'") from error
    describes = described(implementation)
    implementation = translated(implementation, describes)
    profiles = [p for p in ("paper", "tf2017") if p in describes.get("profiles", ("paper", "tf2017"))]
    worst: list[Case] = []

    @hypothesis.seed(f"{share.seed}/{share.number}")
    @hypothesis.settings(max_examples=share.examples, database=None, deadline=None,
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(profile=st.sampled_from(profiles), dtype=st.sampled_from(["float64", "float32"]),
                      d=st.integers(2, 5), m=st.integers(2, 8), k=st.integers(2, 10), batch=st.integers(1, 3),
                      classes=st.integers(1, 5), top=st.integers(1, 3), steps=st.integers(1, 8),
                      number=st.integers(0, 999))
    def differ(**drawn: Any) -> None:
        try:
            case = generated(**drawn)
        except TooClose:
            hypothesis.reject()
        if compare.run(implementation, case).problem is not None:
            worst[:] = [case]
            raise AssertionError(case.id)

    try:
        differ()
    except AssertionError:
        return worst[0]
    return None


def generated(profile: str, dtype: str, d: int, m: int, k: int, batch: int, classes: int, top: int, steps: int,
              number: int) -> Case:
    """A life from an empty memory.

    Raises
    ------
    TooClose
        If rounding might decide one of its choices.
    """
    if profile == "tf2017" and batch > m:
        raise TooClose("the released code wants a slot for each row")
    draw = Draw(number)
    centres = draw.units(classes, d)
    lives = []
    for _ in range(steps):
        labels = draw.labels(batch, classes)
        queries = 2.0 * centres[labels] + draw.numbers(batch, d, scale=0.8)
        lives.append({"queries": queries, "labels": labels, "d_loss": 1.0})
    config = {"key_dim": d, "memory_size": m, "k": k} | DEFAULTS[profile] | {"correct_in_top": min(top, k, m)}
    params = {}
    if profile == "tf2017":
        config["vocab_size"] = classes
        params = {"query_projection": draw.numbers(d, d)}
    named = repr((profile, dtype, d, m, k, batch, classes, top, steps, number))
    task = Task(f"memory/fuzz-{hashlib.sha256(named.encode()).hexdigest()[:12]}.{dtype}", "memory", profile, dtype,
                config, None, Inputs(cast(params, dtype)), [Inputs(cast(life, dtype)) for life in lives])
    return answered(task)


def answered(task: Task) -> Case:
    """The generated case with its answer, by the loops in floats."""
    adapter = LoopAdapter()
    exact = run_in_float64(adapter, task)
    if adapter.smallest_gap < CLEAR_GAP:
        raise TooClose("two cosines are too near each other")
    names = [name for name in OUTPUTS if name in exact[0]]
    bounds = first_order(task, exact, names)
    # Here the loops count in floats themselves, and either side may be off by the bound.
    expect = [Expect(name, Reach(2 * bounds[name], 0.0).tolerance, bound=bounds[name]) for name in names]
    expected = [Inputs({name: step[name] if step[name].dtype.kind == "i" else step[name].astype(task.dtype)
                        for name in names}) for step in exact]
    return Case(**vars(task), level="L4", rules=("memory.read.nearest",), title="a generated life",
                expect=tuple(expect), expected=expected, oracles=({"name": "loops"},))
