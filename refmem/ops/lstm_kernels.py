# mypy: disallow-untyped-decorators=False
"""The elementwise part of an LSTM's step, one pass over memory each way: the loops of `lstm_fused`, compiled by numba.

Gates stand in the order of the weights: i, f, g, o. As array operations they would be ten calls forwards, and as many
back, each of some microseconds, after each of which a thread waits for the interpreter lock.
"""

from refmem.arrays import Array
from refmem.ops.cgru_kernels import compiled, tanh


@compiled
def step(z: Array, recurrent: Array, bias: Array, h: Array, c: Array, there: Array, h_next: Array, c_next: Array,
         tanh_c: Array) -> None:
    """The gates of the sums z + recurrent + bias, in z, and then `advance`. Shapes: recurrent [B, 4H], bias [4H]."""
    batch, width = h.shape
    half = z.dtype.type(0.5)
    for b in range(batch):
        for j in range(4 * width):
            z[b, j] += recurrent[b, j] + bias[j]
        for j in range(2 * width):
            z[b, j] = half + half * tanh(half * z[b, j])
        for j in range(2 * width, 3 * width):
            z[b, j] = tanh(z[b, j])
        for j in range(3 * width, 4 * width):
            z[b, j] = half + half * tanh(half * z[b, j])
    advance(z, h, c, there, h_next, c_next, tanh_c)


@compiled
def advance(z: Array, h: Array, c: Array, there: Array, h_next: Array, c_next: Array, tanh_c: Array) -> None:
    """The state after a step whose gates are z; the last three are written.

    Shapes: z [B, 4H], there [B] bool, the others [B, H].
    """
    batch, width = h.shape
    for b in range(batch):
        for j in range(width):
            c_next[b, j] = z[b, width + j] * c[b, j] + z[b, j] * z[b, 2 * width + j]
        for j in range(width):
            tanh_c[b, j] = tanh(c_next[b, j])
        for j in range(width):
            h_next[b, j] = z[b, 3 * width + j] * tanh_c[b, j]
        if not there[b]:  # padding: the state waits
            for j in range(width):
                h_next[b, j] = h[b, j]
                c_next[b, j] = c[b, j]


@compiled
def step_back(dy: Array, dh: Array, dc: Array, gates: Array, c: Array, tanh_c: Array, there: Array, dz: Array) -> None:
    """Back from h' and c' to the sums, in dz, and to the cell before, in dc; dh + dy is what comes to h'.

    At padding dz is 0 and dc stays, and dh becomes dh + dy: what goes on to the h before. Elsewhere dh becomes 0, since
    its h before is reached through dz alone. Shapes: gates and dz [B, 4H], there [B] bool, the others [B, H].
    """
    batch, width = dh.shape
    zero, one = dh.dtype.type(0), dh.dtype.type(1)
    for b in range(batch):
        if there[b]:
            for j in range(width):
                i, f, g, o = gates[b, j], gates[b, width + j], gates[b, 2 * width + j], gates[b, 3 * width + j]
                d = dh[b, j] + dy[b, j]
                total = dc[b, j] + d * o * (one - tanh_c[b, j] * tanh_c[b, j])
                dz[b, j] = total * g * i * (one - i)
                dz[b, width + j] = total * c[b, j] * f * (one - f)
                dz[b, 2 * width + j] = total * i * (one - g * g)
                dz[b, 3 * width + j] = d * tanh_c[b, j] * o * (one - o)
                dc[b, j] = total * f
                dh[b, j] = zero
        else:
            for j in range(4 * width):
                dz[b, j] = zero
            for j in range(width):
                dh[b, j] += dy[b, j]
