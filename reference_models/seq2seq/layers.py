"""The recurrent stacks of a GNMT-style network: encoder and decoder, forward and backward.  (GNMT §3; LTRRE §2.1)

    encoder: tokens -> embedding -> one layer read in both directions -> layers read forwards -> annotations x_s
    decoder: tokens -> embedding -> bottom layer -> attention over the annotations -> layers fed [x, context] -> top

From the third layer on, what goes into a layer is added to what comes out of it (residual connections).

The attention asks with the output of the bottom layer. GNMT's text asks with that of the step before
(`attend_from="previous"`); the code that Google released later (gnmt_v2) with that of the step itself ("current"),
which has read the token just written; both are here. The context is fed to all layers above the bottom one, and not to
the bottom one. (LTRRE §2.1 has it in "all LSTM layers beyond the second one"; of two layers that would be none.) So
nothing above waits for the step before except each layer's own state, and in training a whole layer is read at once,
attention and memory included: LTRRE §2.1 stresses that they run in parallel.

Every function works on the rows that it is given: a batch, or a shard of one.

What a layer needs for its way back it puts on a tape, and the way back takes it from the end of the tape, which can be
walked back once (why: `cache`).
"""

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import additive_attention, additive_attention_fused, embedding, lstm, lstm_fused
from refmem.ops.lstm_cell import zero_state

Params = Mapping[str, Array]
Gradients = dict[str, Array]
Scales = Mapping[str, Array]
"""Dropout: by the name of a place, what is multiplied there; empty for none. See `places`."""

Tape = list[lstm.Cache | lstm_fused.Cache | additive_attention.Cache | additive_attention_fused.Cache]
"""Of each layer, in the order of the forward pass."""

LSTMS: dict[str, ModuleType] = {"plain": lstm, "fused": lstm_fused}
ATTENTIONS: dict[str, ModuleType] = {"plain": additive_attention, "fused": additive_attention_fused}


def places(encoder_layers: int, decoder_layers: int) -> list[tuple[str, str]]:
    """(name, side) of each place for dropout: the embeddings, and what goes into each layer above the first."""
    return ([("source.embedding", "source"), *((f"encoder{n}", "source") for n in range(2, encoder_layers + 1)),
             ("target.embedding", "target"), *((f"decoder{n}", "target") for n in range(2, decoder_layers + 1)),
             ("top", "target")])


# --- One layer --------------------------------------------------------------------------------------------------


def read(params: Params, name: str, x: Array, twin: str, tape: Tape, mask: Array | None = None,
         reverse: bool = False) -> Array:
    """One LSTM over [B, T, D], from a zero state."""
    w_x, w_h, bias = (params[f"{name}.{part}"] for part in ("w_x", "w_h", "bias"))
    state = zero_state(x.shape[0], w_h.shape[0], like=x)
    y: Array
    y, cache = LSTMS[twin].forward(x, state, w_x, w_h, bias, mask, reverse=reverse)
    tape.append(cache)
    return y


def read_backward(name: str, dy: Array, tape: Tape, twin: str, gradients: Gradients) -> Array:
    """dx; the gradients of the weights are put into `gradients`."""
    dx, _, *d_weights = LSTMS[twin].backward(dy, tape.pop())
    for part, gradient in zip(("w_x", "w_h", "bias"), d_weights, strict=True):
        gradients[f"{name}.{part}"] = gradient
    x: Array = dx
    return x


def scaled(x: Array, name: str, scales: Scales) -> Array:
    """Dropout, or its gradient, at a place."""
    return x * scales[name] if name in scales else x


# --- Encoder ----------------------------------------------------------------------------------------------------


class EncoderCache(NamedTuple):
    """What the backward pass of the encoder needs to know of its forward pass."""

    embedding: embedding.Cache
    tape: Tape  # the first layer forwards and backwards, the second and above
    scales: Scales
    twin: str


def encode(params: Params, table: str, source: Array, mask: Array, layers: int, scales: Scales,
           twin: str) -> tuple[Array, EncoderCache]:
    """The annotations of each sentence.

    Parameters
    ----------
    table : str
        The name of the embedding among the params.
    source : [B, S] int
    mask : [B, S] bool
        True at tokens, which stand first, then padding.
    twin : "plain" or "fused"
        Which LSTM.

    Returns
    -------
    annotations : [B, S, H], or [B, S, 2H] of a single layer
        At padding something finite.
    cache : EncoderCache
    """
    xp = module_of(params[table])
    x, embedded = embedding.forward(params[table], source)
    x = scaled(x, "source.embedding", scales)
    tape: Tape = []
    # Padding stands last: a layer read forwards comes to it when all is said, and only the other needs the mask.
    forwards = read(params, "encoder1.forwards", x, twin, tape)
    backwards = read(params, "encoder1.backwards", x, twin, tape, mask, reverse=True)
    x = xp.concatenate([forwards, backwards], axis=2)  # [B, S, 2H]
    for n in range(2, layers + 1):
        y = read(params, f"encoder{n}", scaled(x, f"encoder{n}", scales), twin, tape)
        x = y + x if n >= 3 else y
    return x, EncoderCache(embedded, tape, scales, twin)


