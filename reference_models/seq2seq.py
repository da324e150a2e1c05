"""Translating with a memory: an LSTM encoder-decoder with attention, GNMT-style, that remembers words.    (LTRRE §2.1)

    x = encode(source)                                annotations [B, S, D]              (`seq2seq_layers`)
    h, a = decode(tokens so far, x)                   top [B, T, H] and context [B, T, D]
    q = a, the vector retrieved by the attention      or other choices                   (`seq2seq_query`)
    v, s_1 = memory(q)                                value of the nearest key, softmax component 1
    z = [h; s_1 E(v)] W + b                           "an additional linear layer", E the target embedding
    next token ~ softmax(z W_out + b_out)                                                (`seq2seq_output`)

The memory is asked at each step, and is taught the token that should have been written there. Its answer reaches z
alone, no recurrent layer, so that in training all steps of all sentences of a batch are one call of the memory, made
when the decoder has run. A batch is answered by the memory as it was before the batch.

    objective = mean cross-entropy of the target tokens + memory_weight * margin loss of the memory

Gradients reach the queries through the margin loss and through the confidence s_1, and E(v) through s_1 E(v).

A target row holds the tokens to write, then END, then PAD; a source row its tokens, then PAD. PAD is 0.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_labels, check_rank, check_shape, module_of, to_device, to_host
from refmem.memory import memory as memory_module
from refmem.memory.memory import Memory, MemoryOutput
from refmem.memory.profiles import PAPER, Profile
from refmem.ops import dropout, embedding, linear
from refmem.ops.lstm_cell import forget_bias

from reference_models import seq2seq_layers, seq2seq_output, seq2seq_query
from reference_models.seq2seq_layers import Gradients, Scales
from reference_models.seq2seq_query import Query
from reference_models.training import data_parallel

PAD, START, END = 0, 1, 2
GOLD_KEEP = 0.7  # of the right token's embedding, where it is mixed in


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
    """Which output of the bottom layer the attention asks with; see `seq2seq_layers`."""

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
    def query_width(self) -> int:
        """Width of the memory's keys."""
        return self.query.width or self.query.made_of(self.context, self.width)


class Output(NamedTuple):
    """What a batch gives; N is the number of target tokens, in the order of the sentences."""

    objective: float  # loss + memory_weight * memory_loss
    loss: float  # cross-entropy, mean over the N tokens
    memory_loss: float | None  # margin loss, mean over the N tokens; None without a memory
    token_loss: Array  # [N]
    right: Array  # [N] bool, whether the right token scores highest
    sentence: Array  # [N] which row of the batch
    step: Array  # [N] which place in it
    memory: MemoryOutput | None  # values [N], confidence [N, k], ...


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    parts: list[slice]  # of the batch, one a shard
    places: list[tuple[Array, Array]]  # one a shard: row in the shard, and step, of its tokens
    encoders: list[seq2seq_layers.EncoderCache]
    decoders: list[seq2seq_layers.DecoderCache]
    length: int  # T
    top_scale: Array | None  # [N, H] dropout on top
    asked: "Asked | None"  # None without a memory
    read: "ReadCache | None"  # None where no value reaches the output
    combine: linear.Cache
    output: seq2seq_output.Cache | seq2seq_output.PlainCache | None
    tokens: int  # N


class ReadCache(NamedTuple):
    """How the memory's answer became a vector."""

    vectors: Array  # [N, E] E(v)
    looked_up: embedding.Cache
    confidence: Array  # [N, k]
    found: Array  # [N, 1] s_1, which the vector was scaled by
    kept: Array  # [N, 1] what was left of the answer where gold was mixed in; else 1
    gold: tuple[embedding.Cache, Array] | None  # and what the gold vectors were scaled by [N, E]


class Shard(NamedTuple):
    """What encoder and decoder made of some rows, at their n true positions."""

    context: Array  # [n, D]
    top: Array  # [n, H]
    places: tuple[Array, Array]
    encoder: seq2seq_layers.EncoderCache
    decoder: seq2seq_layers.DecoderCache


class Asked(NamedTuple):
    """The memory's answer, and how to go back."""

    answer: MemoryOutput
    query: seq2seq_query.Cache
    memory: memory_module.Cache


