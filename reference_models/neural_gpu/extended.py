"""The Extended Neural GPU, and the memory on its tape.        (Kaiser and Bengio 2016, arXiv 1610.08613; LTRRE §2.1)

    encoder    s_0 -> s_n as in the Neural GPU, with cells of its own
    decoder    d_0 = s_n,   d_{t+1} = CGRU^d_l(... CGRU^d_1(d_t, p_t), p_t)        each cell also sees the tape p_t
               logits_t = O d_{t+1}[position t, row 0]
               p_{t+1} = p_t with E' o_t on position t                              o_t the output, or the target

With a memory, position t of d_t, "one step ahead" of the output t-1 made last, is the query for output t. The value it
finds, embedded and times its confidence, stands on position t of the tape while the two cells make output t:

    q_t = d_t[position t, row 0],   p_t[position t] = c_1 E' V[n_1]                 c_1 the softmax component of n_1

and is then overwritten by the output itself. What differs in the released code is in `DEVIATIONS`.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_rank, check_shape, module_of
from refmem.memory.memory import Memory
from refmem.memory.profiles import PAPER, Profile
from refmem.ops import cgru_steps, embedding, tape_read
from refmem.ops.cgru import Weights

from reference_models import neural_gpu
from reference_models.neural_gpu import CELLS, asking, queries
from reference_models.neural_gpu.asking import Asked
from reference_models.neural_gpu.extended_size import ExtendedSize, initial_params
from reference_models.neural_gpu.tape import TAPES, Tape

DEVIATIONS = (
    ("query index", "q = d_t[position t, row 0]", "step[:, 0, t+1, :] of [batch, position, row, maps]: axes swapped"),
    ("query time", "from the state that output t-1 was read from", "from the state one decoder step earlier"),
    ("first output", "has an answer of the memory, like all others", "has none: the first query is for position 1"),
    ("last step", "asks for its own output", "asks for position n-1 once more, and overwrites the symbol there"),
    ("rows of the tape", "row 0, where the input stands", "all rows"),
    ("gold mixing", "none", "the right symbol is mixed into the answer while training"),
    ("weight of the memory's loss", "1, on the mean over all outputs", "0.5 / length"),
)
"""Where the released code departs from the text, as (point, here, released code)."""


class Output(NamedTuple):
    """What a batch is answered."""

    logits: Array  # [B, n, V]
    symbols: Array  # [B, n] the likeliest
    memory_values: Array | None  # [B, n] V[n_1]; -1 where nothing was asked or found
    confidence: Array | None  # [B, n] c_1
    memory_loss: float  # mean over all queries with a target; 0 without memory or targets


class Step(NamedTuple):
    """What the backward pass needs to know of one step of the decoder."""

    read: tuple[Array, tape_read.Cache]
    layers: list[Any]
    written: embedding.Cache
    asked: Asked | None  # None without a memory


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    embedded: embedding.Cache
    encoder: cgru_steps.Cache
    steps: list[Step]
    tape: Tape
    asked: int  # queries with a target, in all
    shape: tuple[int, ...]  # of the images
    params: dict[str, Array]


class ExtendedNeuralGPU:
    """The network, with or without a memory.

    Parameters
    ----------
    size : ExtendedSize
    symbols : int
        Of input and output alike.
    memory_size : int
        Slots; 0 is the network without a memory.
    profile, search
        Of the memory; its keys have as many numbers as there are maps.
    conv : "plain", "columns" or "winograd"
        Which twins of cell and tape.
    dtype, seed
        Of the weights.
    xp : module
        `numpy`, or `cupy` to work on the GPU, where `conv` must not be "winograd".

    Attributes
    ----------
    params : dict
        With "query_projection" where the memory's profile has one: the memory's own array.
    memory : Memory or None
    statistics : dict
        Running averages of the queries, where they are normalised.
    """

    def __init__(self, size: ExtendedSize, symbols: int, *, memory_size: int = 0, profile: Profile = PAPER,
                 conv: str = "winograd", dtype: npt.DTypeLike = np.float32, seed: int = 0,
                 search: str = "exact", xp: ArrayModule = np) -> None:
        if conv not in TAPES:
            raise ValueError(f"conv must be one of {', '.join(TAPES)}, got {conv!r}")
        if symbols < 1:
            raise ValueError(f"symbols must be at least 1, got {symbols}")
        self.size, self.symbols, self.conv = size, symbols, conv
        drawn = initial_params(size, symbols, np.random.default_rng(seed), dtype)
        self.params = {name: xp.asarray(weights) for name, weights in drawn.items()}
        self.memory = None
        self.statistics: dict[str, Array] = {}
        if memory_size:
            width = size.read if size.query_width is None else size.query_width
            self.memory = Memory(width, memory_size, profile=profile, vocab_size=symbols, dtype=dtype, seed=seed,
                                 search=search, xp=xp)
            self.params |= self.memory.params
            like = self.params["embedding"]
            if size.query_width is not None:
                reach = np.sqrt(3 / size.read)
                weights = np.random.default_rng([seed, 1]).uniform(-reach, reach, (size.read, size.query_width))
                self.params["query.weights"] = xp.asarray(weights.astype(dtype))
            if size.query_norm:
                self.statistics = queries.statistics(size.read, size.query_width, like)

    def forward(self, inputs: Array, targets: Array | None = None, *, lengths: Array | None = None,
                update: bool = True, measure: bool = True, training: bool = False,
                rng: np.random.Generator | None = None, segment: int | None = None,
                seen: list[Array] | None = None) -> tuple[Output, Cache]:
        """Answer a batch of sequences, and write what was to be answered to the memory.

        Parameters
        ----------
        inputs : [B, n] int
        targets : [B, n] int, optional
            What stands on the tape, and what the memory learns. Without them the network reads its own outputs.
        lengths : [B] int, optional
            Of each sequence; behind its end nothing is asked of the memory. By default n.
        update : bool
            False: nothing is written to the memory.
        measure : bool
            False: where nothing is written, the memory's loss is not measured either, which takes a second search.
        training : bool
            Whether the running averages of the queries move.
        rng : numpy.random.Generator, optional
            For the age noise of the memory's profile.
        segment : int, optional
            As in `cgru_steps.forward`, for the encoder.
        seen : list, optional
            d_0, d_1, ... d_n are appended, to be looked at.

        Raises
        ------
        ValueError, TypeError
            If a symbol is unknown, or a shape or dtype wrong. The memory is then as it was.
        """
        params, size = self.params, self.size
        s, embedded = neural_gpu.embed(params, inputs, size.rows)
        xp = module_of(s)
        batch, n = inputs.shape
        if targets is not None:
            neural_gpu.check_inputs(targets, self.symbols, None)
            check_shape("targets", targets, inputs.shape)
        lengths = xp.full(batch, n) if lengths is None else lengths
        check_shape("lengths", lengths, (batch,))
        if self.memory is not None:
            for name in self.memory.params:  # an optimiser may have put a new array in the place of the old one
                self.memory.params[name] = params[name]

        d, encoder = cgru_steps.forward(s, *cells(params, "encoder"), steps=n, cutoff=size.cutoff, segment=segment,
                                        conv=self.conv)
        (stacked,) = cgru_steps.stack(Weights(*cells(params, "decoder")), self.conv, size.cutoff)
        tape = TAPES[self.conv](params["tape_kernels"], d, rows=size.tape_rows, markovian=size.markovian)
        labels = targets if update or measure else None
        steps, logits, losses = [], [], []
        values = xp.full((batch, n), -1)
        confidence = xp.zeros((batch, n), d.dtype)
        if seen is not None:
            seen.append(d)
        for t in range(n):
            answer, asked = None, None
            if self.memory is not None:
                answer, asked = asking.forward(self.memory, params, self.statistics, size, d, t, labels, lengths,
                                               update=update, rng=rng)
                values[asked.rows, t] = asked.found
                confidence[asked.rows, t] = asked.confidence[:, 0]
                losses.append((asked.loss, len(asked.rows)))
            drives = xp.split(tape.drive(answer, t), size.layers, axis=3)  # [B, n, w, 3m] a layer
            layers = []
            for cell, drive in zip(stacked, drives, strict=True):
                d, cache = cell.forward(d, drive)
                layers.append(cache)
            if seen is not None:
                seen.append(d)
            read, place = tape_read.forward(d, position=t)  # [B, m]
            logits.append(read @ params["output"])
            symbols = logits[-1].argmax(axis=1) if targets is None else targets[:, t]
            output, written = embedding.forward(params["tape_embedding"], symbols)
            tape.write(output, t)
            steps.append(Step((read, place), layers, written, asked))

        if training:
            queries.learn(self.statistics, [(step.asked.query, step.asked.rows) for step in steps
                                            if step.asked is not None])
        scores = xp.stack(logits, axis=1)  # [B, n, V]
        total = sum(count for _, count in losses) if labels is not None else 0
        loss = sum(loss * count for loss, count in losses) / total if total else 0.0
        has = self.memory is not None
        result = Output(scores, scores.argmax(axis=2), values if has else None, confidence if has else None, loss)
        return result, Cache(embedded, encoder, steps, tape, total, s.shape, params)

    # Backwards, step t last to first, with dd the gradient of d_{t+1}:
    #
    #     output written on the tape -> E';    logits_t -> O and row 0 of position t
    #     cells -> d_t and the drive;          drive -> W, older outputs (in `tape`), and the answer a
    #     a -> E', and through the query the rows of position t of d_t (`asking`)
    #
    # and d_0 is what the encoder made.

    def backward(self, d_logits: Array, cache: Cache, *, d_memory_loss: float = 1.0) -> dict[str, Array]:
        """The gradient of <d_logits, logits> + d_memory_loss * memory_loss with respect to `params`.

        Parameters
        ----------
        d_logits : [B, n, V]

        Notes
        -----
        Not differentiated: the choice of the likeliest symbols, of neighbours, and all that the memory keeps.
        """
        params, tape = cache.params, cache.tape
        batch, n, _, m = cache.shape
        check_rank("d_logits", d_logits, 3)
        check_shape("d_logits", d_logits, (batch, n, self.symbols))
        xp = module_of(d_logits)
        (stacked,) = cgru_steps.stack(Weights(*cells(params, "decoder")), self.conv, self.size.cutoff)
        gradients = {name: xp.zeros_like(w) for name, w in params.items()}
        dd = xp.zeros(cache.shape, d_logits.dtype)
        tape.start_backward()
        for t in reversed(range(n)):
            step = cache.steps[t]
            gradients["tape_embedding"] += embedding.backward(tape.write_backward(t), step.written)
            read, place = step.read
            gradients["output"] += read.T @ d_logits[:, t]
            dd = dd + tape_read.backward(d_logits[:, t] @ params["output"].T, place)
            d_drives = []
            for cell, layer in zip(reversed(stacked), reversed(step.layers), strict=True):
                dd, d_drive = cell.backward(dd, layer)
                d_drives.append(d_drive)
            d_answer = tape.drive_backward(xp.concatenate(d_drives[::-1], axis=3), t)
            if self.memory is not None and step.asked is not None and d_answer is not None:
                share = len(step.asked.rows) / cache.asked if cache.asked else 0.0  # of its mean in that of all queries
                dd = dd + asking.backward(self.memory, d_answer, step.asked, gradients, d_memory_loss * share)
        ds, *of_encoder = cgru_steps.backward(dd, cache.encoder)
        gradients |= {f"encoder.{name}": g for name, g in zip(CELLS, of_encoder, strict=True)}
        of_decoder = cgru_steps.gathered([stacked], Weights(*cells(params, "decoder")))
        gradients |= {f"decoder.{name}": g for name, g in zip(CELLS, of_decoder, strict=True)}
        gradients["tape_kernels"] = tape.d_kernels()
        gradients["embedding"] = embedding.backward(ds[:, :, 0], cache.embedded)
        return gradients


def cells(params: dict[str, Array], part: str) -> list[Array]:
    """The weights of the "encoder" or "decoder", in the order of `CELLS`."""
    return [params[f"{part}.{name}"] for name in CELLS]
