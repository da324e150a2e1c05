"""The operations and parts of models that have a fast path: forward and backward, at the size of a small training step.

Two figures say how far a fast path is from the plain one. In float64 the largest difference of any result, in units of
that result's root mean square: it has a bound, which no rounding excuses. In float32 how much coarser its rounding is:
the median distance to the float64 results, over that of the plain path. (Not the largest there: a number that lies
within rounding of a ReLU's kink may fall on either side of it, in both.)
"""

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array
from refmem.cli.fast_paths.clock import medians
from refmem.ops.fast_weights_choices import FW2016

Run: TypeAlias = Callable[[list[Array]], list[Array]]
"""From arguments, the gradient of the output first, to all results and gradients."""


Drawn: TypeAlias = Sequence[tuple[float, float, tuple[int, ...]]]
"""Mean, spread and shape of each argument."""


class Twin(NamedTuple):
    """A fast path, and how it is held against the plain one."""

    plain: str
    size: str
    drawn: Drawn
    run_plain: Run
    run: Run
    must_differ_less: float = 1e-12


def _of(module: str, **options: Any) -> Run:
    """An operation, forwards and backwards. It is imported at its first call, and numba with it."""

    def run(arguments: list[Array]) -> list[Array]:
        operation: Any = importlib.import_module(module)
        dy, *inputs = arguments
        y, cache = operation.forward(*inputs, **options)
        return [y, *operation.backward(dy, cache)]

    return run


def _op(name: str, **options: Any) -> Run:
    return _of(f"refmem.ops.{name}", **options)


def _shapes(*shapes: tuple[int, ...], spread: float = 1.0) -> Drawn:
    """The gradient of the output, spread 1, and the inputs."""
    first, *others = shapes
    return [(0, 1, first), *((0, spread, shape) for shape in others)]


def _conv_relu(arguments: list[Array]) -> list[Array]:
    from refmem.ops import conv2d, relu

    dy, *inputs = arguments
    linear, of_conv = conv2d.forward(*inputs)
    y, of_relu = relu.forward(linear)
    return [y, *conv2d.backward(relu.backward(dy, of_relu), of_conv)]


def _sliced(arguments: list[Array]) -> list[Array]:
    from reference_models.parallel import sliced_linear

    dy, x, weights, bias = arguments
    y, cache = sliced_linear.forward(x, weights, bias, 2)
    return [y, *sliced_linear.backward(dy, cache, 2)]


def _words(twin: str) -> Run:
    def run(arguments: list[Array]) -> list[Array]:
        from reference_models.seq2seq import output

        z, weights, bias = arguments
        labels = np.arange(len(z)) % len(bias)
        losses, cache = output.forward(z, weights, bias, labels, smoothing=0.1, twin=twin)
        assert cache is not None
        return [losses.token_loss, *output.backward(1 / len(z), cache)]

    return run


def _tape(conv: str) -> Run:
    """Every position is answered by a memory, and written."""

    def run(arguments: list[Array]) -> list[Array]:
        from reference_models.neural_gpu.tape import TAPES

        d_drive, kernels, answers, outputs, like = arguments
        tape = TAPES[conv](kernels, like, rows="first", markovian=False)
        results = []
        for t, (answer, written) in enumerate(zip(answers, outputs, strict=True)):
            results.append(tape.drive(answer, t))
            tape.write(written, t)
        tape.start_backward()
        for t in reversed(range(len(answers))):
            d_output, d_answer = tape.write_backward(t), tape.drive_backward(d_drive, t)
            assert d_answer is not None
            results += [d_output, d_answer]
        return [*results, tape.d_kernels()]

    return run


_CONV = _shapes((16, 14, 14, 64), (16, 14, 14, 64), (3, 3, 64, 64), (64,))
_CONV_SIZE = "16 images of 14 x 14, 64 maps"
_CGRU: Drawn = [(0, 1, (8, 20, 4, 24)), (0, 1, (8, 20, 4, 24)), (0, 0.05, (1, 2, 3, 3, 24, 48)),
                (1, 0.1, (1, 2, 48)), (0, 0.05, (1, 2, 3, 3, 24, 24)), (0, 0.1, (1, 2, 24))]
_FAST_WEIGHTS: Drawn = [(0, 1, (64, 11, 50)), (0, 1, (64, 11, 50)), (0, 0.1, (50, 50)), (0, 1, (64, 50)),
                        (0, 1, (64, 3, 50)), (0.95, 0, ()), (0.2, 0, ()), (1, 0.1, (FW2016.norms, 50)),
                        (0, 0.1, (FW2016.norms, 50))]