class Seq2Seq:
    """The network and its memory.

    Parameters
    ----------
    size : Size
    memory_size : int
        Slots; 0 is a network without a memory.
    profile : Profile
        Of the memory.
    memory_weight : float
        Of the margin loss in the objective. LTRRE has no weight, so 1.
    keep : float
        Dropout: the share that is kept of the embeddings, of what goes into each layer above the first, and of the top.
    smoothing : float
        Label smoothing of the cross-entropy.
    twin : "plain" or "fused", optional
        Of the LSTM, the attention and the softmax. By default the fused for NumPy, the plain elsewhere.
    shards : int
        Into how many parts a batch is split, to be worked on side by side. Results are the same bits on any number of
        cores, but differ by rounding from one number of shards to another.
    dtype : float32 or float64
    seed : int
        For the initial weights.
    xp : module
        `numpy`, or `cupy`.
    search : str
        How the memory finds neighbours: a name of `refmem.neighbours`.

    Attributes
    ----------
    params : dict
        By name; the memory's own parameter, where its profile has one, is "query_projection".
    statistics : dict
        Running means and variances of the query's normalisation. Part of the state, but not trained.
    memory : Memory or None
    """

    def __init__(self, size: Size, *, memory_size: int = 0, profile: Profile = PAPER, memory_weight: float = 1.0,
                 keep: float = 1.0, smoothing: float = 0.0, twin: str | None = None, shards: int = 1,
                 dtype: npt.DTypeLike = np.float32, seed: int = 0, xp: ArrayModule = np,
                 search: str = "exact") -> None:
        if twin is None:
            twin = "fused" if xp is np else "plain"
        if twin not in seq2seq_layers.LSTMS:
            raise ValueError(f"twin must be one of {', '.join(seq2seq_layers.LSTMS)}, got {twin!r}")
        if shards < 1:
            raise ValueError(f"shards must be at least 1, got {shards}")
        if not 0 < keep <= 1:
            raise ValueError(f"keep must lie in (0, 1], got {keep}")
        self.size, self.memory_weight, self.keep, self.smoothing = size, memory_weight, keep, smoothing
        self.twin, self.shards, self.dtype, self.xp = twin, shards, np.dtype(dtype), xp
        self.memory: Memory | None = None
        if memory_size:
            self.memory = Memory(size.query_width, memory_size, profile=profile, vocab_size=size.target_vocabulary,
                                 dtype=dtype, seed=seed, xp=xp, search=search)
        drawn = initial_params(size, np.random.default_rng(seed), dtype, with_memory=self.memory is not None)
        self.params: dict[str, Array] = {name: xp.asarray(weights) for name, weights in drawn.items()}
        self.statistics: dict[str, Array] = {}
        if self.memory is not None:
            self.params |= self.memory.params
            for name, columns in size.query.norms(size.query.made_of(size.context, size.width)).items():
                self.statistics[f"{name}.mean"] = xp.zeros(columns, dtype=self.dtype)
                self.statistics[f"{name}.variance"] = xp.ones(columns, dtype=self.dtype)

    # --- A batch of pairs -----------------------------------------------------------------------------------------

    def forward(self, source: Array, target: Array, *, update: bool = True, training: bool = False,
                rng: np.random.Generator | None = None, sources: Array | None = None, gold: float = 0.0,
                read: bool = True) -> tuple[Output, Cache]:
        """How surprising each target token is, given those before it; and teach the memory.

        Parameters
        ----------
        source : [B, S] int
        target : [B, T] int
            Tokens, END, padding.
        update : bool
            Whether the memory is written.
        training : bool
            Whether dropout, gold and the batch's own statistics are on.
        rng : numpy.random.Generator, optional
            For dropout, gold, and the memory's age noise, in this order.
        sources : [B] int, optional
            Which training example each sentence is; the slots written for it remember that.
        gold : float
            Gold mixing of the released Neural GPU code, off by default: with this probability a step (of all
            sentences) is given gold * dropout(E(right token)) + (1 - gold) s_1 E(v) for its read.
        read : bool
            False: the memory's answer is replaced by zeros (ablation). It is asked and taught all the same.

        Returns
        -------
        output : Output
        cache : Cache

        Raises
        ------
        ValueError, TypeError
            If an argument is wrong. The memory is then as it was.
        """
        self._check(source, target, sources)
        if training and rng is None and (self.keep < 1 or gold > 0):
            raise ValueError("rng must be given for training with dropout or gold, got None")
        if not 0 <= gold <= 1:
            raise ValueError(f"gold must lie in [0, 1], got {gold}")
        xp = self.xp
        scales = self._dropout(source, target, rng) if training and rng is not None and self.keep < 1 else {}
        parts, done = self._run_layers(source, target, scales)
        context, top = (xp.concatenate(rows) for rows in ([shard.context for shard in done],
                                                          [shard.top for shard in done]))  # [N, D], [N, H]
        sentence, step = xp.nonzero(target != PAD)
        labels = target[sentence, step]  # [N]

        asked = self._ask(context, top, labels, sentence, training=training, update=update, rng=rng, sources=sources)
        top_scale = scales["top"][sentence, step] if "top" in scales else None
        if top_scale is not None:
            top = top * top_scale
        joined, of_read = top, None
        if self.memory is not None:
            vector = xp.zeros((len(labels), self.size.embedding), dtype=self.dtype)
            if asked is not None and read:
                vector, of_read = self._read(asked.answer, labels, step, target.shape[1], gold if training else 0.0,
                                             rng)
            joined = xp.concatenate([top, vector], axis=1)  # [N, H + E]
        z, of_combine = linear.forward(joined, self.params["combine.weights"], self.params["combine.bias"])  # [N, E]
        losses, of_output = seq2seq_output.forward(z, self._output_weights(), self.params["output.bias"], labels,
                                                   smoothing=self.smoothing, twin=self.twin, shards=self.shards)
        tokens = len(labels)
        loss = float(losses.token_loss.mean())
        memory_loss = None if asked is None or asked.answer.loss is None else float(asked.answer.loss)
        output = Output(loss + self.memory_weight * (memory_loss or 0.0), loss, memory_loss, losses.token_loss,
                        losses.right, sentence, step, None if asked is None else asked.answer)
        cache = Cache(parts, [shard.places for shard in done], [shard.encoder for shard in done],
                      [shard.decoder for shard in done], target.shape[1], top_scale, asked, of_read, of_combine,
                      of_output, tokens)
        return output, cache

    def backward(self, cache: Cache, *, d_objective: float = 1.0) -> dict[str, Array]:
        """The gradient of `d_objective * output.objective` with respect to `params`, under the same names."""
        assert cache.output is not None
        xp, size = self.xp, self.size
        gradients: dict[str, Array] = {}
        dz, d_weights, gradients["output.bias"] = seq2seq_output.backward(d_objective / cache.tokens, cache.output)
        tables = []  # gradients of the target embedding, from all its uses
        if size.tied:
            tables.append(d_weights.T)
        else:
            gradients["output.weights"] = d_weights
        d_joined, gradients["combine.weights"], gradients["combine.bias"] = linear.backward(dz, cache.combine)
        d_top = d_joined[:, :size.width]  # [N, H]
        if cache.top_scale is not None:
            d_top = d_top * cache.top_scale
        d_context = xp.zeros((cache.tokens, size.context), dtype=self.dtype)  # [N, D]

        if cache.asked is not None and self.memory is not None:
            d_confidence = None
            if cache.read is not None:
                d_confidence, d_table = self._read_backward(d_joined[:, size.width:], cache.read)
                tables.append(d_table)
            dq, d_memory = self.memory.backward(cache.asked.memory, d_loss=d_objective * self.memory_weight,
                                                d_confidence=d_confidence)
            d_query, to_context, to_top = seq2seq_query.backward(dq, cache.asked.query)
            gradients |= d_memory | d_query
            d_context = d_context if to_context is None else to_context
            d_top = d_top if to_top is None else d_top + to_top

        layers, d_source, d_target = self._layers_backward(d_top, d_context, cache)
        gradients |= layers
        tables.append(d_target)
        if size.shared:
            tables.append(d_source)
        else:
            gradients["source.embedding"] = d_source
        total = tables[-1]
        for table in tables[:-1]:
            total = total + table
        gradients["target.embedding"] = total
        return gradients

    def show(self, source: Array, target: Array, *, sources: Array | None = None,
             rng: np.random.Generator | None = None) -> MemoryOutput:
        """Write a batch to the memory, and nothing else: how context is shown. No weight is trained, no logit made.

        Parameters
        ----------
        source, target, sources
            As in `forward`.
        rng : numpy.random.Generator, optional
            For the memory's age noise.

        Returns
        -------
        MemoryOutput
            What the memory answered before it was written, one row a target token.
        """
        if self.memory is None:
            raise ValueError("the model has no memory to show anything to")
        self._check(source, target, sources)
        _, done = self._run_layers(source, target, {})
        context, top = (self.xp.concatenate(rows) for rows in ([shard.context for shard in done],
                                                               [shard.top for shard in done]))
        sentence, step = self.xp.nonzero(target != PAD)
        asked = self._ask(context, top, target[sentence, step], sentence, training=False, update=True, rng=rng,
                          sources=sources)
        assert asked is not None
        return asked.answer

    # --- The steps of a batch -------------------------------------------------------------------------------------

    def _run_layers(self, source: Array, target: Array, scales: Scales) -> tuple[list[slice], list[Shard]]:
        """Encoder and decoder, in shards: which rows, and what was made of them."""
        xp, size = self.xp, self.size
        start = xp.full((len(target), 1), START, dtype=target.dtype)
        previous = xp.concatenate([start, target[:, :-1]], axis=1)  # [B, T]
        parts = data_parallel.split(len(target), self.shards)

        def work(rows: slice) -> Shard:
            some = {name: scale[rows] for name, scale in scales.items()}
            mask = source[rows] != PAD
            annotations, encoder = seq2seq_layers.encode(self.params, self._source_table, source[rows], mask,
                                                         size.encoder_layers, some, self.twin)
            top, context, decoder = seq2seq_layers.decode(self.params, "target.embedding", previous[rows], annotations,
                                                          mask, size.decoder_layers, size.attend_from, some, self.twin)
            row, step = xp.nonzero(target[rows] != PAD)
            return Shard(context[row, step], top[row, step], (row, step), encoder, decoder)

        return parts, data_parallel.run(work, parts)

    def _layers_backward(self, d_top: Array, d_context: Array, cache: Cache) -> tuple[Gradients, Array, Array]:
        """Gradients of the layers, and those of the source's and of the target's embedding."""
        xp = self.xp
        bounds = np.cumsum([0, *(len(row) for row, _ in cache.places)]).tolist()

        def work(shard: int) -> Gradients:
            (row, step), some = cache.places[shard], slice(bounds[shard], bounds[shard + 1])
            batch = cache.parts[shard].stop - cache.parts[shard].start

            def padded(rows: Array) -> Array:
                whole: Array = xp.zeros((batch, cache.length, rows.shape[1]), dtype=rows.dtype)  # [b, T, .]
                whole[row, step] = rows
                return whole

            of_decoder, d_target, d_annotations = seq2seq_layers.decode_backward(
                padded(d_top[some]), padded(d_context[some]), cache.decoders[shard])
            of_encoder, d_source = seq2seq_layers.encode_backward(d_annotations, cache.encoders[shard])
            return of_decoder | of_encoder | {"source": d_source, "target": d_target}

        total = data_parallel.add(data_parallel.run(work, range(len(cache.parts))))
        return total, total.pop("source"), total.pop("target")

    def _ask(self, context: Array, top: Array, labels: Array, sentence: Array, *, training: bool, update: bool,
             rng: np.random.Generator | None, sources: Array | None) -> Asked | None:
        """The memory's answer to N positions; None without a memory."""
        if self.memory is None:
            return None
        q, of_query = seq2seq_query.forward(self.params, self.statistics, self.size.query, context, top,
                                            training=training)
        for name in self.memory.params:  # an optimiser may have put a new array in the place of the old one
            self.memory.params[name] = self.params[name]
        answer, of_memory = self.memory.forward(q, labels, update=update, rng=rng,
                                                sources=None if sources is None else sources[sentence])
        return Asked(answer, of_query, of_memory)

    def _read(self, answer: MemoryOutput, labels: Array, step: Array, length: int, gold: float,
              rng: np.random.Generator | None) -> tuple[Array, ReadCache]:
        """s_1 E(v) [N, E], with gold mixed in at some steps. An empty memory has confidence 0."""
        xp, table = self.xp, self.params["target.embedding"]
        vectors, looked_up = embedding.forward(table, xp.maximum(answer.values, 0))  # [N, E]
        found = answer.confidence[:, :1]  # [N, 1]
        if not gold or rng is None:
            return found * vectors, ReadCache(vectors, looked_up, answer.confidence, found, xp.ones_like(found), None)
        mixed = np.where(rng.random(length) < gold, gold, 0.0)  # [T] at which steps, and how much
        kept = to_device((1 - mixed).astype(table.dtype), table)[step][:, None]  # [N, 1]
        golden, of_golden = embedding.forward(table, labels)
        scale = (1 - kept) * dropout.draw(golden.shape, GOLD_KEEP, rng, like=golden)  # [N, E]
        return (kept * found * vectors + scale * golden,
                ReadCache(vectors, looked_up, answer.confidence, found, kept, (of_golden, scale)))

    def _read_backward(self, d_vector: Array, cache: ReadCache) -> tuple[Array, Array]:
        """Gradients of the confidence [N, k] and of the target embedding [V, E]."""
        d_scaled = d_vector * cache.kept
        d_confidence = self.xp.zeros_like(cache.confidence)
        d_confidence[:, 0] = (d_scaled * cache.vectors).sum(axis=1)
        d_table = embedding.backward(d_scaled * cache.found, cache.looked_up)
        if cache.gold is not None:
            looked_up, scale = cache.gold
            d_table = d_table + embedding.backward(d_vector * scale, looked_up)
        return d_confidence, d_table

    # --- Small things ---------------------------------------------------------------------------------------------

    @property
    def _source_table(self) -> str:
        return "target.embedding" if self.size.shared else "source.embedding"

    def _output_weights(self) -> Array:
        """[E, V]"""
        return self.params["target.embedding"].T if self.size.tied else self.params["output.weights"]

    def _dropout(self, source: Array, target: Array, rng: np.random.Generator) -> dict[str, Array]:
        """What each place is multiplied by: drawn for the whole batch, before it is split."""
        size, like = self.size, self.params["output.bias"]
        widths = {"source.embedding": size.embedding, "target.embedding": size.embedding, "encoder2": 2 * size.width,
                  "top": size.width}
        widths |= {f"decoder{n}": size.width + size.context for n in range(2, size.decoder_layers + 1)}
        return {name: dropout.draw((*(source if side == "source" else target).shape, widths.get(name, size.width)),
                                   self.keep, rng, like=like)
                for name, side in seq2seq_layers.places(size.encoder_layers, size.decoder_layers)}

    def _check(self, source: Array, target: Array, sources: Array | None) -> None:
        for name, tokens, vocabulary in (("source", source, self.size.source_vocabulary),
                                         ("target", target, self.size.target_vocabulary)):
            check_rank(name, tokens, 2)
            if module_of(tokens) is not self.xp:
                raise TypeError(f"{name} must be an array of {self.xp.__name__} like the model, "
                                f"got one of {module_of(tokens).__name__}")
            check_labels(name, tokens.reshape(-1), tokens.size, vocabulary)
            there = to_host(tokens != PAD)
            empty = np.flatnonzero(~there.any(axis=1))
            if len(tokens) == 0 or empty.size:
                raise ValueError(f"{name} must have a token in each row, got " +
                                 (f"none in row {empty[0]}" if empty.size else "no rows"))
            if (there[:, 1:] & ~there[:, :-1]).any():
                raise ValueError(f"{name} must have its padding (token {PAD}) after all tokens of a row")
        if len(source) != len(target):
            raise ValueError(f"source and target must have as many rows, got {len(source)} and {len(target)}")
        if sources is not None:
            check_shape("sources", sources, (len(target),))


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
