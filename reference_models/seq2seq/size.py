"""How large an encoder-decoder is, how it is joined, and how its weights start."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from refmem.ops.lstm_cell import forget_bias

from reference_models.seq2seq.query import Query

PAD, START, END = 0, 1, 2
"""The tokens that every vocabulary begins with."""


@dataclass(frozen=True)
class Size:
    """How large the network is, and how it is joined."""

    source_vocabulary: int
    target_vocabulary: int

    width: int = 256
    """Units of each LSTM layer (each direction of the first of the encoder)."""

    embedding: int = 256
    """Width of the embeddings, and of what the softmax layer is given."""

    attention: int = 256
    """Width of the hidden layer of the attention."""

    encoder_layers: int = 2
    decoder_layers: int = 2
    """At least 2: the context is fed to the layers above the bottom one."""

    attend_from: Literal["current", "previous"] = "current"
    """Which output of the bottom layer the attention asks with; see `layers`."""

    query: Query = field(default_factory=Query)

    tied: bool = False
    """Whether the softmax layer's weights are the target embedding, transposed."""

    shared: bool = False
    """Whether source and target share one vocabulary and one embedding, called "target.embedding"."""

    forget_bias: float = 1.0
    """Where the biases of the forget gates start."""

    def __post_init__(self) -> None:
        for name in ("source_vocabulary", "target_vocabulary", "width", "embedding", "attention", "encoder_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.decoder_layers < 2:
            raise ValueError("decoder_layers must be at least 2, since the context is fed to the layers above the "
                             f"bottom one, got {self.decoder_layers}")
        if self.attend_from not in ("current", "previous"):
            raise ValueError(f"attend_from must be 'current' or 'previous', got {self.attend_from!r}")
        if self.shared and self.source_vocabulary != self.target_vocabulary:
            raise ValueError(f"a shared embedding needs one vocabulary, got {self.source_vocabulary} tokens on one "
                             f"side and {self.target_vocabulary} on the other")

    @property
    def context(self) -> int:
        """Width of an annotation."""
        return 2 * self.width if self.encoder_layers == 1 else self.width

    @property
    def source_table(self) -> str:
        """The name of the source embedding among the params."""
        return "target.embedding" if self.shared else "source.embedding"

    @property
    def query_width(self) -> int:
        """Width of the memory's keys."""
        return self.query.width or self.query.made_of(self.context, self.width)


def initial_params(size: Size, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32, *,
                   with_memory: bool = True) -> dict[str, npt.NDArray[np.floating]]:
    """Fresh weights.

    Matrices are uniform with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010), the four gates of an LSTM a
    matrix each; embeddings normal with variance 1 / E; biases 0, but `size.forget_bias` for the forget gates.
    """
    params: dict[str, npt.NDArray[np.floating]] = {}

    def matrix(rows: int, columns: int, blocks: int = 1) -> npt.NDArray[np.floating]:
        bound = (6 / (rows + columns)) ** 0.5
        return np.asarray(rng.uniform(-bound, bound, (rows, blocks * columns)), dtype)

    def table(tokens: int) -> npt.NDArray[np.floating]:
        return np.asarray(rng.standard_normal((tokens, size.embedding)) / size.embedding ** 0.5, dtype)

    def layer(name: str, inputs: int) -> None:
        params[f"{name}.w_x"] = matrix(inputs, size.width, 4)
        params[f"{name}.w_h"] = matrix(size.width, size.width, 4)
        params[f"{name}.bias"] = forget_bias(np.zeros(4 * size.width, dtype), size.forget_bias)

    if not size.shared:
        params["source.embedding"] = table(size.source_vocabulary)
    params["target.embedding"] = table(size.target_vocabulary)
    layer("encoder1.forwards", size.embedding)
    layer("encoder1.backwards", size.embedding)
    for n in range(2, size.encoder_layers + 1):
        layer(f"encoder{n}", 2 * size.width if n == 2 else size.width)
    layer("decoder1", size.embedding)
    params["attention.w_query"] = matrix(size.width, size.attention)
    params["attention.w_source"] = matrix(size.context, size.attention)
    params["attention.v"] = matrix(size.attention, 1)[:, 0].copy()
    for n in range(2, size.decoder_layers + 1):
        layer(f"decoder{n}", size.width + size.context)
    if with_memory:
        inputs = size.query.made_of(size.context, size.width)
        if size.query.width is not None:
            params["query.projection"] = matrix(inputs, size.query.width)
        for name, columns in size.query.norms(inputs).items():
            params[f"{name}.gain"], params[f"{name}.bias"] = np.ones(columns, dtype), np.zeros(columns, dtype)
    params["combine.weights"] = matrix(size.width + (size.embedding if with_memory else 0), size.embedding)
    params["combine.bias"] = np.zeros(size.embedding, dtype)
    if not size.tied:
        params["output.weights"] = matrix(size.embedding, size.target_vocabulary)
    params["output.bias"] = np.zeros(size.target_vocabulary, dtype)
    return params
