"""The operations of sequence models in nested lists and loops."""

from typing import Any, TypeAlias

from refmem.conformance.oracles import tape
from refmem.conformance.oracles.loops import taped_softmax
from refmem.conformance.oracles.operation import Nested, Oracle, nested
from refmem.conformance.oracles.tape import Number

Options: TypeAlias = dict[str, Any]
State: TypeAlias = tuple[list[Any], list[Any]]  # h and c of one sequence


class Loops(Oracle):
    """One method an operation, and for those with several ideas, one an idea."""

    # Squashing

    def sigmoid(self, x: Nested, options: Options) -> Nested:
        return nested(self.logistic, x)

    def logistic(self, x: Number) -> Number:
        return Number(1.0) / (tape.exp(-x) + 1.0)

    def tanh(self, x: Nested, options: Options) -> Nested:
        return nested(self.squashed, x)

    def squashed(self, x: Number) -> Number:
        return tape.tanh(x)

    # Embedding

    def embedding(self, table: Nested, tokens: Nested, options: Options) -> Nested:
        return [[self.looked_up(table, row, place) for place in range(len(row))] for row in tokens]

    def looked_up(self, table: Nested, tokens: list[int], place: int) -> Nested:
        return table[tokens[place]]

    # One step of an LSTM

    def lstm_cell(self, x: Nested, state: Nested, w_x: Nested, w_h: Nested, bias: Nested, options: Options) -> Nested:
        after = [self.step(x[b], (state[0][b], state[1][b]), w_x, w_h, bias) for b in range(len(x))]
        return [[h for h, _ in after], [c for _, c in after]]

    def step(self, x: Nested, state: State, w_x: Nested, w_h: Nested, bias: Nested) -> State:
        h, c = state
        i, f, g, o = self.blocks(self.sums(x, h, w_x, w_h, bias), len(h))
        i, f, g, o = self.input_gate(i), self.forget_gate(f), nested(tape.tanh, g), nested(self.gate, o)
        c = [self.cell(*numbers) for numbers in zip(i, f, g, c, strict=True)]
        return [self.shown(o_j, c_j) for o_j, c_j in zip(o, c, strict=True)], c

    def sums(self, x: Nested, h: Nested, w_x: Nested, w_h: Nested, bias: Nested) -> Nested:
        """x W_x + h W_h + b."""
        z = []
        for j, b_j in enumerate(bias):
            total = b_j
            for x_d, row in [*zip(x, w_x, strict=True), *zip(h, w_h, strict=True)]:
                total = total + x_d * row[j]
            z.append(total)
        return z

    def blocks(self, z: Nested, width: int) -> Nested:
        """The sums of i, f, g, o."""
        return [z[n * width:(n + 1) * width] for n in range(4)]

    def gate(self, x: Number) -> Number:
        return Number(1.0) / (tape.exp(-x) + 1.0)

    def input_gate(self, sums: Nested) -> Nested:
        return nested(self.gate, sums)

    def forget_gate(self, sums: Nested) -> Nested:
        return nested(self.gate, sums)

    def cell(self, i: Number, f: Number, g: Number, c: Number) -> Number:
        return f * c + i * g

    def shown(self, o: Number, c: Number) -> Number:
        return o * tape.tanh(c)

    # A whole sequence

    def lstm(self, x: Nested, state: Nested, w_x: Nested, w_h: Nested, bias: Nested, options: Options,
             mask: Nested = None) -> Nested:
        y = []
        for b, sequence in enumerate(x):
            now: State = (state[0][b], state[1][b])
            out: dict[int, Nested] = {}
            for t in self.order(len(sequence), options.get("reverse", False)):
                if mask is None or mask[b][t]:
                    now = self.step(sequence[t], self.handed_on(now), w_x, w_h, bias)
                    out[t] = now[0]
                else:
                    now = self.waits(now, sequence[t], w_x, w_h, bias)
                    out[t] = self.at_padding(now)
            y.append(self.in_place(out, list(out)))
        return y

    def order(self, length: int, reverse: bool) -> list[int]:
        return sorted(range(length), reverse=reverse)

    def handed_on(self, state: State) -> State:
        """The state from one step to the next."""
        return state

    def waits(self, state: State, x: Nested, w_x: Nested, w_h: Nested, bias: Nested) -> State:
        """The state after padding."""
        return state

    def at_padding(self, state: State) -> Nested:
        """y at padding."""
        return state[0]

    def in_place(self, out: dict[int, Nested], walked: list[int]) -> Nested:
        return [out[t] for t in sorted(out)]

    # Attention

    def additive_attention(self, queries: Nested, annotations: Nested, w_query: Nested, w_source: Nested, v: Nested,
                           options: Options, mask: Nested = None) -> Nested:
        contexts: list[Nested] = []
        for b, sentence in enumerate(queries):
            here = [True] * len(annotations[b]) if mask is None else [bool(there) for there in mask[b]]
            contexts.append([])
            for y in sentence:
                scores = [self.score(y, x, w_query, w_source, v) for x in annotations[b]]
                contexts[-1].append(self.context(self.shares(scores, here), annotations[b]))
        return contexts

    def score(self, y: Nested, x: Nested, w_query: Nested, w_source: Nested, v: Nested) -> Number:
        """v^T tanh(W_1 y + W_2 x)."""
        total = Number(0.0)
        for a, v_a in enumerate(v):
            total = total + v_a * self.bent(self.product(y, w_query, a) + self.product(x, w_source, a))
        return total

    def bent(self, x: Number) -> Number:
        return tape.tanh(x)

    def product(self, x: Nested, weights: Nested, column: int) -> Number:
        total = Number(0.0)
        for x_d, row in zip(x, weights, strict=True):
            total = total + x_d * row[column]
        return total

    def shares(self, scores: list[Number], here: list[bool]) -> list[Any]:
        """alpha: softmax over the tokens, 0 at padding."""
        soft = iter(taped_softmax([score for score, there in zip(scores, here, strict=True) if there]))
        return [next(soft) if there else 0.0 for there in here]

    def context(self, shares: list[Any], annotations: Nested) -> Nested:
        return [self.weighted(shares, [x[d] for x in annotations]) for d in range(len(annotations[0]))]

    def weighted(self, shares: list[Any], column: Nested) -> Number:
        total = Number(0.0)
        for share, x in zip(shares, column, strict=True):
            if isinstance(share, Number):
                total = total + share * x
        return total

    # Cross-entropy

    def masked_cross_entropy(self, logits: Nested, labels: list[int], options: Options,
                             mask: Nested = None) -> Nested:
        smoothing = options.get("smoothing", 0.0)
        return [self.row_loss(row, labels[b], smoothing) if mask is None or mask[b] else self.padded(row, smoothing)
                for b, row in enumerate(logits)]

    def row_loss(self, row: Nested, label: int, smoothing: float) -> Number:
        top = max(tape.constant(x) for x in row)
        total = Number(0.0)
        for x in row:
            total = total + tape.exp(x - top)
        loss = tape.log(total)
        for j, x in enumerate(row):
            loss = loss - (x - top) * self.wanted(j == label, smoothing, len(row))
        return loss

    def wanted(self, is_label: bool, smoothing: float, classes: int) -> float:
        """q_j."""
        return (1 - smoothing) * is_label + smoothing / classes

    def padded(self, row: Nested, smoothing: float) -> Number:
        """The loss at padding."""
        return Number(0.0)

    # Batch normalisation

    def batch_norm(self, x: Nested, gain: Nested, bias: Nested, options: Options, mean: Nested = None,
                   variance: Nested = None) -> Nested:
        columns = []
        for d in range(len(gain)):
            column = [row[d] for row in x]
            given = (None, None) if mean is None else (mean[d], variance[d])
            columns.append(self.normal(column, *self.statistics(column, *given)))
        return [[gain[d] * columns[d][b] + bias[d] for d in range(len(gain))] for b in range(len(x))]

    def statistics(self, column: Nested, mean: Any, variance: Any) -> tuple[Any, Any]:
        if mean is not None:
            return mean, variance
        total = Number(0.0)
        for x in column:
            total = total + x
        mean = total / float(len(column))
        spread = Number(0.0)
        for x in column:
            spread = spread + (x - mean) * (x - mean)
        return mean, self.divided(spread, len(column))

    def divided(self, spread: Number, count: int) -> Number:
        return spread / float(count)

    def normal(self, column: Nested, mean: Any, variance: Any) -> Nested:
        root = self.root(variance if isinstance(variance, Number) else Number(variance))
        return [(x - mean) / root for x in column]

    def root(self, variance: Number) -> Number:
        return tape.sqrt(variance + 1e-5)
