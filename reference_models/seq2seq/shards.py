"""Encoder and decoder on a few cores: the batch in shards, each read from end to end by one of them.

What is above, the memory and the softmax, is given the true positions alone: N rows, in the order of the sentences.
"""

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops import dropout

from reference_models.parallel import data_parallel
from reference_models.seq2seq import layers
from reference_models.seq2seq.cache import Shard
from reference_models.seq2seq.layers import Gradients, Params, Scales
from reference_models.seq2seq.size import PAD, START, Size


def dropout_scales(size: Size, source: Array, target: Array, keep: float, rng: np.random.Generator, *,
                   like: Array) -> dict[str, Array]:
    """What each place is multiplied by: drawn for the whole batch, before it is split."""
    widths = {"source.embedding": size.embedding, "target.embedding": size.embedding, "encoder2": 2 * size.width}
    widths |= {f"decoder{n}": size.width + size.context for n in range(2, size.decoder_layers + 1)}
    return {name: dropout.draw((*(source if side == "source" else target).shape, widths.get(name, size.width)), keep,
                               rng, like=like)
            for name, side in layers.places(size.encoder_layers, size.decoder_layers)}


def forward(params: Params, size: Size, source: Array, target: Array, scales: Scales, twin: str,
            shards: int) -> tuple[Array, Array, list[Shard]]:
    """Read the sources, and the targets so far, of a batch [B, S] and [B, T].

    Returns
    -------
    context : [N, D]
    top : [N, H]
    shards : list of Shard
        The way back.
    """
    xp = module_of(source)
    start = xp.full((len(target), 1), START, dtype=target.dtype)
    previous = xp.concatenate([start, target[:, :-1]], axis=1)  # [B, T]

    def work(rows: slice) -> tuple[Array, Array, Shard]:
        some = {name: scale[rows] for name, scale in scales.items()}
        mask = source[rows] != PAD
        annotations, encoder = layers.encode(params, size.source_table, source[rows], mask,
                                             size.encoder_layers, some, twin)
        top, context, decoder = layers.decode(params, "target.embedding", previous[rows], annotations, mask,
                                              size.decoder_layers, size.attend_from, some, twin)
        row, step = xp.nonzero(target[rows] != PAD)
        return context[row, step], top[row, step], Shard(rows, (row, step), encoder, decoder)

    contexts, tops, done = zip(*data_parallel.run(work, data_parallel.split(len(target), shards)), strict=True)
    return xp.concatenate(contexts), xp.concatenate(tops), list(done)


def backward(d_top: Array, d_context: Array | None, shards: list[Shard],
             shape: tuple[int, int]) -> tuple[Gradients, Array, Array]:
    """From d_top [N, H] and d_context [N, D] to the layers, the source's embedding and the target's: their gradients.

    The last two have the same name in the model where it has one table for both; they are not added here. Where nothing
    above the decoder is made of the context, `d_context` is None. The shards' tapes are empty afterwards.
    """
    xp = module_of(d_top)
    bounds = np.cumsum([0, *(len(shard.places[0]) for shard in shards)]).tolist()

    def work(number: int) -> Gradients:
        shard, some = shards[number], slice(bounds[number], bounds[number + 1])

        def padded(rows: Array) -> Array:
            whole: Array = xp.zeros((shard.rows.stop - shard.rows.start, shape[1], rows.shape[1]), dtype=rows.dtype)
            whole[shard.places] = rows
            return whole  # [b, T, .]

        of_decoder, d_target, d_annotations = layers.decode_backward(
            padded(d_top[some]), None if d_context is None else padded(d_context[some]), shard.decoder)
        of_encoder, d_source = layers.encode_backward(d_annotations, shard.encoder)
        return of_decoder | of_encoder | {"source": d_source, "target": d_target}

    total = data_parallel.add(data_parallel.run(work, range(len(shards))))
    return total, total.pop("source"), total.pop("target")
