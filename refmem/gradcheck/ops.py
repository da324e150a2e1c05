"""Our operations as problems: `forward(*arguments, **options) -> (y, cache)` and `backward(dy, cache)`."""

from typing import Any, Protocol

import numpy as np

from refmem.arrays import ArrayModule, to_host
from refmem.gradcheck.problem import Arrays, HostArray, Problem, Pull


class Operation(Protocol):
    """A module of `refmem.ops`, or anything with the same two functions."""

    def forward(self, *arguments: Any, **options: Any) -> tuple[Any, Any]:
        """Outputs and cache."""

    def backward(self, dy: Any, cache: Any) -> Any:
        """Gradients of the inputs, in their order."""


def from_op(op: Operation, *arguments: HostArray, name: str | None = None, names: tuple[str, ...] = (),
            after: tuple[Any, ...] = (), xp: ArrayModule = np, **options: Any) -> Problem:
    """The problem of an operation at `arguments`.

    Parameters
    ----------
    after : positional arguments that are not differentiated (labels).
    options : for `forward`, by name.
        A `numpy.random.Generator` among them is copied for each call, so that each call draws the same.
    xp : numpy, or cupy to run the operation on the GPU.
    """

    def linearize(at: Arrays) -> tuple[Any, Pull]:
        y, cache = op.forward(*map(xp.asarray, at), *map(_same_draws, after),
                              **{key: _same_draws(value) for key, value in options.items()})

        def pull(w: Arrays) -> Any:
            gradients = op.backward(xp.asarray(w[0]), cache)
            return tuple(map(to_host, gradients)) if isinstance(gradients, tuple) else to_host(gradients)

        return to_host(y), pull

    title = name or str(getattr(op, "__name__", type(op).__name__)).rpartition(".")[2]
    return Problem(title, tuple(arguments), linearize, names=names)


def _same_draws(value: Any) -> Any:
    if not isinstance(value, np.random.Generator):
        return value
    again = np.random.default_rng()
    again.bit_generator.state = value.bit_generator.state
    return again
