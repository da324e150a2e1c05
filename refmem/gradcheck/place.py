"""What is known at the place itself before any difference is taken: outputs, gradients, and how noisy both are.

Noise is measured, not assumed. The function and its backward pass run at a few neighbours that differ from the
place by about one unit in the last place, in every argument and cotangent; what changes beyond the
slope's own share is what rounding can do, amplification inside the function included.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmem.gradcheck.problem import Arrays, Gradients, HostArray, ProblemRefused, Subject

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

PROBES = 8
UPPER = 1.5  # the true noise is seldom more than this times the root mean square of so few samples
EPS64 = float(np.finfo(np.float64).eps)
ROUNDING = 0.3  # standard deviation of a rounding error, in units of the last place


@dataclass
class OutputNoise:
    """Rounding in phi = <w, y> for one output, resolved by its elements."""

    samples: Vector  # [M, n_out] w * (y at a neighbour - y)
    whole: float  # standard deviation of phi, the slope's share taken away
    weighted: Vector  # [n_out] w * y
    eps: float  # of y

    def of(self, changed: Mask) -> float:
        """Standard deviation of phi when only these elements of y change; the others repeat exactly."""
        least = self.last_places(self.weighted, changed)
        if changed.all():
            return max(self.whole, least)
        shifts = self.samples[:, changed].sum(axis=1)  # [M]
        return max(UPPER * root_mean_square(shifts), least)

    def of_elements(self) -> Vector:
        """Standard deviation of each element of w y."""
        least = ROUNDING * self.eps * np.abs(self.weighted)
        if not len(self.samples):
            return least
        measured: Vector = UPPER * np.sqrt((self.samples**2).mean(axis=0))
        return np.maximum(least, measured)

    def last_places(self, values: Vector, which: Mask) -> float:
        """Standard deviation of the sum of these values when each is rounded once."""
        if not which.any():
            return 0.0
        chosen = values[which]
        return ROUNDING * self.eps * math.sqrt(float(chosen @ chosen))


@dataclass
class Place:
    """The problem at its arguments, for one random cotangent per output.

    `gradients[o][i]` is the backward pass for output o and argument i, flat and in float64; `gradient_noise[o][i]`
    holds its changes at the neighbours, [M, n_i].
    """

    arguments: Arrays
    outputs: Arrays
    cotangents: Arrays
    raw_gradients: list[Gradients]
    gradients: list[list[Vector]]
    gradient_noise: list[list[Vector]]
    output_noise: list[OutputNoise]
    eps: float
    least: float  # the smallest number that the coarsest dtype holds: below it, everything is rounding

    def spread(self, i: int) -> float:
        """The size of a typical element of argument i: the unit of steps along it."""
        return typical(self.arguments[i]) or 1.0

    def gradient_error(self, o: int, i: int, u: Vector) -> float:
        """Standard deviation of <gradient, u> from rounding in the backward pass.

        At least the last place of each element, and of the terms w y that may have cancelled in it.
        """
        g = self.gradients[o][i]
        least = ROUNDING * self.eps * float(np.linalg.norm(np.hypot(g, self.terms(o)) * u))
        shifts = self.gradient_noise[o][i] @ u  # [M]
        return max(least, UPPER * root_mean_square(shifts))

    def terms(self, o: int) -> float:
        """How large terms may be that cancel in the gradient: |w y|, as in softmax."""
        return float(np.abs(flat(self.cotangents[o]) * flat(self.outputs[o])).max(initial=0.0))

    def scale(self, o: int, i: int) -> tuple[float, bool]:
        """The typical element of the gradient, and whether it vanishes.

        A gradient that is zero, or nothing but rounding, has no size of its own. It is judged in units of the slope
        that outputs of this size would have if they changed as fast as this argument: |w y| / |x|, or |w| / |x| if all
        outputs are zero.
        """
        own, noise = typical(self.gradients[o][i]), typical(self.gradient_noise[o][i])
        if own > 4 * noise:
            return own, False
        w, y = flat(self.cotangents[o]), flat(self.outputs[o])
        return float(np.linalg.norm(w * y if y.any() else w)) / self.spread(i), True


def rounded_sum(terms: Vector) -> tuple[float, float]:
    """Their sum, and the standard deviation of its own rounding: NumPy adds by halves, log2(n) levels deep."""
    levels = 1 + math.log2(max(terms.size, 1))
    return float(terms.sum()), ROUNDING * EPS64 * math.sqrt(float(terms @ terms)) * levels


def typical(x: HostArray) -> float:
    """Root mean square of the elements that are not zero."""
    values = flat(x)
    values = values[values != 0]
    if values.size == 0:
        return 0.0
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean((values / largest) ** 2)))  # squares of 1e-200 would underflow


def root_mean_square(samples: Vector) -> float:
    """Zero for none."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def flat(x: HostArray) -> Vector:
    """`x` as a float64 vector."""
    return x.astype(np.float64, copy=False).reshape(-1)


