"""The operations of the CNN in nested lists and loops, on numbers that remember how they were made.

The tests of the operations have an oracle of their own, in bare floats (`tests/oracles/ops.py`, which says why).

Each method is y = f(inputs, options). It is written from the equation alone; its derivative comes from the tape. A
mutant changes one method.
"""

from typing import Any, TypeAlias

from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import dot, taped_direction, taped_softmax
from refmem.conformance.oracles.operation import Nested, Oracle, nested
from refmem.conformance.oracles.tape import Number

Options: TypeAlias = dict[str, Any]


class Ops(Oracle):
    """One method an operation, and for those with two ideas, one an idea."""

    # Convolution

    def conv2d(self, x: Nested, kernels: Nested, bias: Nested, options: Options) -> Nested:
        height, width = len(x[0]), len(x[0][0])
        return [[[self.pixel(image, kernels, bias, h, w) for w in range(width)] for h in range(height)]
                for image in x]

    def pixel(self, image: Nested, kernels: Nested, bias: Nested, h: int, w: int) -> Nested:
        kh, kw, filters = len(kernels), len(kernels[0]), len(bias)
        y = [self.starts(bias, f) for f in range(filters)]
        for i in range(kh):
            for j in range(kw):
                row, column = self.place(h, w, i, j, kh, kw)
                pixel = self.outside(image, row, column)
                for f in range(filters):
                    for c in range(len(pixel)):
                        y[f] = y[f] + pixel[c] * self.weight(kernels, i, j, c, f)
        return y

    def starts(self, bias: Nested, f: int) -> Nested:
        return bias[f]

    def place(self, h: int, w: int, i: int, j: int, kh: int, kw: int) -> tuple[int, int]:
        return h + i - (kh - 1) // 2, w + j - (kw - 1) // 2

    def outside(self, image: Nested, row: int, column: int) -> Nested:
        """The pixel; zeros outside the image."""
        if 0 <= row < len(image) and 0 <= column < len(image[0]):
            return image[row][column]
        return [0.0] * len(image[0][0])

    def weight(self, kernels: Nested, i: int, j: int, c: int, f: int) -> Nested:
        return kernels[i][j][c][f]

    # Pooling

    def max_pool2d(self, x: Nested, options: Options) -> Nested:
        return [[[self.window(image, h, w) for w in range(self.halved(len(image[0])))]
                 for h in range(self.halved(len(image)))] for image in x]

    def halved(self, size: int) -> int:
        """Odd sizes are padded at the end."""
        return (size + 1) // 2

    def window(self, image: Nested, h: int, w: int) -> Nested:
        inside = [(row, column) for row in (2 * h, 2 * h + 1) for column in (2 * w, 2 * w + 1)
                  if row < len(image) and column < len(image[0])]
        return [self.largest([image[row][column][c] for row, column in inside], 4 - len(inside))
                for c in range(len(image[0][0]))]

    def largest(self, window: Nested, missing: int) -> Nested:
        """The first of the largest; `missing` elements lie outside the image."""
        best = window[0]
        for x in window:
            best = x if x.value > best.value else best
        return best

    # Elementwise

    def relu(self, x: Nested, options: Options) -> Nested:
        return nested(tape.relu, x)

    def dropout(self, x: Nested, uniforms: Nested, options: Options) -> Nested:
        keep = options["keep"]
        return [[x_i / keep if self.kept(u, keep) else Number(0.0) for x_i, u in zip(row, us, strict=True)]
                for row, us in zip(x, uniforms, strict=True)]

    def kept(self, uniform: float, keep: float) -> bool:
        return uniform < keep

    # Rows

    def linear(self, x: Nested, weights: Nested, bias: Nested, options: Options) -> Nested:
        return [[dot(row, [w[f] for w in weights]) + bias[f] for f in range(len(bias))] for row in x]

    def l2_normalize(self, x: Nested, options: Options) -> Nested:
        return [taped_direction(row) for row in x]

    def softmax(self, x: Nested, options: Options) -> Nested:
        return [taped_softmax(row) for row in x]

    def softmax_cross_entropy(self, logits: Nested, labels: list[int], options: Options) -> Nested:
        losses = []
        for row, label in zip(logits, labels, strict=True):
            top = max(tape.constant(x) for x in row)
            total = Number(0.0)
            for x in row:
                total = total + tape.exp(x - top)
            losses.append(tape.log(total) - (row[label] - top))
        return losses
