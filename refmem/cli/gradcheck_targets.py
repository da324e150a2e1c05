"""What `refmem gradcheck` can check by name: every operation, the memory, a small instance of every model.

A target is a function `make(dtype, xp) -> Problem`. Whoever adds an operation or a model adds a line here; a test holds
that none is missing. Arguments are drawn away from ties, where the functions have no derivative.
"""

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from refmem import ops
from refmem.arrays import Array, ArrayModule, to_host
from refmem.gradcheck.ops import Operation, from_op
from refmem.gradcheck.problem import Arrays, Problem, ProblemRefused, Pull
from refmem.memory import PAPER, TF2017, Memory, Profile

Make: TypeAlias = Callable[[npt.DTypeLike, ArrayModule], Problem]


# --- Operations -------------------------------------------------------------------------------------------------


def _op(module: str, shapes: Sequence[tuple[int, ...]], names: tuple[str, ...], scale: float = 1.0,
        **options: Any) -> Make:
    """An operation of `refmem.ops` at normal numbers of these shapes."""

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
        rng = np.random.default_rng(0)
        arguments = [np.asarray(scale * rng.standard_normal(shape), dtype) for shape in shapes]
        operation: Operation = importlib.import_module(f"{ops.__name__}.{module}")
        drawn = {key: value() if callable(value) else value for key, value in options.items()}
        return from_op(operation, *arguments, names=names, xp=xp, **drawn)

    return make


def _cross_entropy(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    labels = np.array([0, 4, 2, 2])
    return _op("softmax_cross_entropy", [(4, 5)], ("logits",), after=lambda: (xp.asarray(labels),))(dtype, xp)


CONVOLUTION = ([(2, 5, 4, 3), (3, 3, 3, 2), (2,)], ("x", "kernels", "bias"))

OPS: dict[str, Make] = {
    "conv2d": _op("conv2d", *CONVOLUTION),
    "conv2d_im2col": _op("conv2d_im2col", *CONVOLUTION),
    "conv2d_winograd": _op("conv2d_winograd", *CONVOLUTION),
    "conv2d_relu": _op("conv2d_relu", [(2, 5, 4, 1), (3, 3, 1, 2), (2,)], ("x", "kernels", "bias")),
    "dropout": _op("dropout", [(4, 6)], ("x",), keep=0.7, rng=lambda: np.random.default_rng(1)),
    "l2_normalize": _op("l2_normalize", [(4, 6)], ("x",)),
    "linear": _op("linear", [(4, 5), (5, 3), (3,)], ("x", "weights", "bias")),
    "max_pool2d": _op("max_pool2d", [(2, 5, 4, 3)], ("x",)),
    "relu": _op("relu", [(4, 6)], ("x",)),
    "softmax": _op("softmax", [(4, 6)], ("x",)),
    "softmax_cross_entropy": _cross_entropy,
}


# --- The memory -------------------------------------------------------------------------------------------------


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


# --- The reference models ---------------------------------------------------------------------------------------


def from_model(name: str, params: dict[str, Array], run: Callable[[dict[str, Array]], tuple[Array, Any]],
               back: Callable[[Any, Array], dict[str, Array]]) -> Problem:
    """The loss of a model with respect to every parameter: `run(params) -> (loss, cache)`, `back(cache, d_loss)`."""
    names = tuple(params)

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        loss, cache = run(dict(zip(names, at, strict=True)))

        def pull(w: Arrays) -> Any:
            gradients = back(cache, w[0])
            return tuple(gradients.get(key) for key in names)

        return loss, pull

    return Problem(name, tuple(params[key] for key in names), linearize, names=names, output_names=("loss",),
                   always_contiguous=frozenset(names))


def _classifier(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from reference_models.classifier import Classifier
    from reference_models.embedding import Size

    rng = np.random.default_rng(0)
    model = Classifier(Size((2, 2, 3, 3), (6, 5), 1.0, "fan_in"), memory_size=12, conv="plain", shards=1, dtype=dtype)
    for _ in range(3):  # something to be near to, and far from
        model.memory.forward(np.asarray(rng.standard_normal((4, 5)), dtype), rng.integers(3, size=4))
    # Biases of zero would put the ReLUs of empty windows exactly on their kink.
    params = {name: np.asarray(p + 0.1 * rng.standard_normal(p.shape), dtype) for name, p in model.params.items()}
    images = np.asarray(rng.random((2, 28, 28, 1)), dtype)
    labels = np.array([0, 1])

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        output, cache = model.forward(images, labels, update=False)
        return np.asarray(output.loss), cache

    return from_model("classifier", params, run, lambda cache, w: model.backward(cache, d_loss=float(w)))


MODELS: dict[str, Make] = {"classifier": _classifier}

TARGETS: dict[str, Make] = {**OPS, **MEMORY, **MODELS}

CPU_ONLY = frozenset({"conv2d_im2col", "conv2d_relu", "conv2d_winograd", *MODELS})  # twins, and what is built of them


# --- By name ----------------------------------------------------------------------------------------------------


def resolve(name: str) -> Callable[[npt.DTypeLike, ArrayModule], list[Problem]]:
    """The maker of the problems that a name on the command line stands for.

    `package.module:function` is a function without arguments that returns a Problem, a tuple
    (function, vjp, arguments) as for `gradcheck`, or a list of these. If it has a parameter called `dtype`, it is
    given one.
    """
    if ":" not in name:
        if name not in TARGETS:
            raise ProblemRefused(f"there is nothing called {name!r} to check; known are {', '.join(TARGETS)}, and "
                                 "package.module:function for your own")
        return functools.partial(_ours, name)
    function = _imported(name)

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> list[Problem]:
        takes_dtype = "dtype" in inspect.signature(function).parameters
        try:
            made = function(dtype=dtype) if takes_dtype else function()
        except Exception as error:
            raise ProblemRefused(f"{name} raised {type(error).__name__}: {error}") from error
        return [_as_problem(name, one) for one in (made if isinstance(made, list) else [made])]

    return make


def _ours(name: str, dtype: npt.DTypeLike, xp: ArrayModule) -> list[Problem]:
    if xp is not np and name in CPU_ONLY:
        raise ProblemRefused(f"{name} runs on the CPU only")
    return [TARGETS[name](dtype, xp)]


def _imported(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        module: ModuleType = importlib.import_module(module_name)
    except Exception as error:
        raise ProblemRefused(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(os.getcwd())
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ProblemRefused(f"{module_name} has no function called {attribute!r}")
    return function  # type: ignore[no-any-return]


def _as_problem(name: str, made: Any) -> Problem:
    from refmem.gradcheck.problem import from_vjp

    if isinstance(made, Problem):
        return made
    if isinstance(made, tuple) and len(made) == 3 and callable(made[0]) and callable(made[1]):
        return from_vjp(*made, name=name.partition(":")[2])
    raise ProblemRefused(f"{name} must return a Problem or (function, vjp, arguments), or a list of them, got "
                         f"{type(made).__name__}")