TWINS: dict[str, Twin] = {
    "ops.conv2d_im2col": Twin("ops.conv2d", _CONV_SIZE, _CONV, _op("conv2d"), _op("conv2d_im2col")),
    "ops.conv2d_columns": Twin("ops.conv2d", _CONV_SIZE, _CONV, _op("conv2d"), _op("conv2d_columns")),
    "ops.conv2d_winograd": Twin("ops.conv2d", _CONV_SIZE, _CONV, _op("conv2d"), _op("conv2d_winograd"), 2e-13),
    "ops.conv2d_relu": Twin("ops.conv2d, relu", "16 images of 28 x 28, 32 maps",
                            _shapes((16, 28, 28, 32), (16, 28, 28, 1), (3, 3, 1, 32), (32,)),
                            _conv_relu, _op("conv2d_relu")),
    "ops.cgru_winograd": Twin("ops.cgru_steps", "8 images of 20 x 4, 24 maps, 20 steps", _CGRU,
                              _op("cgru_steps", steps=20), _op("cgru_steps", steps=20, conv="winograd")),
    "ops.lstm_fused": Twin("ops.lstm", "32 sentences of 20 words, 256 units",
                           _shapes((32, 20, 256), (32, 20, 256), (2, 32, 256), (256, 1024), (256, 1024), (1024,),
                                   spread=0.1), _op("lstm"), _op("lstm_fused")),
    "ops.additive_attention_fused": Twin("ops.additive_attention", "32 pairs of 20 words, 256 units",
                                         _shapes((32, 20, 256), (32, 20, 256), (32, 20, 256), (256, 256), (256, 256),
                                                 (256,), spread=0.3),
                                         _op("additive_attention"), _op("additive_attention_fused")),
    "ops.fast_weights_rnn_compiled": Twin("ops.fast_weights_rnn", "64 sequences of 11, 50 units", _FAST_WEIGHTS,
                                          _op("fast_weights_rnn"), _op("fast_weights_rnn_compiled")),
    "models.parallel.sliced_linear": Twin("ops.linear", "80 rows, 6272 to 256, 2 slices",
                                          _shapes((80, 256), (80, 6272), (6272, 256), (256,)), _op("linear"), _sliced),
    "models.seq2seq.output": Twin("ops.linear, masked_cross_entropy", "640 positions, 256 units, 4000 words",
                                  [(0, 1, (640, 256)), (0, 0.1, (256, 4000)), (0, 0.1, (4000,))],
                                  _words("plain"), _words("fused")),
    "models.neural_gpu.tape": Twin("ops.conv2d, tape_write", "8 images of 20 x 4, 24 maps, 20 steps",
                                   [(0, 1, (8, 20, 4, 144)), (0, 0.1, (3, 3, 24, 144)), (0, 1, (20, 8, 24)),
                                    (0, 1, (20, 8, 24)), (0, 0, (8, 20, 4, 24))], _tape("plain"), _tape("winograd")),
}
"""By name. Whoever adds a fast path adds it here; a test holds that no operation is missing."""


def row(name: str, seed: int) -> dict[str, object]:
    """What the twin of this name comes to."""
    twin = TWINS[name]
    exact, fast = (_results(twin, run, seed, np.float64) for run in (twin.run_plain, twin.run))
    plain_32, fast_32 = (_results(twin, run, seed, np.float32) for run in (twin.run_plain, twin.run))
    difference = max(_largest(*both) for both in zip(fast, exact, strict=True))
    arguments = _drawn(twin, seed, np.float32)
    plain_ms, ms = medians(lambda: twin.run_plain(arguments), lambda: twin.run(arguments))
    return {"twin": name, "plain": twin.plain, "size": twin.size, "difference": difference,
            "must_differ_less": twin.must_differ_less, "rounding": _median(fast_32, exact) / _median(plain_32, exact),
            "plain_ms": plain_ms, "ms": ms, "ratio": plain_ms / ms, "agrees": difference <= twin.must_differ_less}


def _drawn(twin: Twin, seed: int, dtype: npt.DTypeLike) -> list[Array]:
    """The same arguments in either precision: float32 numbers."""
    rng = np.random.default_rng(seed)
    return [np.asarray(np.float32(mean + spread * rng.standard_normal(shape)), dtype)
            for mean, spread, shape in twin.drawn]


def _results(twin: Twin, run: Run, seed: int, dtype: npt.DTypeLike) -> list[Array]:
    return [np.asarray(result, np.float64) for result in run(_drawn(twin, seed, dtype))]


def _largest(got: Array, want: Array) -> float:
    """The largest difference, in root mean squares of what is wanted."""
    worst: float = np.abs(got - want).max()
    return float(worst / _rms(want)) if worst else 0.0


def _median(results: Iterable[Array], exact: Iterable[Array]) -> float:
    """The median difference, as above, over the numbers of all results but the zeros, as a ReLU makes them."""
    apart = [np.abs(got - want)[want != 0] / _rms(want) for got, want in zip(results, exact, strict=True) if want.any()]
    return float(np.median(np.concatenate(apart)))


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
