"""What the tests of all operations share: each operation with small inputs of its own."""

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from refmem.ops import (
    actor_critic,
    additive_attention,
    additive_attention_fused,
    associative_lstm,
    batch_norm,
    cgru,
    cgru_steps,
    conv2d,
    conv2d_columns,
    conv2d_im2col,
    conv2d_relu,
    conv2d_winograd,
    dropout,
    embedding,
    fast_weights_attention,
    fast_weights_matrix,
    fast_weights_rnn,
    fast_weights_rnn_compiled,
    hard_gate,
    l2_normalize,
    layer_norm,
    linear,
    lstm,
    lstm_cell,
    lstm_fused,
    masked_cross_entropy,
    max_pool2d,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    tanh,
    tape_read,
    tape_write,
)


@dataclass(frozen=True)
class Case:
    """An operation, the shapes of its float inputs, and whatever else it takes."""

    op: ModuleType
    shapes: tuple[tuple[int, ...], ...]
    rest: tuple = ()
    ranks: tuple[int | None, ...] = field(default=())  # that the inputs must have; None: any
    options: dict = field(default_factory=dict)  # by name

    def inputs(self, dtype=np.float64, seed=0):
        """Random arrays, well away from the kinks of relu and of the pool."""
        rng = np.random.default_rng(seed)
        arrays = []
        for shape in self.shapes:
            size = int(np.prod(shape))
            spread = (rng.permutation(size) - (size - 1) / 2 + 0.25) / max(1, size) * 4  # all apart, none zero
            arrays.append(spread.reshape(shape).astype(dtype))
        return arrays

    def forward(self, *inputs):
        """With fresh random numbers from the same seed, where the operation draws some."""
        rest = [np.random.default_rng(argument.seed) if isinstance(argument, Seed) else argument
                for argument in self.rest]
        options = {name: np.random.default_rng(value.seed) if isinstance(value, Seed) else value
                   for name, value in self.options.items()}
        return self.op.forward(*inputs, *rest, **options)

    def backward(self, dy, cache):
        """Always a tuple."""
        gradients = self.op.backward(dy, cache)
        return gradients if isinstance(gradients, tuple) else (gradients,)


@dataclass(frozen=True)
class Seed:
    """Stands for a generator."""

    seed: int


SEQUENCE = ((3, 4, 5), (5, 5), (3, 5), (3, 2, 5), (), (), (1, 5), (1, 5))  # of fast_weights_rnn
READ = ((3, 5), (3, 4, 5), (), ())
LSTM = ((2, 3), (2, 3, 3), (2, 2, 4), (3, 16), (4, 16), (16,))  # of the cell, of the sequence; state, W_x, W_h, b
LSTM_MASK = (np.array([[1, 1, 0], [1, 1, 1]], bool),)
ATTENTION = ((2, 3, 4), (2, 5, 3), (4, 6), (3, 6), (6,))
ATTENTION_MASK = (np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool),)
CONVOLUTION = ((2, 5, 6, 3), (3, 3, 3, 4), (4,))

CELL = ((3, 3, 2, 4), (4,), (3, 3, 2, 2), (2,))  # of a CGRU with two maps: kernels and biases
CELLS = tuple((2, 2, *shape) for shape in CELL)  # two sets of two layers

