"""Fast twin of a cell of `cgru` with 3x3 kernels: Winograd's convolution, compiled gates, weights transformed once.

Both gates come from one convolution, and each gradient is brought into Winograd's form once for the two products that
need it, as in `conv2d_winograd`. The gradients of the kernels stay in that form while they are added up over the
steps, and come back once. Same equations and errors as `cgru`; rounding as for `conv2d_winograd`, and in float32 a tanh
with an error of 4e-7. For NumPy arrays only.
"""

import math
from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_shape
from refmem.ops import cgru, hard_gate
from refmem.ops.cgru import Weights
from refmem.ops.cgru_kernels import close_gates, mix, open_gates, unmix
from refmem.ops.conv2d_im2col import check_numpy
from refmem.ops.conv2d_winograd import transforms
from refmem.ops.room import Room
from refmem.ops.winograd_tiles import M, N, cut, paste


class Cache(NamedTuple):
    """As that of `cgru`, with both gates side by side."""

    s: Array  # [B, n, w, m]
    gates: Array  # [B n w, 2m] u and r
    c: Array  # [B n w, m]
    driven: bool


class Cell:
    """A cell with its weights in Winograd's form; see `cgru_cell.Cell`."""

    def __init__(self, weights: Weights, cutoff: str, room: Room) -> None:
        check_numpy(weights.gate_kernels)
        kh, kw, m = weights.gate_kernels.shape[:3]
        if (kh, kw) != (3, 3):
            raise ValueError(f"gate_kernels must be 3x3 for cgru_winograd, got {kh}x{kw}")
        self.weights, self.m, self.room = weights, m, room
        self.stretch = weights.gate_kernels.dtype.type(hard_gate.stretch_of(cutoff))
        self.gates = _Convolution(weights.gate_kernels, weights.gate_bias, room)
        self.candidate = _Convolution(weights.candidate_kernels, weights.candidate_bias, room)

    def forward(self, s: Array, drive: Array | None = None) -> tuple[Array, Cache]:
        """As `cgru.forward`."""
        cgru.check_arguments(s, self.weights, drive)
        check_numpy(s)
        s = np.ascontiguousarray(s)
        m, pixels = self.m, math.prod(s.shape[:3])
        added = np.empty((pixels, 0), s.dtype) if drive is None else np.ascontiguousarray(drive).reshape(pixels, 3 * m)
        gates, c, s_next = (self.room.kept((pixels, maps)) for maps in (2 * m, m, m))
        reset = self.room.scratch("reset", (pixels, m))
        flat = s.reshape(pixels, m)

        self.gates.forward(s, gates)
        open_gates(gates, added, flat, self.stretch, reset)
        self.candidate.forward(reset.reshape(s.shape), c)
        mix(c, added, flat, gates, s_next)
        return s_next.reshape(s.shape), Cache(s, gates, c, drive is not None)

    def backward(self, ds_next: Array, cache: Cache) -> tuple[Array, Array | None]:
        """(ds, d_drive)."""
        s, gates, c, driven = cache
        check_shape("ds_next", ds_next, s.shape)
        check_dtype("ds_next", ds_next, s.dtype)
        m, pixels = self.m, len(c)
        flat, d_next = s.reshape(pixels, m), np.ascontiguousarray(ds_next).reshape(pixels, m)
        da_c, reset, d_reset, through = (self.room.scratch(name, (pixels, m))
                                         for name in ("da_c", "reset", "d_reset", "through"))
        da = self.room.scratch("da", (pixels, 2 * m))
        ds = np.empty((pixels, m), s.dtype)

        unmix(d_next, flat, gates, c, da_c, reset)
        self.candidate.backward(da_c.reshape(s.shape), reset.reshape(s.shape), d_reset)
        close_gates(d_next, d_reset, flat, gates, c, self.stretch, da, ds)
        self.gates.backward(da.reshape(*s.shape[:3], 2 * m), s, through)
        ds += through
        d_drive = np.concatenate([da, da_c], axis=1).reshape(*s.shape[:3], 3 * m) if driven else None
        return ds.reshape(s.shape), d_drive

    def gradients(self) -> Weights:
        """Those added up so far."""
        return Weights(self.gates.d_kernels(), self.gates.d_bias, self.candidate.d_kernels(), self.candidate.d_bias)


class _Convolution:
    """`conv2d_winograd` with kernels that stay the same for many images; see there for the maths."""

    def __init__(self, kernels: Array, bias: Array, room: Room) -> None:
        _, _, channels, filters = self.shape = kernels.shape
        self.t = t = transforms(kernels.dtype)
        self.bias, self.room = np.ascontiguousarray(bias), room
        turned = kernels[::-1, ::-1].transpose(0, 1, 3, 2)
        self.u = (t.kernel @ kernels.reshape(9, -1)).reshape(N * N, channels, filters)  # [36, C, F]
        self.u_turned = (t.kernel @ turned.reshape(9, -1)).reshape(N * N, filters, channels)  # [36, F, C]
        self.no_bias = np.zeros(channels, kernels.dtype)
        self.d_u = np.zeros_like(self.u)
        self.d_bias = np.zeros(filters, kernels.dtype)

    def forward(self, x: Array, y: Array) -> None:
        """Into `y` [B H W, F]."""
        v, products = self._tiles("a", x.shape, self.shape[2]), self._tiles("b", x.shape, self.shape[3])
        cut(x, 1, self.t.data, v)
        np.matmul(v, self.u, out=products)
        paste(products, self.t.output, self.bias, y.reshape(*x.shape[:3], self.shape[3]))

    def backward(self, dy: Array, x: Array, dx: Array) -> None:
        """Into `dx` [B H W, C]; the gradients of kernels and bias are added up."""
        e, taps = self._tiles("b", x.shape, self.shape[3]), self._tiles("a", x.shape, self.shape[2])
        cut(dy, 1, self.t.data, e)
        cut(x, 0, self.t.taps, taps)
        self.d_u += taps.transpose(0, 2, 1) @ e
        flat = dy.reshape(-1, dy.shape[3])
        self.d_bias += np.ones(len(flat), dy.dtype) @ flat
        np.matmul(e, self.u_turned, out=taps)
        paste(taps, self.t.output, self.no_bias, dx.reshape(x.shape))

    def d_kernels(self) -> Array:
        """[3, 3, C, F], from the sum in Winograd's form."""
        d_turned = (self.t.d_kernel @ self.d_u.reshape(N * N, -1)).reshape(self.shape)
        return np.ascontiguousarray(d_turned[::-1, ::-1])

    def _tiles(self, name: str, shape: tuple[int, ...], channels: int) -> Array:
        """[36, tiles of all images, channels]"""
        batch, height, width = shape[:3]
        return self.room.scratch(name, (N * N, batch * math.ceil(height / M) * math.ceil(width / M), channels))
