"""A small instance of every model, with respect to all of its parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, to_host
from refmem.cli.gradcheck_targets.operations import Make
from refmem.gradcheck.problem import Arrays, HostArray, Problem, Pull
from refmem.ops.fast_weights_choices import FW2016


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


def _naming(name: str, xp: ArrayModule, model: Any, params: dict[str, HostArray], x: Array, labels: Array) -> Problem:
    """A model that gives logits for each of a few x, and its softmax loss."""
    from refmem.ops import softmax_cross_entropy

    def run(params: dict[str, Array]) -> tuple[Array, Any]:
        model.params = params
        logits, cache = model.forward(x)
        losses, of_loss = softmax_cross_entropy.forward(logits, labels)
        return losses.sum(), (cache, of_loss)

    def back(caches: Any, w: Array) -> dict[str, Array]:
        each = xp.full(len(labels), w, dtype=w.dtype)
        return model.backward(softmax_cross_entropy.backward(each, caches[1]), caches[0])  # type: ignore[no-any-return]

    return from_model(name, xp, params, run, back)


def _retrieval(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    from reference_models.fast_weights import FastWeights
    from reference_models.fast_weights.retrieval import EXPANDED, RetrievalNetwork

    model = RetrievalNetwork(FastWeights(EXPANDED, 3), symbols=4, classes=3, seed=1, dtype=dtype)
    rng = np.random.default_rng(0)
    params = _moved_a_little(model.params, 0.2, rng)
    symbols, labels = xp.asarray(np.array([[0, 1, 2, 3, 1], [3, 2, 0, 1, 0]])), xp.asarray(np.array([2, 0]))

    return _naming("retrieval", xp, model, params, symbols, labels)


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
    from reference_models.neural_gpu.extended import ExtendedNeuralGPU
    from reference_models.neural_gpu.extended_size import ExtendedSize

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
    from reference_models.fast_weights.cores.stretches import StretchedFastWeights
    from reference_models.fast_weights.glimpses import GlimpseNetwork

    rng = np.random.default_rng(1)
    core = StretchedFastWeights(3, 4, stretches=(3, 2))
    model = GlimpseNetwork(core, classes=3, seed=1, dtype=dtype)
    params = _moved_a_little(model.params, 0.2, rng)
    x, labels = xp.asarray(rng.standard_normal((2, 5, 3)), dtype=dtype), xp.asarray(np.array([2, 0]))

    return _naming("glimpses", xp, model, params, x, labels)


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
