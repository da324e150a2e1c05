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
from refmem.gradcheck.problem import Arrays, HostArray, Problem, ProblemRefused, Pull
from refmem.ops.fast_weights_choices import FW2016
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


def _fast_weights_rnn(module: str) -> Make:
    """A stretch of a sequence that has a past; most units are above their kink."""
    batch, length, past, units = 2, 3, 2, 4
    about = {"inputs": (0, 1, (batch, length, units)), "recurrent": (0, 1, (units, units)),
             "start": (0, 1, (batch, units)), "past": (0, 1, (batch, past, units)), "decay": (0.9, 0.1, ()),
             "rate": (0.5, 0.1, ()), "gain": (1, 1, (FW2016.norms, units)), "bias": (2, 1, (FW2016.norms, units))}

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
        rng = np.random.default_rng(1)
        arguments = [np.asarray(mean + spread * rng.standard_normal(shape), dtype)
                     for mean, spread, shape in about.values()]
        return from_op(importlib.import_module(f"{ops.__name__}.{module}"), *arguments, names=tuple(about), xp=xp)

    return make


READ = ([(3, 5), (3, 4, 5), (), ()], ("query", "past", "decay", "rate"))


def _masked_cross_entropy(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    labels, mask = np.array([0, 4, 2, -1]), np.array([True, True, True, False])
    return _op("masked_cross_entropy", [(4, 5)], ("logits",), smoothing=0.1,
               after=lambda: (xp.asarray(labels), xp.asarray(mask)))(dtype, xp)


def _embedding(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    tokens = np.array([[3, 0, 3], [2, 3, 0]])
    return _op("embedding", [(4, 5)], ("table",), after=lambda: (xp.asarray(tokens),))(dtype, xp)


def _lstm(module: str, dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    mask = np.array([[True, True, True, True], [False, True, True, False]])  # padding on both sides
    return _op(module, [(2, 4, 3), *LSTM], ("x", "state", "w_x", "w_h", "bias"), 0.5,
               after=lambda: (xp.asarray(mask),))(dtype, xp)


def _attention(module: str, dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    mask = np.array([[True, True, True, False], [False, True, True, True]])
    return _op(module, [(2, 3, 4), (2, 4, 3), (4, 5), (3, 5), (5,)],
               ("queries", "annotations", "w_query", "w_source", "v"), after=lambda: (xp.asarray(mask),))(dtype, xp)


def _actor_critic(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    actions = np.array([0, 2, 1, 1])
    return _op("actor_critic", [(4, 3), (4,), (4,), (4,)], ("logits", "values", "advantages", "returns"),
               entropy_weight=0.3, after=lambda: (xp.asarray(actions),))(dtype, xp)


def _associative_lstm(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    shuffles = np.array([[0, 1], [1, 0]])
    return _op("associative_lstm", [(2, 2, 2), (2, 18), (4, 18), (18,)], ("x", "w_x", "w_h", "bias"), 1.5, heads=1,
               after=lambda: (xp.asarray(shuffles),))(dtype, xp)


LSTM = [(2, 2, 4), (3, 16), (4, 16), (16,)]
CELL = ((3, 3, 2, 4), (4,), (3, 3, 2, 2), (2,))  # of a CGRU with two maps
CELLS = tuple((2, 2, *shape) for shape in CELL)  # two sets of two layers
CELL_NAMES = ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")
CONVOLUTION = ([(2, 5, 4, 3), (3, 3, 3, 2), (2,)], ("x", "kernels", "bias"))

OPS: dict[str, Make] = {
    "actor_critic": _actor_critic,
    "associative_lstm": _associative_lstm,
    "conv2d": _op("conv2d", *CONVOLUTION),
    "conv2d_im2col": _op("conv2d_im2col", *CONVOLUTION),
    "conv2d_winograd": _op("conv2d_winograd", *CONVOLUTION),
    "conv2d_relu": _op("conv2d_relu", [(2, 5, 4, 1), (3, 3, 1, 2), (2,)], ("x", "kernels", "bias")),
    "hard_gate": _op("hard_gate", [(4, 6)], ("x",)),
    "cgru": _op("cgru", [(2, 4, 3, 2), *CELL, (2, 4, 3, 6)], ("s", *CELL_NAMES, "drive"), 0.25),
    "cgru_steps": _op("cgru_steps", [(2, 4, 3, 2), *CELLS], ("s", *CELL_NAMES), 0.15, steps=4, keep=0.8, segment=3,
                      rng=lambda: np.random.default_rng(1)),
    "cgru_winograd": _op("cgru_steps", [(2, 5, 4, 2), *CELLS], ("s", *CELL_NAMES), 0.1, steps=4, conv="winograd"),
    "tape_write": _op("tape_write", [(2, 4, 3, 2), (2, 2)], ("p", "v"), position=1, rows="all"),
    "tape_read": _op("tape_read", [(2, 4, 3, 2)], ("s",), position=2),
    "dropout": _op("dropout", [(4, 6)], ("x",), keep=0.7, rng=lambda: np.random.default_rng(1)),
    "fast_weights_attention": _op("fast_weights_attention", *READ),
    "fast_weights_matrix": _op("fast_weights_matrix", *READ),
    "fast_weights_rnn": _fast_weights_rnn("fast_weights_rnn"),
    "fast_weights_rnn_compiled": _fast_weights_rnn("fast_weights_rnn_compiled"),
    "embedding": _embedding,
    "sigmoid": _op("sigmoid", [(4, 6)], ("x",)),
    "tanh": _op("tanh", [(4, 6)], ("x",)),
    "lstm_cell": _op("lstm_cell", [(2, 3), *LSTM], ("x", "state", "w_x", "w_h", "bias"), 0.5),
    "lstm": functools.partial(_lstm, "lstm"),
    "lstm_fused": functools.partial(_lstm, "lstm_fused"),
    "additive_attention": functools.partial(_attention, "additive_attention"),
    "additive_attention_fused": functools.partial(_attention, "additive_attention_fused"),
    "batch_norm": _op("batch_norm", [(5, 3), (3,), (3,)], ("x", "gain", "bias")),
    "masked_cross_entropy": _masked_cross_entropy,
    "l2_normalize": _op("l2_normalize", [(4, 6)], ("x",)),
    "layer_norm": _op("layer_norm", [(4, 6), (6,), (6,)], ("x", "gain", "bias")),
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


def from_model(name: str, xp: ArrayModule, params: dict[str, Array],
               run: Callable[[dict[str, Array]], tuple[Array, Any]],
               back: Callable[[Any, Any], dict[str, Array]]) -> Problem:
    """The loss of a model with respect to every parameter: `run(params) -> (loss, cache)`, `back(cache, d_loss)`.

    `params` are host arrays, and are handed to `run` as arrays of `xp`; d_loss is a number of their dtype.
    """
    names = tuple(params)

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        loss, cache = run({key: xp.asarray(value) for key, value in zip(names, at, strict=True)})

        def pull(w: Arrays) -> Any:
            gradients = back(cache, w[0][()])
            return tuple(to_host(gradients[key]) if key in gradients else None for key in names)

        return to_host(xp.asarray(loss)), pull

    return Problem(name, tuple(params[key] for key in names), linearize, names=names, output_names=("loss",),
                   always_contiguous=frozenset(names))


def _on_host(params: dict[str, Array]) -> dict[str, HostArray]:
    return {name: to_host(p) for name, p in params.items()}


def _moved_a_little(params: dict[str, Array], spread: float, rng: np.random.Generator) -> dict[str, HostArray]:
    """Each number of the parameters with noise, so that none is at a special place such as 0."""
    return {name: np.asarray(p + spread * rng.standard_normal(p.shape), p.dtype)
            for name, p in _on_host(params).items()}


def _classifier(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from reference_models.classifier import Classifier
    from reference_models.classifier.embedding import Size

    rng = np.random.default_rng(0)
    model = Classifier(Size((2, 2, 3, 3), (6, 5), 1.0, "fan_in"), memory_size=12, conv="plain", shards=1, dtype=dtype,
                       xp=xp)
    for _ in range(3):  # something to be near to, and far from
        model.memory.forward(xp.asarray(rng.standard_normal((4, 5)), dtype=dtype), xp.asarray(rng.integers(3, size=4)))
    # Biases of zero would put the ReLUs of empty windows exactly on their kink.
    params = _moved_a_little(model.params, 0.1, rng)
    images = xp.asarray(rng.random((2, 28, 28, 1)), dtype=dtype)
    labels = xp.asarray(np.array([0, 1]))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        output, cache = model.forward(images, labels, update=False)
        assert output.loss is not None  # there were labels
        return output.loss, cache

    return from_model("classifier", xp, params, run, lambda cache, w: model.backward(cache, d_loss=float(w)))


def _fast_weights(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """Two walks, one after the other, whose hidden states are weighed at random."""
    import dataclasses

    from reference_models.fast_weights import FastWeights

    rng = np.random.default_rng(0)
    core = FastWeights(3, 4, choices=dataclasses.replace(FW2016, steps=2, learned=True))
    drawn = core.initial_params(rng, dtype)
    params = _moved_a_little(drawn, 0.1, rng)
    x = xp.asarray(rng.standard_normal((2, 4, 3)), dtype=dtype)
    weights = xp.asarray(rng.standard_normal((2, 4, 4)), dtype=dtype)

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        hidden, _, cache = core.forward(params, x)
        return (hidden * weights).sum(), cache

    return from_model("fast_weights", xp, params, run, lambda cache, w: core.backward(w * weights, cache)[1])


def _retrieval(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from refmem.ops import softmax_cross_entropy

    from reference_models.fast_weights import FastWeights
    from reference_models.fast_weights.retrieval import EXPANDED, RetrievalNetwork

    model = RetrievalNetwork(FastWeights(EXPANDED, 3), symbols=4, classes=3, seed=1, dtype=dtype)
    rng = np.random.default_rng(0)
    params = _moved_a_little(model.params, 0.2, rng)
    symbols, labels = xp.asarray(np.array([[0, 1, 2, 3, 1], [3, 2, 0, 1, 0]])), xp.asarray(np.array([2, 0]))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        logits, cache = model.forward(symbols)
        losses, of_loss = softmax_cross_entropy.forward(logits, labels)
        return losses.sum(), (cache, of_loss)

    def back(caches: Any, w: Array) -> dict[str, Array]:
        return model.backward(softmax_cross_entropy.backward(xp.full(2, w, dtype), caches[1]), caches[0])

    return from_model("retrieval", xp, params, run, back)


def _neural_gpu(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from reference_models import neural_gpu

    rng = np.random.default_rng(0)
    size = neural_gpu.Size(maps=3, rows=2)
    params = {name: w / 2 for name, w in neural_gpu.initial_params(size, 4, rng, sets=2, dtype=dtype).items()}
    inputs, targets = map(xp.asarray, rng.integers(4, size=(2, 2, 4)))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        logits, cache = neural_gpu.forward(params, inputs, size, segment=2)
        loss, d_logits = neural_gpu.loss(logits, targets, 0.1)
        return loss, (cache, d_logits)

    return from_model("neural_gpu", xp, params, run, lambda cache, w: neural_gpu.backward(cache[1] * w, cache[0]))


def _neural_gpu_extended(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """With a memory on its tape, that is asked and not written."""
    from reference_models import neural_gpu
    from reference_models.neural_gpu.extended import ExtendedNeuralGPU, ExtendedSize

    rng = np.random.default_rng(0)
    size = ExtendedSize(maps=3, rows=2, query_rows="all", query_width=3, query_norm=True)
    model = ExtendedNeuralGPU(size, 4, memory_size=12, conv="plain", dtype=dtype, xp=xp)
    inputs, targets = map(xp.asarray, rng.integers(4, size=(2, 2, 3)))
    lengths = xp.asarray(np.array([3, 2]))
    model.params = {name: w / 2 for name, w in model.params.items()}
    model.forward(inputs, targets)

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        output, cache = model.forward(inputs, targets, lengths=lengths, update=False)
        loss, d_logits = neural_gpu.loss(output.logits, targets, 0.1)
        return loss + loss.dtype.type(output.memory_loss), (cache, d_logits)

    return from_model("neural_gpu_extended", xp, _on_host(model.params), run,
                      lambda cache, w: model.backward(cache[1] * w, cache[0], d_memory_loss=float(w)))


def _seq2seq(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """All that a small one can have: residual layers, a projected query of both kinds, tied weights, smoothing."""
    from reference_models.seq2seq import Query, Seq2Seq, Size

    size = Size(6, 6, width=2, embedding=2, attention=2, encoder_layers=3, decoder_layers=3, tied=True,
                query=Query("both", 2))
    rng = np.random.default_rng(0)
    model = Seq2Seq(size, memory_size=9, memory_weight=0.7, smoothing=0.1, twin="plain", dtype=dtype, seed=1,
                    xp=xp)
    assert model.memory is not None
    for _ in range(3):
        model.memory.forward(xp.asarray(rng.standard_normal((3, 2)), dtype=dtype), xp.asarray(rng.integers(2, 6, 3)))
    params = _moved_a_little(model.params, 0.2, rng)
    source, target = (xp.asarray(np.array(rows)) for rows in ([[3, 4, 5], [5, 3, 0]], [[5, 4, 2], [3, 2, 0]]))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        output, cache = model.forward(source, target, update=False, training=True)
        objective = output.token_loss.sum() / dtype_of(output.token_loss, len(output.token_loss))
        assert output.memory is not None and output.memory.loss is not None
        return objective + dtype_of(objective, model.memory_weight) * output.memory.loss, cache

    return from_model("seq2seq", xp, params, run, lambda cache, w: model.backward(cache, d_objective=float(w)))


def dtype_of(like: Array, number: float) -> Any:
    """`number` in the dtype of `like`."""
    return like.dtype.type(number)


def _glimpses(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """Two stretches, each stored at its end."""
    from refmem.ops import softmax_cross_entropy

    from reference_models.fast_weights.cores.stretches import StretchedFastWeights
    from reference_models.fast_weights.glimpses import GlimpseNetwork

    rng = np.random.default_rng(1)
    core = StretchedFastWeights(3, 4, stretches=(3, 2))
    model = GlimpseNetwork(core, classes=3, seed=1, dtype=dtype)
    params = _moved_a_little(model.params, 0.2, rng)
    x, labels = xp.asarray(rng.standard_normal((2, 5, 3)), dtype=dtype), xp.asarray(np.array([2, 0]))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        logits, cache = model.forward(x)
        losses, of_loss = softmax_cross_entropy.forward(logits, labels)
        return losses.sum(), (cache, of_loss)

    def back(caches: Any, w: Array) -> dict[str, Array]:
        return model.backward(softmax_cross_entropy.backward(xp.full(2, w, dtype), caches[1]), caches[0])

    return from_model("glimpses", xp, params, run, back)


def _convnet(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from reference_models.fast_weights.convnet import ConvNet

    rng = np.random.default_rng(0)
    model = ConvNet(side=8, units=3, classes=3, dtype=dtype, filters=(2, 2, 2))
    params = _moved_a_little(model.params, 0.1, rng)
    images = xp.asarray(rng.standard_normal((2, 8, 8)), dtype=dtype)
    weights = xp.asarray(rng.standard_normal((2, 3)), dtype=dtype)

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        logits, cache = model.forward(images)
        return (logits * weights).sum(), cache

    return from_model("convnet", xp, params, run, lambda cache, w: model.backward(w * weights, cache))


def _catch(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    """The player of Catch, whose scores and values are weighed at random."""
    from reference_models.fast_weights import FastWeights
    from reference_models.fast_weights.catch_agent import Agent
    from reference_models.tasks.catch import Games, Rules

    rng = np.random.default_rng(0)
    rules = Rules(4, 2)
    agent = Agent(rules, FastWeights(3, 3))
    drawn = agent.initial_params(rng, dtype)
    params = _moved_a_little(drawn, 0.2, rng)
    screens = xp.asarray(agent.play(params, Games(rules, 2, rng), rng)[0].screens)
    of_logits, of_values = (xp.asarray(rng.standard_normal(shape), dtype=dtype) for shape in ((2, 3, 3), (2, 3)))

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        output, _, cache = agent.forward(params, screens)
        return (output.logits * of_logits).sum() + (output.values * of_values).sum(), cache

    return from_model("catch_agent", xp, params, run,
                      lambda cache, w: agent.backward(w * of_logits, w * of_values, cache))


MODELS: dict[str, Make] = {"catch_agent": _catch, "classifier": _classifier, "convnet": _convnet,
                           "fast_weights": _fast_weights, "neural_gpu": _neural_gpu,
                           "neural_gpu_extended": _neural_gpu_extended, "retrieval": _retrieval,
                           "glimpses": _glimpses, "seq2seq": _seq2seq}

TARGETS: dict[str, Make] = {**OPS, **MEMORY, **MODELS}

CPU_ONLY = frozenset({"additive_attention_fused", "cgru_winograd", "conv2d_im2col", "conv2d_relu",
                      "conv2d_winograd", "fast_weights_rnn_compiled", "lstm_fused"})
"""The twins that are compiled for the host."""


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
