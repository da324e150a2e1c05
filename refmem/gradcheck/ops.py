"""Our operations as problems: `forward(*arguments, **options) -> (y, cache)` and `backward(dy, cache)`."""

from typing import Any, Protocol

import numpy as np

from refmem.gradcheck.problem import Arrays, HostArray, Problem, Pull


class Operation(Protocol):
    """A module of `refmem.ops`, or anything with the same two functions."""

    def forward(self, *arguments: Any, **options: Any) -> tuple[Any, Any]:
        """Outputs and cache."""

    def backward(self, dy: Any, cache: Any) -> Any:
        """Gradients of the inputs, in their order."""


def from_op(op: Operation, *arguments: HostArray, name: str | None = None, names: tuple[str, ...] = (),
            after: tuple[Any, ...] = (), **options: Any) -> Problem:
    """The problem of an operation at `arguments`.

    `after` are positional arguments that are not differentiated (labels), and `options` go to `forward` by name. A
    `numpy.random.Generator` among them is copied for each call, so that each call draws the same.
    """

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        y, cache = op.forward(*at, *map(_same_draws, after),
                              **{key: _same_draws(value) for key, value in options.items()})
        return y, lambda w: op.backward(w[0], cache)

    title = name or getattr(op, "__name__", type(op).__name__).rpartition(".")[2]
    return Problem(title, tuple(arguments), linearize, names=names)


def _same_draws(value: Any) -> Any:
    if not isinstance(value, np.random.Generator):
        return value
    again = np.random.default_rng()
    again.bit_generator.state = value.bit_generator.state
    return again
