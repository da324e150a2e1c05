"""The associative LSTM: its vectors, its loops over pairs of real numbers, and its mutants."""

# mypy: disable-error-code="no-untyped-def"
# The types of the mutants' methods are those of the methods that they replace.

from typing import Any, TypeAlias

import numpy as np

from refmem.conformance.groups import Group
from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.ops import op
from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.operation import Nested, Oracle
from refmem.conformance.oracles.tape import Number

Pair: TypeAlias = tuple[Any, Any]  # real and imaginary part


def sigmoid(x: Any) -> Any:
    return Number(1.0) / (tape.exp(-x) + 1.0)


class Loops(Oracle):
    """One sequence after the other, one number after the other. Each rule has a method."""

    def associative_lstm(self, x: Nested, w_x: Nested, w_h: Nested, bias: Nested, shuffles: list[list[int]],
                         options: dict[str, Any]) -> Nested:
        heads, cells = options["heads"], len(shuffles[0])
        out: list[Nested] = []
        for sequence in x:
            h: Any = [Number(0.0)] * (2 * cells * heads)
            c: Any = [[(Number(0.0), Number(0.0))] * cells for _ in shuffles]
            out.append([])
            for x_t in sequence:
                f, i, o, r, q, u = self.gates(self.sums(x_t, h, w_x, w_h, bias), cells, heads)
                before = c
                c = [[self.written(f[j], c[s][j], [(self.shuffled(r[k], shuffles, s, j), i[k][j], u[k][j])
                                                   for k in range(heads)]) for j in range(cells)]
                     for s in range(len(shuffles))]
                h = self.output([[self.scaled(self.bound(self.read(before, c, q[k], shuffles, j)), o[k][j])
                                  for j in range(cells)] for k in range(heads)])
                out[-1].append(h)
        return out

    def sums(self, x: Nested, h: Nested, w_x: Nested, w_h: Nested, bias: Nested) -> Nested:
        z = []
        for column in range(len(bias)):
            total = bias[column]
            for d in range(len(x)):
                total = total + x[d] * w_x[d][column]
            for d in range(len(h)):
                total = total + h[d] * w_h[d][column]
            z.append(total)
        return z

    def gates(self, z: Nested, cells: int, heads: int) -> Nested:
        """f [K]; i, o [heads][K]; r, q, u [heads][K] pairs."""
        parts = [z[start:start + cells] for start in range(0, len(z), cells)]
        f, i, o, rest = parts[0], parts[1:1 + heads], parts[1 + heads:1 + 2 * heads], parts[1 + 2 * heads:]
        vectors = [[[self.bound(pair) for pair in zip(rest[2 * k], rest[2 * k + 1], strict=True)]
                    for k in range(start, start + heads)] for start in (0, heads, 2 * heads)]
        return ([self.squashed(v) for v in f], [[self.squashed(v) for v in gate] for gate in i],
                [[self.squashed(v) for v in gate] for gate in o], *vectors)

    def squashed(self, x: Any) -> Any:
        return sigmoid(x)

    def bound(self, a: Pair) -> Pair:
        squares = a[0] * a[0] + a[1] * a[1]
        if self.is_short(squares.value):
            return a
        length = tape.sqrt(squares)
        return a[0] / length, a[1] / length

    def is_short(self, squares: Any) -> bool:
        return bool(squares <= 1.0)

    def shuffled(self, key: Nested, shuffles: Nested, s: int, j: int) -> Pair:
        pair: Pair = key[shuffles[s][j]]
        return pair

    def product(self, a: Pair, b: Pair) -> Pair:
        return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]

    def scaled(self, a: Pair, gate: Any) -> Pair:
        return a[0] * gate, a[1] * gate

    def written(self, f: Any, c: Pair, items: Nested) -> Pair:
        re, im = self.scaled(c, f)
        for key, gate, item in items:
            p = self.product(key, self.scaled(item, gate))
            re, im = re + p[0], im + p[1]
        return re, im

    def read(self, before: Nested, c: Nested, key: Nested, shuffles: Nested, j: int) -> Pair:
        re: Any = 0.0
        im: Any = 0.0
        for s in range(len(shuffles)):
            p = self.product(self.shuffled(key, shuffles, s, j), c[s][j])
            re, im = re + p[0], im + p[1]
        return re / float(len(shuffles)), im / float(len(shuffles))

    def output(self, reads: Nested) -> Nested:
        h = []
        for head in reads:
            h += [pair[0] for pair in head] + [pair[1] for pair in head]
        return h


