"""The memory, in both profiles."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, to_host
from refmem.cli.gradcheck_targets.operations import Make
from refmem.gradcheck.problem import Arrays, Problem, Pull
from refmem.memory import PAPER, TF2017, Memory, Profile

DRAWS = 300  # of the queries; those farthest from a tie are taken


def _memory(profile: Profile, dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """The loss and the confidence of one batch, with respect to the queries and the parameters.

    Keys are an argument too, declared to carry no gradient: the loss does change with them. Ages are integers.
    """
    rng = np.random.default_rng(0)
    batch, width, slots, classes = 3, 6, 8, 3
    memory = Memory(width, slots, profile=profile, vocab_size=classes, dtype=dtype, xp=xp)
    for _ in range(6):
        filling = xp.asarray(rng.standard_normal((batch, width)), dtype=dtype)
        memory.forward(filling, xp.asarray(rng.integers(classes, size=batch)), rng=rng)
    params = tuple(memory.params)
    if params:  # a projection as small as the initial one would only add a scale
        memory.params["query_projection"] = xp.asarray(rng.standard_normal((width, width)), dtype=dtype)
    labels = xp.asarray(rng.integers(classes, size=batch))
    queries = max((np.asarray(rng.standard_normal((batch, width)), dtype) for _ in range(DRAWS)),
                  key=lambda drawn: _narrowest_gap(memory, xp.asarray(drawn)))
    arguments = (queries, *(to_host(memory.params[name]) for name in params), to_host(memory.state.keys))

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        given, *changed, keys = map(xp.asarray, at)
        memory.params.update(zip(params, changed, strict=True))
        memory.state.keys = keys
        output, cache = memory.forward(given, labels, update=False)

        def pull(w: Arrays) -> Any:
            d_queries, d_params = memory.backward(cache, d_loss=float(w[0]), d_confidence=xp.asarray(w[1]))
            return to_host(d_queries), *(to_host(d_params[name]) for name in params), d_params.get("keys")

        return (to_host(xp.asarray(output.loss)), to_host(output.confidence)), pull

    return Problem(f"memory.{profile.name}", arguments, linearize, names=("queries", *params, "keys"),
                   output_names=("loss", "confidence"), stops=frozenset({"keys"}))


def _narrowest_gap(memory: Memory, queries: Array) -> float:
    """The smallest difference between the cosines of two neighbours of a query: 0 is a tie."""
    output, _ = memory.forward(queries, update=False)
    cosines = np.sort(to_host(output.cosines), axis=1)
    return float(np.diff(cosines, axis=1).min())


MEMORY: dict[str, Make] = {f"memory.{profile.name}": functools.partial(_memory, profile) for profile in (PAPER, TF2017)}
