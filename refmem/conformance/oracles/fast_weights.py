"""Layer norm and fast weights in nested lists and loops."""

from typing import Any, TypeAlias

from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import dot
from refmem.conformance.oracles.operation import Nested, Oracle
from refmem.conformance.oracles.tape import Number

Options: TypeAlias = dict[str, Any]
Row: TypeAlias = list[Any]  # of Numbers


class Loops(Oracle):
    """One method an operation, and one an idea."""

    # Layer norm

    def layer_norm(self, x: Nested, gain: Row, bias: Row, options: Options) -> Nested:
        return [self.scaled(row, gain, bias) for row in self.standardised(x, options.get("eps", 1e-5))]

    def standardised(self, x: Nested, eps: float) -> Nested:
        return [self.standard(row, eps) for row in x]

    def standard(self, row: Row, eps: float) -> Row:
        mean = total(row) / len(row)
        squares = total([(x - mean) * (x - mean) for x in row])
        deviation = self.deviation(squares / self.share(len(row)), eps)
        return [(x - mean) / deviation for x in row]

    def share(self, count: int) -> int:
        """What the sum of squares is divided by."""
        return count

    def deviation(self, variance: Number, eps: float) -> Number:
        return tape.sqrt(variance + eps)

    def scaled(self, row: Row, gain: Row, bias: Row) -> Row:
        return [x * g + b for x, g, b in zip(row, gain, bias, strict=True)]

    # Reading by attention

    def fast_weights_attention(self, query: Nested, past: Nested, decay: Number, rate: Number,
                               options: Options) -> Nested:
        return [self.attended(q, states, decay, rate) for q, states in zip(query, past, strict=True)]

    def attended(self, q: Row, states: Nested, decay: Number, rate: Number) -> Row:
        scores = self.scores(states, q)
        weights = [score * self.age(decay, tau, len(states)) for tau, score in enumerate(scores)]
        return [self.eta(rate, len(states)) * total([w * h[i] for w, h in zip(weights, states, strict=True)])
                for i in range(len(q))]

    def scores(self, states: Nested, q: Row) -> Row:
        return [dot(h, q) for h in states]

    def age(self, decay: Number, tau: int, count: int) -> Number:
        """lambda^(t-tau), for tau from 0."""
        return power(decay, count - 1 - tau)

    def eta(self, rate: Number, count: int) -> Number:
        return rate

    # Reading the matrix

    def fast_weights_matrix(self, query: Nested, past: Nested, decay: Number, rate: Number, options: Options) -> Nested:
        return [self.answer(self.fast_weights(states, decay, rate), q) for q, states in zip(query, past, strict=True)]

    def fast_weights(self, states: Nested, decay: Number, rate: Number) -> Nested:
        """A(t) of states h(1) .. h(t)."""
        size = len(states[0])
        matrix: Nested = [[Number(0.0)] * size for _ in range(size)]
        for h in states:
            matrix = self.learned(matrix, h, decay, rate)
        return matrix

    def learned(self, matrix: Nested, h: Row, decay: Number, rate: Number) -> Nested:
        return [[decay * a + rate * self.product(x, y) for a, y in zip(row, h, strict=True)]
                for row, x in zip(matrix, h, strict=True)]

    def product(self, x: Number, y: Number) -> Number:
        """Of two numbers of one state."""
        return x * y

    def answer(self, matrix: Nested, q: Row) -> Row:
        return [dot(row, q) for row in matrix]

    # Through time

    def fast_weights_rnn(self, inputs: Nested, recurrent: Nested, start: Nested, past: Nested, decay: Number,
                         rate: Number, gain: Nested, bias: Nested, options: Options) -> Nested:
        return [self.sequence(z, recurrent, h, list(states), decay, rate, gain, bias, options)
                for z, h, states in zip(inputs, start, past, strict=True)]

    def sequence(self, z: Nested, recurrent: Nested, h: Row, stored: Nested, decay: Number, rate: Number,
                 gain: Nested, bias: Nested, options: Options) -> Nested:
        norm = (gain[0], bias[0]) if options["norm"] == "features" else None
        hidden = []
        for c_x in z:
            boundary = self.boundary(c_x, recurrent, h)
            state = first = self.first(boundary, h, norm)
            known = self.known(stored)
            for _ in range(self.iterations(options["steps"])):
                read = self.attended(state, known, decay, rate) if known else [Number(0.0)] * len(state)
                state = self.settled([b + a for b, a in zip(self.held(boundary, c_x, recurrent, state), read,
                                                            strict=True)], norm)
            h = state
            stored = [*stored, self.stored(h, first)]
            hidden.append(h)
        return hidden

    def boundary(self, c_x: Row, recurrent: Nested, h: Row) -> Row:
        carried = self.carried(h)
        return [c_x[j] + dot(carried, [row[j] for row in recurrent]) for j in range(len(c_x))]

    def carried(self, h: Row) -> Row:
        """The state that W is applied to."""
        return h

    def held(self, boundary: Row, c_x: Row, recurrent: Nested, state: Row) -> Row:
        """The boundary in each iteration of the inner loop."""
        return boundary

    def first(self, boundary: Row, h: Row, norm: Any) -> Row:
        """h_0."""
        return [tape.relu(x) for x in boundary]

    def known(self, stored: Nested) -> Nested:
        """The states that are in A when a step reads it."""
        return stored

    def iterations(self, steps: int) -> int:
        return steps

    def settled(self, sums: Row, norm: Any) -> Row:
        """f(LN[.])."""
        if norm is not None:
            sums = self.scaled(self.standard(sums, 1e-5), *norm)
        return [tape.relu(x) for x in sums]

    def stored(self, h: Row, first: Row) -> Row:
        """What enters A after a step."""
        return h


def total(numbers: Row) -> Any:
    result: Any = 0.0
    for x in numbers:
        result = result + x
    return result


def power(x: Number, exponent: int) -> Number:
    result = Number(1.0)
    for _ in range(exponent):
        result = result * x
    return result