def of_torch(torch: Any, x: Any, w_x: Any, w_h: Any, bias: Any, shuffles: Any, heads: int) -> Any:
    """In PyTorch's complex numbers."""
    copies, cells = shuffles.shape
    batch = x.shape[0]
    widths = [cells, *(cells * n * heads for n in (1, 1, 2, 2, 2))]

    def bounded(a: Any) -> Any:
        return a / torch.where(a.abs() > 1, a.abs(), 1.0)  # clamp(min=1) would take the outer slope at 1

    def turned(z: Any) -> Any:
        return bounded(torch.complex(*z.reshape(batch, heads, 2, cells).unbind(2)))

    h, y = x.new_zeros(batch, 2 * cells * heads), []
    c = torch.complex(*x.new_zeros(2, batch, copies, cells))
    for t in range(x.shape[1]):
        f, i, o, r, q, u = torch.split(x[:, t] @ w_x + h @ w_h + bias, widths, 1)
        i, o = (torch.sigmoid(gate).reshape(batch, heads, cells) for gate in (i, o))
        c = torch.sigmoid(f)[:, None] * c + (turned(r)[:, :, shuffles] * (i * turned(u))[:, :, None]).sum(1)
        read = o * bounded((turned(q)[:, :, shuffles] * c[:, None]).mean(2))
        h = torch.stack([read.real, read.imag], 2).reshape(batch, -1)
        y.append(h)
    return torch.stack(y, 1)


GROUPS = (Group("associative_lstm", Loops, torch=of_torch),)


# --- Vectors ----------------------------------------------------------------------------------------------------

ALL = ("sums", "gates", "bound", "shuffle", "write", "read")


def recipes() -> list[Recipe]:
    """All cases: two heads, two copies, three complex numbers."""
    draw = Draw(62)
    width = 3 * (1 + 8 * 2)
    shuffles = [[1, 2, 0], [0, 2, 1]]
    weights = {"w_x": draw.numbers(1, width), "w_h": draw.numbers(12, width), "bias": draw.numbers(width, scale=2.0),
               "shuffles": shuffles}
    one = {"x": draw.numbers(2, 1, 1), **weights}
    two = {"x": draw.numbers(1, 2, 1), **weights}
    # Three numbers of one head, all on the unit circle; f, i and o are half open.
    axes = np.array([1.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0])
    edge = np.concatenate([np.zeros(9), *axes, *axes, *axes])
    on_circle = {"x": np.zeros((1, 1, 1)), "w_x": np.zeros((1, 27)), "w_h": np.zeros((6, 27)), "bias": edge,
                 "shuffles": [[1, 2, 0]]}

    def of(name: str, title: str, first: str, inputs: dict[str, Any]) -> Recipe:
        return op("associative_lstm", name, (first, *(rule for rule in ALL if rule != first)), title, inputs, ("y",),
                  heads=2)

    return [
        of("one-step", "a write and a read, from an empty memory", "write", one),
        of("two-steps", "what was read comes back, what was written stays", "sums", two),
        op("associative_lstm", "gradient", ("gradient", *ALL), "gradients through two steps",
           two | {"d_y": draw.numbers(1, 2, 12)}, ("d_x", "d_w_x", "d_w_h", "d_bias"), heads=2),
        op("associative_lstm", "inside", ("inside", *ALL), "a number of length 1 is not bounded: its gradient is whole",
           on_circle | {"d_y": draw.numbers(1, 1, 6)}, ("d_bias",), ("Kink",), heads=1),
    ]


# --- Mutants ----------------------------------------------------------------------------------------------------


@mutant("a-lstm-no-feedback", "associative_lstm.sums", "the last output does not come back through W_h")
class NoFeedback(Loops):
    def sums(self, x, h, w_x, w_h, bias):
        return super().sums(x, [v * 0.0 for v in h], w_x, w_h, bias)


@mutant("a-lstm-no-bias", "associative_lstm.sums", "the bias is missing")
class NoBias(Loops):
    def sums(self, x, h, w_x, w_h, bias):
        return super().sums(x, h, w_x, w_h, [b * 0.0 for b in bias])