def encode_backward(d_annotations: Array, cache: EncoderCache) -> tuple[Gradients, Array]:
    """The gradients of the layers, and that of the table [V, E]. The tape is empty afterwards."""
    gradients: Gradients = {}
    tape, scales, twin, dx = cache.tape, cache.scales, cache.twin, d_annotations
    for n in range(len(tape) - 1, 1, -1):
        d_in = scaled(read_backward(f"encoder{n}", dx, tape, twin, gradients), f"encoder{n}", scales)
        dx = d_in + dx if n >= 3 else d_in
    width = dx.shape[2] // 2
    d_embedded = read_backward("encoder1.backwards", dx[:, :, width:], tape, twin, gradients)
    d_embedded = d_embedded + read_backward("encoder1.forwards", dx[:, :, :width], tape, twin, gradients)
    return gradients, embedding.backward(scaled(d_embedded, "source.embedding", scales), cache.embedding)


# --- Decoder ----------------------------------------------------------------------------------------------------


class DecoderCache(NamedTuple):
    """What the backward pass of the decoder needs to know of its forward pass."""

    embedding: embedding.Cache
    tape: Tape  # the bottom layer, the attention, the second and above
    width: int  # H, of x in [x, context]
    attend_from: str
    scales: Scales
    twin: str


def decode(params: Params, table: str, previous: Array, annotations: Array, mask: Array, layers: int, attend_from: str,
           scales: Scales, twin: str) -> tuple[Array, Array, DecoderCache]:
    """Read the tokens written so far; at each step say what comes out on top, and what was attended to.

    Parameters
    ----------
    previous : [B, T] int
        At step t the token of step t-1; at first the start token.
    annotations : [B, S, D]
    mask : [B, S] bool
        Of the source.

    Returns
    -------
    top : [B, T, H]
    context : [B, T, D]
    cache : DecoderCache
    """
    xp = module_of(annotations)
    x, embedded = embedding.forward(params[table], previous)
    tape: Tape = []
    x = read(params, "decoder1", scaled(x, "target.embedding", scales), twin, tape)  # [B, T, H]
    asking = x if attend_from == "current" else xp.concatenate([xp.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
    context, attention = ATTENTIONS[twin].forward(asking, annotations, params["attention.w_query"],
                                                  params["attention.w_source"], params["attention.v"], mask)
    tape.append(attention)
    width = x.shape[2]
    for n in range(2, layers + 1):
        both = xp.concatenate([x, context], axis=2)  # [B, T, H + D]
        y = read(params, f"decoder{n}", scaled(both, f"decoder{n}", scales), twin, tape)
        x = y + x if n >= 3 else y
    return x, context, DecoderCache(embedded, tape, width, attend_from, scales, twin)


def decode_backward(d_top: Array, d_context: Array | None, cache: DecoderCache) -> tuple[Gradients, Array, Array]:
    """The gradients of the layers, that of the table [V, E], and that of the annotations [B, S, D].

    `d_context` is None where nothing but the layers is made of the context. The tape is empty afterwards.
    """
    xp = module_of(d_top)
    gradients: Gradients = {}
    tape, scales, twin, width, dx = cache.tape, cache.scales, cache.twin, cache.width, d_top
    for n in range(len(tape) - 1, 1, -1):
        d_both = scaled(read_backward(f"decoder{n}", dx, tape, twin, gradients), f"decoder{n}", scales)
        dx = d_both[:, :, :width] + dx if n >= 3 else d_both[:, :, :width]
        of_layer = d_both[:, :, width:]
        d_context = of_layer if d_context is None else d_context + of_layer
    d_asking, d_annotations, *d_weights = ATTENTIONS[twin].backward(d_context, tape.pop())
    for part, gradient in zip(("w_query", "w_source", "v"), d_weights, strict=True):
        gradients[f"attention.{part}"] = gradient
    if cache.attend_from == "previous":
        d_asking = xp.concatenate([d_asking[:, 1:], xp.zeros_like(d_asking[:, :1])], axis=1)
    d_embedded = scaled(read_backward("decoder1", dx + d_asking, tape, twin, gradients), "target.embedding", scales)
    return gradients, embedding.backward(d_embedded, cache.embedding), d_annotations
