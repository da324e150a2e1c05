"""Mistakes in convolution and pooling."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/ops.py`.

from refmem.conformance.mutants.registry import Ops, mutant
from refmem.conformance.oracles.tape import Number


# --- Convolution ----------------------------------------------------------------------------------------------


@mutant("conv-kernel-flipped", "conv2d.cross-correlation",
        "the kernel is flipped, as a convolution of mathematics would")
class KernelFlipped(Ops):
    def weight(self, kernels, i, j, c, f):
        return kernels[-1 - i][-1 - j][c][f]


@mutant("conv-kernel-transposed", "conv2d.cross-correlation", "height and width of the kernel are swapped")
class KernelTransposed(Ops):
    def weight(self, kernels, i, j, c, f):
        return kernels[j % len(kernels)][i % len(kernels[0])][c][f]


@mutant("conv-padding-at-end", "conv2d.same-padding", "all padding is put at the end")
class PaddingAtEnd(Ops):
    def place(self, h, w, i, j, kh, kw):
        return h + i, w + j


@mutant("conv-padding-repeats-edge", "conv2d.same-padding",
        "the edge is repeated outside the image instead of zeros")
class PaddingRepeatsEdge(Ops):
    def outside(self, image, row, column):
        return image[min(max(row, 0), len(image) - 1)][min(max(column, 0), len(image[0]) - 1)]


@mutant("conv-padding-wraps", "conv2d.same-padding", "the image wraps around")
class PaddingWraps(Ops):
    def outside(self, image, row, column):
        return image[row % len(image)][column % len(image[0])]


@mutant("conv-no-bias", "conv2d.bias", "the bias is missing", "numpy-ml#42 is a bias mistyped")
class NoBias(Ops):
    def starts(self, bias, f):
        return 0.0 * bias[f]


@mutant("conv-bias-per-offset", "conv2d.bias", "the bias is added once a kernel offset")
class BiasPerOffset(Ops):
    def starts(self, bias, f):
        return bias[f] * 9.0


@mutant("conv-bias-gradient-mean", "conv2d.gradient",
        "the gradient of the bias is averaged over pixels, not summed")
class BiasGradientMean(Ops):
    def gradient(self, op, name, slopes, options):
        return [s / 24.0 for s in slopes] if (op, name) == ("conv2d", "bias") else slopes


@mutant("conv-kernel-gradient-flipped", "conv2d.gradient", "the gradient of the kernels is flipped")
class KernelGradientFlipped(Ops):
    def gradient(self, op, name, slopes, options):
        return slopes[::-1] if (op, name) == ("conv2d", "kernels") else slopes


# --- Pooling --------------------------------------------------------------------------------------------------


@mutant("pool-average", "max_pool2d.largest", "the window is averaged")
class PoolAverage(Ops):
    def largest(self, window, missing):
        return sum(window[1:], window[0]) / float(len(window))


@mutant("pool-absolute", "max_pool2d.largest", "the largest absolute value wins")
class PoolAbsolute(Ops):
    def largest(self, window, missing):
        return max(window, key=lambda x: abs(x.value))


@mutant("pool-odd-sizes-cut", "max_pool2d.odd-sizes",
        "odd sizes lose their last row and column", "the default of PyTorch")
class PoolCut(Ops):
    def halved(self, size):
        return size // 2


@mutant("pool-zero-padding", "max_pool2d.odd-sizes",
        "odd sizes are padded with zeros instead of minus infinity")
class PoolZeros(Ops):
    def largest(self, window, missing):
        return super().largest(window + [Number(0.0)] * missing, missing)


@mutant("pool-last-maximum", "max_pool2d.first-maximum", "of equal elements the last takes the gradient")
class PoolLast(Ops):
    def largest(self, window, missing):
        return super().largest(window[::-1], missing)


@mutant("pool-every-maximum", "max_pool2d.first-maximum", "every equal element takes the whole gradient")
class PoolEvery(Ops):
    def largest(self, window, missing):
        best = super().largest(window, missing)
        return Number(best.value, tuple((x, 1.0) for x in window if x.value == best.value))


@mutant("pool-gradient-shared", "max_pool2d.gradient", "the gradient is shared out over the window")
class PoolShared(Ops):
    def largest(self, window, missing):
        return Number(super().largest(window, missing).value, tuple((x, 0.25) for x in window))
