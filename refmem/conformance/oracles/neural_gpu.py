"""The operations of the Neural GPU in nested lists and loops."""

from typing import Any, TypeAlias

from refmem.conformance.oracles import tape
from refmem.conformance.oracles.operation import Nested, Oracle, nested
from refmem.conformance.oracles.ops import Ops
from refmem.conformance.oracles.tape import Number

Options: TypeAlias = dict[str, Any]


class Loops(Oracle):
    """One method an operation, and for those with several ideas, one an idea."""

    # The gate

    def hard_gate(self, x: Nested, options: Options) -> Nested:
        return nested(lambda x_i: self.gate(x_i, options), x)

    def gate(self, x: Number, options: Options) -> Number:
        """max(0, min(1, c sigma(x) - 0.1)), with slope 0 where it is cut."""
        return self.cut(self.stretched(Number(1.0) / (tape.exp(-x) + 1.0), options))

    def stretched(self, sigma: Number, options: Options) -> Number:
        return sigma * (1.2 if options.get("cutoff") == "released" else 1.1) - 0.1

    def cut(self, y: Number) -> Number:
        if y.value <= 0:
            return Number(0.0)
        return Number(1.0) if y.value >= 1 else y

    # A cell

    def cgru(self, s: Nested, gate_kernels: Nested, gate_bias: Nested, candidate_kernels: Nested,
             candidate_bias: Nested, options: Options, drive: Nested = None) -> Nested:
        m = len(candidate_bias)
        gates = self.summed(self.convolved(s, gate_kernels, gate_bias), drive, 0)
        opened = nested(lambda x: self.gate(x, options), gates)
        u, r = self.parted(opened, m)
        candidate = self.summed(self.reset(s, r, candidate_kernels, candidate_bias), drive, 2 * m)
        return merged(self.mixed, u, s, nested(self.squashed, candidate))

    def convolved(self, x: Nested, kernels: Nested, bias: Nested) -> Nested:
        """A convolution, as the CNN has it."""
        return Ops().conv2d(x, kernels, bias, {})

    def summed(self, pixels: Nested, drive: Nested, first: int) -> Nested:
        """The drive's maps from `first` on are added."""
        if drive is None:
            return pixels
        return [[[[x + d for x, d in zip(pixel, of_pixel[first:first + len(pixel)], strict=True)]
                  for pixel, of_pixel in zip(row, drive_row, strict=True)]
                 for row, drive_row in zip(image, drive_image, strict=True)]
                for image, drive_image in zip(pixels, drive, strict=True)]

    def parted(self, opened: Nested, m: int) -> tuple[Nested, Nested]:
        """(u, r): the first m maps of every pixel, and the others."""
        return tuple([[[pixel[start:start + m] for pixel in row] for row in image] for image in opened]
                     for start in (0, m))  # type: ignore[return-value]

    def reset(self, s: Nested, r: Nested, kernels: Nested, bias: Nested) -> Nested:
        """U * (r s) + B."""
        return self.convolved(merged(lambda r_i, s_i: r_i * s_i, r, s), kernels, bias)

    def squashed(self, x: Number) -> Number:
        """tanh(x)."""
        return tape.tanh(x)

    def mixed(self, u: Number, s: Number, c: Number) -> Number:
        return u * s + (1.0 - u) * c

    # Steps

    def cgru_steps(self, s: Nested, gate_kernels: Nested, gate_bias: Nested, candidate_kernels: Nested,
                   candidate_bias: Nested, options: Options, uniforms: Nested = None) -> Nested:
        weights = gate_kernels, gate_bias, candidate_kernels, candidate_bias
        for t, layer in self.order(options["steps"], len(gate_bias[0])):
            if uniforms is not None and self.drops(t, layer):
                s = self.dropped(s, self.mask(uniforms, t), options["keep"])
            of_set = self.set_of(t, options["steps"], len(gate_bias))
            s = self.cgru(s, *(array[of_set][layer] for array in weights), options=options)  # type: ignore[misc]
        return s

    def order(self, steps: int, layers: int) -> list[tuple[int, int]]:
        """(step, layer) in the order of the computation."""
        return [(t, layer) for t in range(steps) for layer in range(layers)]

    def set_of(self, t: int, steps: int, sets: int) -> int:
        return t % sets

    def drops(self, t: int, layer: int) -> bool:
        """Whether the image is dropped from before this layer."""
        return layer == 0

    def mask(self, uniforms: Nested, t: int) -> Nested:
        return uniforms[t]

    def dropped(self, s: Nested, uniforms: Nested, keep: float) -> Nested:
        return merged(lambda x, u: x / keep if u < keep else Number(0.0), s, uniforms)

    # The tape

    def tape_write(self, p: Nested, v: Nested, options: Options) -> Nested:
        rows = 1 if options.get("rows", "first") == "first" else len(p[0][0])
        return [[[self.put(pixel, v[b]) if self.written(k, i, options["position"], rows) else pixel
                  for i, pixel in enumerate(column)] for k, column in enumerate(image)] for b, image in enumerate(p)]

    def written(self, k: int, i: int, position: int, rows: int) -> bool:
        return k == position and i < rows

    def put(self, pixel: Nested, value: Nested) -> Nested:
        return value

    def tape_read(self, s: Nested, options: Options) -> Nested:
        return [self.at(image, options["position"]) for image in s]

    def at(self, image: Nested, position: int) -> Nested:
        """Row 0 of a position of image[position][row]."""
        return image[position][0]


def merged(function: Any, *xs: Nested) -> Nested:
    """`function` of the numbers that stand in the same place."""
    if isinstance(xs[0], list):
        return [merged(function, *parts) for parts in zip(*xs, strict=True)]
    return function(*xs)