CASES = {
    "conv2d": Case(conv2d, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_im2col": Case(conv2d_im2col, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_columns": Case(conv2d_columns, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_winograd": Case(conv2d_winograd, CONVOLUTION, ranks=(4, 4, 1)),
    "conv2d_relu": Case(conv2d_relu, ((2, 5, 6, 1), (3, 3, 1, 4), (4,)), ranks=(4, 4, 1)),
    "max_pool2d": Case(max_pool2d, ((2, 5, 4, 3),), ranks=(4,)),
    "relu": Case(relu, ((3, 4),), ranks=(None,)),
    "linear": Case(linear, ((3, 4), (4, 2), (2,)), ranks=(2, 2, 1)),
    "dropout": Case(dropout, ((4, 5),), (0.6, Seed(1)), ranks=(None,)),
    "softmax": Case(softmax, ((2, 3, 4),), ranks=(None,)),
    "softmax_cross_entropy": Case(softmax_cross_entropy, ((3, 4),), (np.array([0, 3, 2]),), ranks=(2,)),
    "layer_norm": Case(layer_norm, ((3, 4), (4,), (4,)), ranks=(None, 1, 1)),
    "fast_weights_attention": Case(fast_weights_attention, READ, ranks=(2, 3, 0, 0)),
    "fast_weights_matrix": Case(fast_weights_matrix, READ, ranks=(2, 3, 0, 0)),
    "fast_weights_rnn": Case(fast_weights_rnn, SEQUENCE, ranks=(3, 2, 2, 3, 0, 0, 2, 2)),
    "fast_weights_rnn_compiled": Case(fast_weights_rnn_compiled, SEQUENCE, ranks=(3, 2, 2, 3, 0, 0, 2, 2)),
    "masked_cross_entropy": Case(masked_cross_entropy, ((2, 3, 4),),
                                 (np.array([[0, 3, -1], [2, 2, 1]]), np.array([[1, 1, 0], [1, 1, 1]], bool)),
                                 ranks=(None,)),
    "sigmoid": Case(sigmoid, ((3, 4),), ranks=(None,)),
    "tanh": Case(tanh, ((3, 4),), ranks=(None,)),
    "embedding": Case(embedding, ((5, 3),), (np.array([[4, 0, 2], [0, 0, 2]]),), ranks=(2,)),
    "lstm_cell": Case(lstm_cell, LSTM[:1] + LSTM[2:], ranks=(2, 3, 2, 2, 1)),
    "hard_gate": Case(hard_gate, ((3, 4),), ranks=(None,)),
    "cgru": Case(cgru, ((2, 4, 3, 2), *CELL, (2, 4, 3, 6)), ranks=(4, 4, 1, 4, 1, 4)),
    "cgru_steps": Case(cgru_steps, ((2, 4, 3, 2), *CELLS), ranks=(4, 6, 3, 6, 3),
                       options={"steps": 3, "keep": 0.8, "rng": Seed(1), "segment": 2}),
    "cgru_winograd": Case(cgru_steps, ((2, 5, 4, 2), *CELLS), ranks=(4, 6, 3, 6, 3),
                          options={"steps": 3, "conv": "winograd", "cutoff": "released"}),
    "tape_write": Case(tape_write, ((2, 4, 3, 2), (2, 2)), ranks=(4, 2), options={"position": 1, "rows": "all"}),
    "tape_read": Case(tape_read, ((2, 4, 3, 2),), ranks=(4,), options={"position": 2}),
    "lstm": Case(lstm, LSTM[1:], LSTM_MASK, ranks=(3, 3, 2, 2, 1)),
    "lstm_fused": Case(lstm_fused, LSTM[1:], LSTM_MASK, ranks=(3, 3, 2, 2, 1)),
    "additive_attention": Case(additive_attention, ATTENTION, ATTENTION_MASK, ranks=(3, 3, 2, 2, 1)),
    "additive_attention_fused": Case(additive_attention_fused, ATTENTION, ATTENTION_MASK, ranks=(3, 3, 2, 2, 1)),
    "batch_norm": Case(batch_norm, ((4, 3), (3,), (3,)), ranks=(2, 1, 1)),
    "actor_critic": Case(actor_critic, ((4, 3), (4,), (4,), (4,)), (np.array([0, 2, 1, 2]),), ranks=(2, 1, 1, 1)),
    "associative_lstm": Case(associative_lstm, ((2, 3, 2), (2, 75), (18, 75), (75,)),
                             (np.array([[1, 2, 0], [2, 1, 0]]),), ranks=(3, 2, 2, 1)),
    "l2_normalize": Case(l2_normalize, ((3, 4),), ranks=(2,)),
}
