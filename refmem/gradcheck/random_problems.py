"""Random problems with right gradients, and five ways to make a gradient wrong: what the checker is tested on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.gradcheck.ops import from_op
from refmem.gradcheck.place import random_signs
from refmem.gradcheck.problem import Arrays, HostArray, Problem, Pull
from refmem.ops import conv2d, dropout, l2_normalize, linear, max_pool2d, relu, softmax, softmax_cross_entropy

Draw = Callable[[np.random.Generator, npt.DTypeLike], Problem]
KINDS = ("element", "row", "tensor", "sign", "dropped")
SHARE = 0.01  # of the first three


def _normal(rng: np.random.Generator, dtype: npt.DTypeLike, *shape: int) -> HostArray:
    """Normal numbers of a random scale between 1e-3 and 1e3."""
    scale = 10 ** rng.uniform(-3, 3)
    return np.asarray(scale * rng.standard_normal(shape), dtype=dtype)


def _sizes(rng: np.random.Generator, *most: int) -> list[int]:
    return [int(rng.integers(1, top + 1)) for top in most]


def _linear(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    b, d, f = _sizes(rng, 6, 8, 6)
    return from_op(linear, _normal(rng, dtype, b, d), _normal(rng, dtype, d, f), _normal(rng, dtype, f),
                   names=("x", "weights", "bias"))


def _conv2d(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    b, h, w, c, f = _sizes(rng, 2, 5, 5, 3, 3)
    kh, kw = rng.choice((1, 3), 2)
    return from_op(conv2d, _normal(rng, dtype, b, h, w, c), _normal(rng, dtype, kh, kw, c, f), _normal(rng, dtype, f),
                   names=("x", "kernels", "bias"))


def _max_pool2d(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    return from_op(max_pool2d, _normal(rng, dtype, *_sizes(rng, 2, 5, 5, 3)), names=("x",))


def _relu(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    return from_op(relu, _normal(rng, dtype, *_sizes(rng, 6, 8)), names=("x",))


def _dropout(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    return from_op(dropout, _normal(rng, dtype, *_sizes(rng, 6, 8)), names=("x",), keep=float(rng.uniform(0.3, 1)),
                   rng=np.random.default_rng(int(rng.integers(2**32))))


def _l2_normalize(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    return from_op(l2_normalize, _normal(rng, dtype, *_sizes(rng, 6, 8)), names=("x",))


def _softmax(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    return from_op(softmax, _normal(rng, dtype, *_sizes(rng, 6, 8)), names=("x",))


def _softmax_cross_entropy(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    b, c = _sizes(rng, 6, 8)
    return from_op(softmax_cross_entropy, _normal(rng, dtype, b, c), names=("logits",),
                   after=(rng.integers(c, size=b),))


DRAWS: tuple[Draw, ...] = (_linear, _conv2d, _max_pool2d, _relu, _dropout, _l2_normalize, _softmax,
                           _softmax_cross_entropy)


def draw(rng: np.random.Generator, dtype: npt.DTypeLike) -> Problem:
    """A random operation at random arguments of a random scale."""
    return DRAWS[int(rng.integers(len(DRAWS)))](rng, dtype)


def plant(problem: Problem, kind: str, rng: np.random.Generator) -> tuple[Problem, int] | None:
    """The problem with an error in its backward pass, and which argument's gradient has it.

    None where there is no gradient that could be wrong.
    """
    outputs, pull = _run(problem, problem.arguments)
    gradients = pull(tuple(np.asarray(random_signs(rng, y.shape), y.dtype) for y in outputs))
    able = [i for i, g in enumerate(gradients) if np.any(g)]
    if not able:
        return None
    i = int(rng.choice(able))
    candidates = np.argwhere(gradients[i])
    where = candidates[int(rng.integers(len(candidates)))]

    def wrong(g: HostArray, w: Arrays, pull: Callable[[Arrays], Any]) -> HostArray:
        g = g.copy()
        if kind == "element":
            g[tuple(where)] *= 1 + SHARE
        elif kind == "row":
            g[where[0]] *= 1 + SHARE
        elif kind == "tensor":
            g *= 1 + SHARE
        elif kind == "sign":
            g = -g
        else:  # one row of the output is left out of the sum
            kept = w[0].copy()
            kept[dropped] = 0
            g = pull((kept, *w[1:]))[i]
        return g

    dropped = int(rng.integers(len(outputs[0])))

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        outputs, right = _run(problem, at)

        def pull(w: Arrays) -> Any:
            gradients = list(right(w))
            if gradients[i].shape == problem.arguments[i].shape:  # not for an empty batch
                gradients[i] = wrong(gradients[i], w, right)
            return tuple(gradients)

        return outputs, pull

    return replace(problem, name=f"{problem.name} ({kind})", linearize=linearize), i


def planted_size(right: Problem, wrong: Problem, i: int, cotangent: HostArray) -> float:
    """The largest element by which the gradients of argument i differ for this cotangent."""
    gradients = [_run(problem, problem.arguments)[1]((cotangent,))[i] for problem in (right, wrong)]
    return float(np.abs(gradients[1].astype(np.float64) - gradients[0].astype(np.float64)).max())


def _run(problem: Problem, at: Arrays) -> tuple[Arrays, Callable[[Arrays], Any]]:
    """Both passes with what they return always in tuples."""
    outputs, pull = problem.linearize(at)

    def pull_all(w: Arrays) -> Any:
        gradients = pull(w)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    return outputs if isinstance(outputs, tuple) else (outputs,), pull_all
