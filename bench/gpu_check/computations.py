"""What is computed on both devices by `bench.gpu_check`, from the same inputs, with how near the results must come.

- `targets`: all that `refmem gradcheck` knows: operations, the memory, the reference models, forward and backward;
- `lives`: a memory that is read, written and differentiated for some steps, in both profiles, with the exact
  search and with the paper's hashing;
- `searches`: both searches by themselves, before and after an update;
- `updates`: what a training step does with gradients.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import ArrayModule, to_host
from refmem.cli.gradcheck_targets import CPU_ONLY, TARGETS
from refmem.gradcheck.problem import HostArray
from refmem.memory import PAPER, TF2017, Memory, Profile
from refmem.neighbours import make as make_index
from reference_models.training import adam, clipping

Results = dict[str, HostArray]

DOUBLE = 1e-10
"""Of float64: the largest difference, relative to the largest number of an array."""

DISTURBED, MARGIN = 6, 4
"""Runs in float32 from which the reach of its rounding is taken, and by what it is multiplied."""


class Case(NamedTuple):
    """One computation."""

    name: str
    dtype: str
    run: Callable[[ArrayModule], Results]
    tolerances: Callable[[Results], dict[str, float]]
    """From NumPy's results: the largest difference allowed, by name. Whole numbers must be equal."""


def all_cases() -> Iterator[Case]:
    """Those that are judged by NumPy's results."""
    yield from targets()
    yield from lives()
    yield from searches()
    yield from updates()


def double(results: Results) -> dict[str, float]:
    """1e-10 of the largest number."""
    return {name: DOUBLE * float(np.abs(array).max(initial=0.0)) for name, array in results.items()}


# --- Operations, memory, models ---------------------------------------------------------------------------------


def targets() -> Iterator[Case]:
    """All but the twins that are compiled for the host."""
    for name in TARGETS:
        if name not in CPU_ONLY:
            yield Case(name, "float64", lambda xp, name=name: run_target(name, "float64", xp), double)
            yield Case(name, "float32", lambda xp, name=name: run_target(name, "float32", xp),
                       lambda _, name=name: single(name))


def run_target(name: str, dtype: str, xp: ArrayModule, disturb: np.random.Generator | None = None) -> Results:
    """Outputs and gradients. `disturb` moves each argument to a neighbouring number, or not."""
    problem = TARGETS[name](dtype, xp)
    arguments = problem.arguments
    if disturb is not None:
        arguments = tuple(np.asarray(x + disturb.integers(-1, 2, x.shape) * np.spacing(x), x.dtype) for x in arguments)
    outputs, pull = problem.linearize(arguments)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    rng = np.random.default_rng(1)
    cotangents = tuple(np.asarray(rng.standard_normal(y.shape), y.dtype) for y in outputs)
    results = {problem.output_name(i, len(outputs)): y for i, y in enumerate(outputs)}
    pulled = pull(cotangents)
    gradients = pulled if isinstance(pulled, tuple) else (pulled,)
    return results | {f"d {argument}": g for argument, g in zip(problem.names, gradients, strict=True)
                      if g is not None}


def single(name: str) -> dict[str, float]:
    """How far float32 may lie apart, derived as the suite derives it for its vectors from runs that round otherwise.

    Each run disturbs all arguments by a unit in the last place, which draws all later roundings anew. The farthest
    that one of them comes to lie from the results in float64, times `MARGIN` and up to the next power of two.
    """
    exact = run_target(name, "float64", np)
    runs = [run_target(name, "float32", np, np.random.default_rng(seed)) for seed in range(DISTURBED)]
    reach = {what: max(float(np.abs(run[what].astype(np.float64) - array).max(initial=0.0)) for run in runs)
             for what, array in exact.items()}
    return {what: float(2.0 ** np.ceil(np.log2(MARGIN * far))) if far else 0.0 for what, far in reach.items()}


# --- The memory, written ----------------------------------------------------------------------------------------


SLOTS, WIDTH, CLASSES, BATCH, STEPS = 12, 8, 5, 4, 10


def lives() -> Iterator[Case]:
    """In float64: choices that rounding might decide are not met in it. Of float32 the vectors have lives."""
    for profile in (PAPER, TF2017):
        for search in ("exact", "hyperplanes"):
            yield Case(f"life of memory.{profile.name}, {search}", "float64",
                       lambda xp, profile=profile, search=search: run_life(profile, search, xp), double)


