"""Complex numbers as the associative LSTM has them: bounded, shuffled, and in halves of real ones.

    bound(a) = a / max(1, |a|)                       no number is longer than 1, and each keeps its direction
    (P_s r)_j = r_{P_s(j)}                           a key as copy s has it
    [..., 2 K] real numbers = [..., K] complex       real parts first

The gradient of a complex number a is the complex number G_a = dL/d Re a + i dL/d Im a.
"""

from typing import NamedTuple, TypeAlias

from refmem.arrays import Array, module_of

Complex: TypeAlias = Array


def from_halves(x: Array) -> Complex:
    """[..., 2 K] real numbers as [..., K] complex ones."""
    half = x.shape[-1] // 2
    z: Complex = x[..., :half] + 1j * x[..., half:]
    return z


def to_halves(z: Complex) -> Array:
    """[B, k, K] complex numbers as [B, 2 K k] real ones."""
    xp = module_of(z)
    parts: Array = xp.concatenate([z.real, z.imag], axis=2)  # [B, k, 2 K]
    return parts.reshape(z.shape[0], -1)


# --- The bound -------------------------------------------------------------------------------------------------


class Bounded(NamedTuple):
    """bound(a), and what it divided by."""

    y: Complex  # [..., K]
    divisor: Array  # [..., K] max(1, |a|)
    outside: Array  # [..., K] bool, |a| > 1


def bound(a: Complex) -> Bounded:
    """a / max(1, |a|)."""
    xp = module_of(a)
    # spec: associative_lstm.bound -- bound(a) = a / max(1, |a|), a complex number keeps its direction (Danihelka 2016)
    length = xp.sqrt(a.real * a.real + a.imag * a.imag)  # [..., K]
    divisor = xp.maximum(length, length.dtype.type(1))
    return Bounded(a / divisor, divisor, length > 1)


# bound is a row of length at most 1 for each number, as `l2_normalize` is for each row: with y = bound(a),
#
#     G_a = G_y                                  where |a| <= 1
#     G_a = (G_y - y Re(G_y conj(y))) / |a|      where |a| > 1.
#
# At |a| = 1 itself the slope is taken from the inside.


# spec: associative_lstm.inside -- where |a| <= 1 the gradient passes the bound whole, at 1 itself too (derived)
def bound_backward(g: Complex, bounded: Bounded) -> Complex:
    """G_a from G_y."""
    xp = module_of(g)
    y, divisor, outside = bounded
    along = (g * xp.conj(y)).real  # [..., K]
    along = xp.where(outside, along, xp.zeros_like(along))
    of_a: Complex = (g - y * along) / divisor
    return of_a


# --- Shuffles --------------------------------------------------------------------------------------------------


def shuffled(keys: Complex, shuffles: Array) -> Complex:
    """[B, k, K] -> [B, k, S, K]: P_s of each key."""
    # spec: associative_lstm.shuffle -- the keys of copy s are shuffled by P_s, real and imaginary part alike
    #     (Danihelka 2016)
    of_copies: Complex = keys[:, :, shuffles]
    return of_copies


def unshuffled(keys: Complex, unshuffles: Array) -> Complex:
    """[B, k, S, K] -> [B, k, K]: the sum over the copies of P_s^-1."""
    back: Complex = module_of(keys).take_along_axis(keys, unshuffles[None, None], axis=3).sum(axis=2)
    return back