def index_of(element: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element of the flat array."""
    return tuple(int(k) for k in np.unravel_index(int(element), shape))


def random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Vector:
    """Independent, of either sign, with sizes between 0.5 and 1.5: never uniform, never near zero."""
    return rng.choice((-1.0, 1.0), shape) * rng.uniform(0.5, 1.5, shape)


def settle(subject: Subject, rng: np.random.Generator, cotangents: Arrays | None = None) -> Place:
    """Run both passes at the arguments and at their neighbours, with random cotangents where none are given."""
    problem = subject.problem
    arguments = problem.arguments
    outputs, pull = subject.linearize(arguments)
    for o, y in enumerate(outputs):
        if not np.isfinite(y).all():
            where = tuple(int(k) for k in np.argwhere(~np.isfinite(y))[0])
            raise ProblemRefused(f"output {o} of {problem.name} is {y[where]} at index {list(where)}, "
                                 "so that there is nothing to differentiate")
    eps = max(float(np.finfo(array.dtype).eps) for array in (*arguments, *outputs))
    least = max(float(np.finfo(array.dtype).smallest_subnormal) for array in (*arguments, *outputs))
    if cotangents is None:
        cotangents = tuple(np.asarray(random_signs(rng, y.shape), y.dtype) for y in outputs)
    raw = [pull(only(cotangents, o)) for o in range(len(outputs))]
    gradients = [[dense(g, x) for g, x in zip(row, arguments, strict=True)] for row in raw]

    shifted: list[list[Vector]] = [[] for _ in outputs]  # w * (y' - y), one per neighbour
    whole: list[list[float]] = [[] for _ in outputs]  # the same summed, less <gradient, x' - x>
    turned: list[list[list[Vector]]] = [[[] for _ in arguments] for _ in outputs]  # gradient' - gradient
    for _ in range(PROBES):
        neighbour = tuple(one_place_off(x, rng) for x in arguments)
        try:
            near, pull_near = subject.linearize(neighbour)
        except ProblemRefused:
            continue
        for o, (y, y_near, w) in enumerate(zip(outputs, near, cotangents, strict=True)):
            shift = flat(w) * (flat(y_near) - flat(y))
            sloped = sum(float(gradients[o][i] @ (flat(neighbour[i]) - flat(x))) for i, x in enumerate(arguments))
            shifted[o].append(shift)
            whole[o].append(float(shift.sum()) - sloped)
            w_near = tuple(one_place_off(v, rng) for v in only(cotangents, o))
            for i, g in enumerate(pull_near(w_near)):
                turned[o][i].append(dense(g, arguments[i]) - gradients[o][i])

    noise = []
    for o, (y, w) in enumerate(zip(outputs, cotangents, strict=True)):
        samples = np.array(shifted[o]).reshape(len(shifted[o]), y.size)
        whole_noise = UPPER * root_mean_square(np.array(whole[o]))
        noise.append(OutputNoise(samples, whole_noise, flat(w) * flat(y), float(np.finfo(y.dtype).eps)))
    gradient_noise = [[np.array(t).reshape(len(t), x.size) for t, x in zip(row, arguments, strict=True)]
                      for row in turned]
    return Place(arguments, outputs, cotangents, raw, gradients, gradient_noise, noise, eps, least)


def only(cotangents: Arrays, o: int) -> Arrays:
    """The cotangent of output o, and zeros for the other outputs."""
    return tuple(w if k == o else np.zeros_like(w) for k, w in enumerate(cotangents))


def dense(gradient: HostArray | None, x: HostArray) -> Vector:
    """A flat gradient in float64; none is zero."""
    return np.zeros(x.size) if gradient is None else flat(gradient)


def one_place_off(x: HostArray, rng: np.random.Generator) -> HostArray:
    """`x`, each element moved by about one unit in its last place (of a typical element, where it is small)."""
    eps = float(np.finfo(x.dtype).eps)
    size = np.maximum(np.abs(x, dtype=np.float64), typical(x) / 8)
    return np.asarray(x.astype(np.float64) + eps * size * random_signs(rng, x.shape), dtype=x.dtype)