def run_life(profile: Profile, search: str, xp: ArrayModule) -> Results:
    """Until the memory is full and slots are given up: answers, gradients, and what it has come to."""
    memory = Memory(WIDTH, SLOTS, profile=profile, vocab_size=CLASSES, search=search, xp=xp)
    rng = np.random.default_rng(2)
    centres = rng.standard_normal((CLASSES, WIDTH))
    results: Results = {}
    for step in range(STEPS):
        labels = rng.integers(CLASSES, size=BATCH)
        queries = centres[labels] + 0.8 * rng.standard_normal((BATCH, WIDTH))
        output, cache = memory.forward(xp.asarray(queries), xp.asarray(labels), rng=np.random.default_rng(step),
                                       sources=xp.asarray(np.arange(BATCH) + step * BATCH))
        weights = xp.asarray(rng.standard_normal(output.confidence.shape))
        d_queries, d_params = memory.backward(cache, d_confidence=weights)
        found = {**output._asdict(), "d queries": d_queries, **{f"d {name}": d for name, d in d_params.items()}}
        results |= {f"{name}, step {step}": to_host(xp.asarray(array)) for name, array in found.items()}
    return results | {f"state.{name}": to_host(array) for name, array in memory.state.arrays().items()}


# --- Searches ---------------------------------------------------------------------------------------------------


KEYS, KEY_WIDTH, QUERIES, NEIGHBOURS, CLEAR = 512, 32, 8, 16, 4e-6


def searches() -> Iterator[Case]:
    """Exact, and by hyperplanes."""
    for name in ("exact", "hyperplanes"):
        for dtype in ("float64", "float32"):
            yield Case(f"search {name}", dtype, lambda xp, name=name, dtype=dtype: run_search(name, dtype, xp),
                       double if dtype == "float64" else sums_of_products)


def sums_of_products(results: Results) -> dict[str, float]:
    """d products of unit vectors, added up in two orders."""
    return dict.fromkeys(results, KEY_WIDTH * float(np.finfo(np.float32).eps))


def run_search(name: str, dtype: str, xp: ArrayModule) -> Results:
    """Slots and cosines, before and after a third of the keys is written anew."""
    keys, new, queries = clear_keys()
    written = np.arange(0, KEYS, 3)
    index = make_index(name, xp.asarray(keys.astype(dtype)), seed=1)
    results: Results = {}
    for when in ("before", "after"):
        slots, cosines = index.search(xp.asarray(queries.astype(dtype)), NEIGHBOURS)
        results |= {f"slots {when}": to_host(slots), f"cosines {when}": to_host(cosines)}
        index.update(xp.asarray(written), xp.asarray(new[written].astype(dtype)))
    return results


@functools.cache
def clear_keys() -> tuple[HostArray, HostArray, HostArray]:
    """Keys, other keys and queries, of which no two cosines of a query are so near that float32 might swap them, and
    none so near to a hyperplane that it might turn a bit."""
    for seed in range(1000):
        rng = np.random.default_rng([seed, 3])
        keys, new, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in
                              (rng.standard_normal((n, KEY_WIDTH)) for n in (KEYS, KEYS, QUERIES)))
        after = np.where(np.arange(KEYS)[:, None] % 3 == 0, new, keys)
        gaps = min(float(np.diff(np.sort(queries @ k.T, axis=1)[:, -4 * NEIGHBOURS:], axis=1).min())
                   for k in (keys, after))
        index: Any = make_index("hyperplanes", keys, seed=1)
        everything = np.concatenate([keys, new, queries])
        nearest = float(np.abs(np.einsum("nd,tld->tln", everything, index.hash_vectors)).min())
        if gaps > 2 * CLEAR and nearest > 1e-7:
            return keys, new, queries
    raise AssertionError("no keys are clear enough")


# --- A training step beyond the gradients -----------------------------------------------------------------------


def updates() -> Iterator[Case]:
    """Clipping and Adam."""
    def run(xp: ArrayModule) -> Results:
        rng = np.random.default_rng(4)
        params = {name: xp.asarray(rng.standard_normal(shape)) for name, shape in (("w", (5, 3)), ("b", (3,)))}
        state = adam.start(params)
        for _ in range(3):
            gradients = {name: xp.asarray(rng.standard_normal(p.shape)) for name, p in params.items()}
            gradients, _ = clipping.clip_by_global_norm(gradients, 0.5)
            adam.update(params, gradients, state, adam.Adam(rate=0.1))
        return {name: to_host(p) for name, p in params.items()}

    yield Case("clipping and Adam", "float64", run, double)
