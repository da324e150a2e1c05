"""Translating with a memory: an LSTM encoder-decoder with attention, GNMT-style, that remembers words.    (LTRRE §2.1)

    x = encode(source)                                annotations [B, S, D]              (`layers`)
    h, a = decode(tokens so far, x)                   top [B, T, H] and context [B, T, D]
    q = a, the vector retrieved by the attention      or other choices                   (`query`)
    v, s_1 = memory(q)                                value of the nearest key, softmax component 1
    z = [h; s_1 E(v)] W + b                           "an additional linear layer"       (`combine`, `read`)
    next token ~ softmax(z W_out + b_out)                                                (`output`)

The memory is asked at each step, and is taught the token that should have been written there. Its answer reaches z
alone, no recurrent layer, so that in training all steps of all sentences of a batch are one call of the memory, made
when the decoder has run. A batch is answered by the memory as it was before the batch.

    objective = mean cross-entropy of the target tokens + memory_weight * margin loss of the memory

Gradients reach the queries through the margin loss and through the confidence s_1, and E(v) through s_1 E(v).

A target row holds the tokens to write, then END, then PAD; a source row its tokens, then PAD. PAD is 0.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_shape
from refmem.memory.memory import Memory, MemoryOutput
from refmem.memory.profiles import PAPER, Profile

from reference_models.seq2seq import asking, combine, layers, sentences
from reference_models.seq2seq import output as seq2seq_output
from reference_models.seq2seq import shards as seq2seq_shards
from reference_models.seq2seq.asking import Asked
from reference_models.seq2seq.cache import Above, Cache, Shard
from reference_models.seq2seq.size import PAD, Size, initial_params


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
        Label smoothing of the cross-entropy, in [0, 1).
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

    Raises
    ------
    ValueError
        If one of these is out of range or unknown.

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
        if twin not in layers.LSTMS:
            raise ValueError(f"twin must be one of {', '.join(layers.LSTMS)}, got {twin!r}")
        if shards < 1:
            raise ValueError(f"shards must be at least 1, got {shards}")
        if not 0 < keep <= 1:
            raise ValueError(f"keep must lie in (0, 1], got {keep}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must lie in [0, 1), got {smoothing}")
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
                read: bool = True, gradients: bool = True) -> tuple[Output, Cache]:
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
            For dropout, the memory's age noise, and gold, in this order.
        sources : [B] int, optional
            Which training example each sentence is; the slots written for it remember that.
        gold : float
            Gold mixing, off by default; see `read`.
        read : bool
            False: the memory's answer is replaced by zeros (ablation). It is asked and taught all the same.
        gradients : bool
            False: there will be no `backward`, and the fused softmax is spared making its gradient.

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
        scales: layers.Scales = {}
        if training and rng is not None and self.keep < 1:
            scales = seq2seq_shards.dropout_scales(self.size, source, target, self.keep, rng,
                                                   like=self.params["output.bias"])
        context, top, done = self._run(source, target, scales)  # [N, D], [N, H]
        sentence, step = xp.nonzero(target != PAD)
        labels = target[sentence, step]  # [N]

        asked = self._ask(context, top, labels, sentence, training=training, update=update, rng=rng, sources=sources)
        top_scale = scales["top"][sentence, step] if "top" in scales else None
        z, of_combine = combine.forward(self.params, top, top_scale, None if asked is None else asked.answer, labels,
                                        step, read=read, gold=gold if training else 0.0, rng=rng, slices=self.shards)
        losses, of_output = seq2seq_output.forward(z, self.output_weights, self.params["output.bias"], labels,
                                                   smoothing=self.smoothing, twin=self.twin, shards=self.shards,
                                                   gradients=gradients)
        loss = float(losses.token_loss.mean())
        memory_loss = None if asked is None or asked.answer.loss is None else float(asked.answer.loss)
        output = Output(loss + self.memory_weight * (memory_loss or 0.0), loss, memory_loss, losses.token_loss,
                        losses.right, sentence, step, None if asked is None else asked.answer)
        above = [] if of_output is None else [Above(asked, of_combine, of_output, len(labels))]
        return output, Cache(above, done, (target.shape[0], target.shape[1]))

    def backward(self, cache: Cache, *, d_objective: float = 1.0, release: bool = False) -> dict[str, Array]:
        """The gradient of `d_objective * output.objective` with respect to `params`, under the same names.

        Parameters
        ----------
        cache : Cache
        d_objective : float
        release : bool
            True: what the cache holds of a layer is dropped as soon as it has been used, so that a training step needs
            two thirds of the memory. The cache is used up then; to ask it again raises a ValueError.
        """
        taken = cache.taken(release)
        gradients, tables, d_top, d_context = self._above_backward(taken.above.pop(), d_objective)
        of_layers, d_source, d_target = seq2seq_shards.backward(d_top, d_context, taken.shards, taken.shape)
        gradients |= of_layers
        tables.append(d_target)
        if self.size.shared:
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
        context, top, _ = self._run(source, target, {})
        sentence, step = self.xp.nonzero(target != PAD)
        asked = self._ask(context, top, target[sentence, step], sentence, training=False, update=True, rng=rng,
                          sources=sources)
        assert asked is not None
        return asked.answer

    # --- The steps of a batch -------------------------------------------------------------------------------------

    def _run(self, source: Array, target: Array, scales: layers.Scales) -> tuple[Array, Array, list[Shard]]:
        """Encoder and decoder: context [N, D], top [N, H], and the way back."""
        return seq2seq_shards.forward(self.params, self.size, source, target, scales, self.twin, self.shards)

    def _ask(self, context: Array, top: Array, labels: Array, sentence: Array, *, training: bool, update: bool,
             rng: np.random.Generator | None, sources: Array | None) -> Asked | None:
        """The memory's answer to N positions; None without a memory."""
        if self.memory is None:
            return None
        return asking.forward(self.memory, self.params, self.statistics, self.size.query, context, top, labels,
                              None if sources is None else sources[sentence], training=training, update=update, rng=rng)

    def _above_backward(self, above: Above,
                        d_objective: float) -> tuple[layers.Gradients, list[Array], Array, Array | None]:
        """From the objective to the decoder: gradients, those of the target embedding apart, of top and of context."""
        tables = []
        dz, d_weights, d_bias = seq2seq_output.backward(d_objective / above.tokens, above.output)
        gradients, way = combine.backward(dz, above.combine, self.shards)
        gradients["output.bias"] = d_bias
        if self.size.tied:
            tables.append(d_weights.T)
        else:
            gradients["output.weights"] = d_weights
        if way.table is not None:
            tables.append(way.table)
        if above.asked is None or self.memory is None:
            return gradients, tables, way.top, None
        of_asking, d_context, to_top = asking.backward(
            self.memory, above.asked, d_loss=d_objective * self.memory_weight, d_confidence=way.confidence)
        return gradients | of_asking, tables, way.top if to_top is None else way.top + to_top, d_context

    # --- Small things ---------------------------------------------------------------------------------------------

    @property
    def output_weights(self) -> Array:
        """Of the softmax layer [E, V]."""
        return self.params["target.embedding"].T if self.size.tied else self.params["output.weights"]

    def check_sentences(self, name: str, tokens: Array) -> None:
        """Raise a `ValueError` or `TypeError` unless these are "source" or "target" sentences [B, .] of the model."""
        vocabulary = self.size.source_vocabulary if name == "source" else self.size.target_vocabulary
        sentences.check(name, tokens, vocabulary, self.xp)

    def _check(self, source: Array, target: Array, sources: Array | None) -> None:
        self.check_sentences("source", source)
        self.check_sentences("target", target)
        if len(source) != len(target):
            raise ValueError(f"source and target must have as many rows, got {len(source)} and {len(target)}")
        if sources is not None:
            check_shape("sources", sources, (len(target),))
