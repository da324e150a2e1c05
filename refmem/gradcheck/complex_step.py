"""The referee for holomorphic functions: a complex step has no difference in it, and so no rounding to amplify.

    f(x + i h u) = f(x) + i h J u + O(h^2),      so that      J u = Im f(x + i h u) / h

to the last digit for h as small as 1e-20. It needs a function that takes complex arguments and is analytic: no
absolute value, no maximum, no comparison of what it differentiates.
"""

import math
from collections.abc import Callable

import numpy as np

from refmem.gradcheck.place import UPPER, Place, Vector, flat
from refmem.gradcheck.problem import HostArray, Subject
from refmem.gradcheck.walk import NEAR, Line, Walk, walk

STEP = {np.dtype(np.float32): 1e-10, np.dtype(np.float64): 1e-20}
COMPLEX = {np.dtype(np.float32): np.complex64, np.dtype(np.float64): np.complex128}
LOSS = 8.0  # units in the last place that the imaginary part may lose in each element


def measure(subject: Subject, place: Place, i: int, u: Vector, *, reach: float = NEAR,
            enough: Callable[[list[Line]], bool] | None = None, bends: bool = False) -> Walk:
    """The slopes along `u` by the best way there is: a complex step where the problem allows it, else `walk`."""
    if subject.problem.holomorphic:
        return complex_walk(subject, place, i, u, reach)
    return walk(subject, place, i, u, reach=reach, enough=enough, bends=bends)


def complex_walk(subject: Subject, place: Place, i: int, u: Vector, reach: float) -> Walk:
    """`walk` with one complex step in place of the ladder of differences."""
    x = place.arguments[i]
    step = reach * STEP[x.dtype] * place.spread(i)
    lines = [Line(u, float(g[i] @ u)) for g in place.gradients]
    moved: list[HostArray] = [a.astype(COMPLEX[a.dtype]) for a in place.arguments]
    moved[i] = np.asarray(moved[i] + 1j * step * u.reshape(x.shape), dtype=COMPLEX[x.dtype])
    outputs = subject.at_step(tuple(moved))
    for o, line in enumerate(lines):
        if outputs is None or not np.iscomplexobj(outputs[o]):
            continue
        shares = flat(place.cotangents[o]) * (outputs[o].imag.astype(np.float64).reshape(-1) / step)
        line.residual = float(shares.sum()) - line.predicted
        rounding = LOSS * UPPER * place.eps * float(np.linalg.norm(shares))
        line.noise = line.error = math.hypot(rounding, place.gradient_error(o, i, u))
        line.curve.append((step, line.residual))
    return Walk(lines, [step], [[] for _ in place.outputs])