@mutant("a-lstm-gates-swapped", "associative_lstm.gates", "the gates i and o are swapped")
class GatesSwapped(Loops):
    def gates(self, z, cells, heads):
        f, i, o, *vectors = super().gates(z, cells, heads)
        return f, o, i, *vectors


@mutant("a-lstm-gates-tanh", "associative_lstm.gates", "the gates are squashed by tanh")
class GatesTanh(Loops):
    def squashed(self, x):
        return tape.tanh(x)


@mutant("a-lstm-tanh-for-bound", "associative_lstm.bound", "tanh of each part stands for the bound",
        "a TensorFlow cell with several keys")
class TanhForBound(Loops):
    def bound(self, a):
        return tape.tanh(a[0]), tape.tanh(a[1])


@mutant("a-lstm-always-unit", "associative_lstm.bound", "short numbers are stretched to length 1 too")
class AlwaysUnit(Loops):
    def is_short(self, squares):
        return squares == 0.0


@mutant("a-lstm-not-shuffled", "associative_lstm.shuffle", "all copies have the same keys: their noise is the same")
class NotShuffled(Loops):
    def shuffled(self, key, shuffles, s, j):
        return key[j]


@mutant("a-lstm-shuffled-back", "associative_lstm.shuffle", "keys are shuffled by the inverse of P_s")
class ShuffledBack(Loops):
    def shuffled(self, key, shuffles, s, j):
        return key[shuffles[s].index(j)]


@mutant("a-lstm-real-product", "associative_lstm.write", "real and imaginary parts are multiplied apart")
class RealProduct(Loops):
    def written(self, f, c, items):
        re, im = self.scaled(c, f)
        for key, gate, item in items:
            re, im = re + key[0] * item[0] * gate, im + key[1] * item[1] * gate
        return re, im


@mutant("a-lstm-heads-averaged", "associative_lstm.write", "the writes of the heads are averaged, not added",
        "a TensorFlow cell with several keys")
class HeadsAveraged(Loops):
    def written(self, f, c, items):
        return super().written(f, c, [(key, gate / float(len(items)), item) for key, gate, item in items])


@mutant("a-lstm-reads-before-writing", "associative_lstm.read", "the memory is read as it was before the step's write")
class ReadsBefore(Loops):
    def read(self, before, c, key, shuffles, j):
        return super().read(before, before, key, shuffles, j)


@mutant("a-lstm-copies-added", "associative_lstm.read", "what the copies answer is added up, not averaged")
class CopiesAdded(Loops):
    def read(self, before, c, key, shuffles, j):
        return self.scaled(super().read(before, c, key, shuffles, j), float(len(shuffles)))


@mutant("a-lstm-key-conjugated", "associative_lstm.read",
        "the read key is conjugated: the network is to learn that itself", "the lookup of plain holographic memories")
class KeyConjugated(Loops):
    def read(self, before, c, key, shuffles, j):
        return super().read(before, c, [(re, -im) for re, im in key], shuffles, j)


@mutant("a-lstm-bound-constant", "associative_lstm.gradient", "the length that bound divides by is taken as constant")
class BoundConstant(Loops):
    def bound(self, a):
        squares = a[0] * a[0] + a[1] * a[1]
        if self.is_short(squares.value):
            return a
        length = tape.constant(tape.sqrt(squares))
        return a[0] / length, a[1] / length


@mutant("a-lstm-no-gradient-through-h", "associative_lstm.gradient", "no gradient flows back through the last output")
class NoGradientThroughH(Loops):
    def sums(self, x, h, w_x, w_h, bias):
        return super().sums(x, [Number(tape.constant(v)) for v in h], w_x, w_h, bias)


@mutant("a-lstm-bounded-at-one", "associative_lstm.inside", "at length 1 the slope is taken from the outside")
class BoundedAtOne(Loops):
    def is_short(self, squares):
        return squares < 1.0


@mutant("a-lstm-inside-projected", "associative_lstm.inside",
        "the gradient of short numbers, too, loses what is along them")
class InsideProjected(Loops):
    def bound(self, a):
        squares = a[0] * a[0] + a[1] * a[1]
        if not self.is_short(squares.value):
            return super().bound(a)
        re, im = a[0].value, a[1].value
        return (Number(re, ((a[0], 1.0 - re * re), (a[1], -re * im))),
                Number(im, ((a[0], -re * im), (a[1], 1.0 - im * im))))
