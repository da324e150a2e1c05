"""What is checked: a function, its backward pass, and the arguments at which to check.

    y = f(x_1, ..., x_n)            pull(w) = (J_1' w, ..., J_n' w)

`linearize(arguments) -> (outputs, pull)` computes both. Our operations have this form already (`forward` gives the
output and the cache, `backward` with the cache is `pull`), and so have `jax.vjp` and PyTorch's graphs.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

HostArray: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = tuple[HostArray, ...]
Gradients: TypeAlias = tuple[HostArray | None, ...]
Pull: TypeAlias = Callable[[Arrays], Any]
Linearize: TypeAlias = Callable[[Arrays], tuple[Any, Pull]]

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class ProblemRefused(ValueError):
    """What was handed in cannot be checked; the message is one sentence that says why."""


@dataclass(frozen=True)
class Problem:
    """One function to check, at one place.

    Parameters
    ----------
    name : str
    arguments : arrays of float32 or float64
        Where to check. Everything else a function needs (labels, a generator) is bound to it beforehand.
    linearize : callable
        `linearize(arguments) -> (output or tuple of outputs, pull)` and `pull(cotangents) -> gradients`, where
        `cotangents` is a tuple with one array for each output. A gradient may be None for "none".
    forward : callable, optional
        `forward(arguments) -> output or tuple of outputs`, where that is cheaper than `linearize`.
    names, output_names : of the arguments and outputs, for the report.
    stops : names of arguments that are declared to carry no gradient, whatever the function does with them.
    always_contiguous : names of arguments that are never views where the function is used (parameters of a module).
    holomorphic : bool
        The function takes complex arguments and is analytic there: complex steps replace differences.
    """

    name: str
    arguments: Arrays
    linearize: Linearize
    forward: Callable[[Arrays], Any] | None = None
    names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    stops: frozenset[str] = frozenset()
    always_contiguous: frozenset[str] = frozenset()
    holomorphic: bool = False

    @property
    def dtype(self) -> str:
        """The widest dtype of the arguments."""
        return str(max((x.dtype for x in self.arguments), key=lambda kind: kind.itemsize))

    def output_name(self, o: int, of: int) -> str:
        """The name of output o of so many."""
        return self.output_names[o] if o < len(self.output_names) else "output" if of == 1 else f"output {o}"

    def __post_init__(self) -> None:
        if not self.arguments:
            raise ProblemRefused(f"{self.name} has no argument to differentiate with respect to")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"argument {i}" for i in range(len(self.arguments))))
        if len(self.names) != len(self.arguments):
            raise ProblemRefused(f"{self.name} has {len(self.arguments)} arguments but {len(self.names)} names")
        unknown = (self.stops | self.always_contiguous) - set(self.names)
        if unknown:
            raise ProblemRefused(f"{self.name} has no argument called {sorted(unknown)[0]!r}")
        for name, x in zip(self.names, self.arguments, strict=True):
            if not isinstance(x, np.ndarray):
                raise ProblemRefused(f"{name} of {self.name} must be an array, got {type(x).__name__}")
            if x.dtype not in FLOATS:
                raise ProblemRefused(f"{name} of {self.name} is {x.dtype}, and only float32 and float64 have a "
                                     f"gradient; bind it beforehand, e.g. `lambda x: f(x, {name.replace(' ', '_')})`")
            if not np.isfinite(x).all():
                raise ProblemRefused(f"{name} of {self.name} holds a NaN or an infinity")


def from_vjp(function: Callable[..., Any], vjp: Callable[..., Any], arguments: Sequence[HostArray] | HostArray, *,
             name: str | None = None, **options: Any) -> Problem:
    """A problem from `function(*arguments)` and `vjp(cotangent, *arguments)`.

    `vjp` is given one array for a function of one output and a tuple for more, and returns one gradient for each
    argument (a bare array will do where there is one).
    """
    def linearize(at: Arrays) -> tuple[Any, Pull]:
        return function(*at), lambda w: vjp(w[0] if len(w) == 1 else w, *at)

    given = (arguments,) if isinstance(arguments, np.ndarray) else tuple(arguments)
    return Problem(name or str(getattr(function, "__name__", "function")), given, linearize,
                   forward=lambda at: function(*at), **options)


@dataclass
class Subject:
    """A problem under examination: runs it on copies, counts, and turns what it returns into tuples of arrays."""

    problem: Problem
    evaluations: int = 0  # of the forward pass
    pulls: int = 0  # of the backward pass
    durations: list[float] = field(default_factory=list, repr=False)  # of the first calls, in seconds
    deadline: float = float("inf")  # on time.perf_counter
    most_evaluations: float = float("inf")
    on_evaluation: Callable[[int], None] | None = field(default=None, repr=False)

    def forward(self, arguments: Arrays) -> Arrays:
        """The outputs."""
        run = self.problem.forward
        if run is None:
            return self._outputs(self._call("forward", self.problem.linearize, _copies(arguments))[0])
        return self._outputs(self._call("forward", run, _copies(arguments)))

    def linearize(self, arguments: Arrays, *, copy: bool = True) -> tuple[Arrays, Callable[[Arrays], Gradients]]:
        """The outputs and the pull-back, whose gradients are checked for number and shape."""
        hand_over = _copies if copy else tuple
        outputs, pull = self._call("forward", self.problem.linearize, hand_over(arguments))
        shapes = [x.shape for x in arguments]
        return self._outputs(outputs), lambda w: self._gradients(self._call("vjp", pull, hand_over(w)), shapes)

    def at_step(self, arguments: Arrays) -> Arrays | None:
        """The outputs near the place of interest; None where the function refuses that neighbour."""
        try:
            return self.forward(arguments)
        except FunctionRaised:
            return None

    @property
    def out_of_time(self) -> bool:
        """Whether the budget, of seconds or of evaluations, is spent."""
        return time.perf_counter() > self.deadline or self.evaluations >= self.most_evaluations

    def _call(self, what: str, run: Callable[..., Any], *given: Any) -> Any:
        self.evaluations += what == "forward"
        self.pulls += what == "vjp"
        start = time.perf_counter()
        try:
            with np.errstate(all="ignore"):
                return run(*given)
        except Exception as error:
            raise FunctionRaised(f"the {what} of {self.problem.name} raised {type(error).__name__}: {error}") from error
        finally:
            if len(self.durations) < 64:
                self.durations.append(time.perf_counter() - start)
            if self.on_evaluation is not None:
                self.on_evaluation(self.evaluations)

    def _outputs(self, returned: Any) -> Arrays:
        outputs = tuple(np.asarray(y) for y in (returned if isinstance(returned, tuple | list) else (returned,)))
        for o, y in enumerate(outputs):
            if y.dtype not in FLOATS and not (self.problem.holomorphic and y.dtype.kind == "c"):
                raise ProblemRefused(f"output {o} of {self.problem.name} is {y.dtype}; only float32 and float64 "
                                     "have a gradient here")
        return outputs

    def _gradients(self, returned: Any, shapes: list[tuple[int, ...]]) -> Gradients:
        name = self.problem.name
        gradients = tuple(returned) if isinstance(returned, tuple | list) else (returned,)
        if len(gradients) != len(shapes):
            raise ProblemRefused(f"the vjp of {name} returned {_plural(len(gradients), 'gradient')} "
                                 f"for {_plural(len(shapes), 'argument')}")
        for argument, gradient, shape in zip(self.problem.names, gradients, shapes, strict=True):
            if gradient is not None and np.shape(gradient) != shape:
                raise ProblemRefused(f"the vjp of {name} returned a gradient of shape {np.shape(gradient)} for "
                                     f"{argument}, whose shape is {shape}")
        return tuple(None if g is None else np.asarray(g) for g in gradients)


class FunctionRaised(ProblemRefused):
    """The function, or its backward pass, raised an error of its own."""


def _copies(arrays: Arrays) -> Arrays:
    return tuple(x.copy() for x in arrays)  # what is handed over may be scribbled on


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
