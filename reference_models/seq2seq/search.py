"""Writing a translation: greedily, or with a beam. The memory is asked at each step, and never written.

    greedy: the likeliest token, again and again, until END
    beam:   argmax over Y of log p(Y | X) / lp(Y),    lp(Y) = ((5 + |Y|) / 6)^alpha                     (GNMT §7)

|Y| counts END. A beam keeps the `beam` likeliest beginnings. The search for a sentence ends when no beginning can
still overtake the best finished translation: log p only falls, and is divided by lp at most of the longest allowed.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, check_rank, to_device, to_host, top_k
from refmem.memory.state import NO_SOURCE
from refmem.ops import linear, lstm_cell, softmax

from reference_models.seq2seq import END, PAD, START, Seq2Seq
from reference_models.seq2seq import layers, query

NO_VALUE = -1


class Translation(NamedTuple):
    """One sentence, and what the memory had to say at each token of it."""

    tokens: list[int]  # without END
    score: float  # log p(Y | X) / lp(Y)
    log_probability: float
    values: list[int]  # the memory's answer, a token; -1 for none
    confidence: list[float]  # s_1
    sources: list[int]  # the training example that last wrote the answer's slot; -1 unknown
    finished: bool  # whether END was written before the limit


class Step(NamedTuple):
    """What one step of R beginnings gives."""

    log_p: Array  # [R, V]
    values: Array  # [R] int64
    confidence: Array  # [R]
    sources: Array  # [R] int64


class Decoder:
    """The decoder a step at a time, for R beginnings of translations.

    Attributes
    ----------
    states : list of [2, R, H]
        Of each layer, the bottom one first.
    """

    def __init__(self, model: Seq2Seq, source: Array, *, read: bool = True) -> None:
        xp, self.model, self.read = model.xp, model, read
        model.check_sentences("source", source)
        self.mask = source != PAD  # [R, S]
        self.annotations, _ = layers.encode(model.params, model.size.source_table, source, self.mask,
                                            model.size.encoder_layers, {}, model.twin)
        self.of_sources = self.annotations @ model.params["attention.w_source"]  # [R, S, A]
        zero = lstm_cell.zero_state(len(source), model.size.width, like=self.annotations)
        self.states = [zero] * model.size.decoder_layers
        self.forbidden = xp.asarray(np.array([PAD, START]))

    def choose(self, rows: Array) -> None:
        """Go on with these beginnings [R'] alone, in this order; one may stand there several times."""
        self.mask, self.annotations, self.of_sources = (x[rows] for x in (self.mask, self.annotations,
                                                                          self.of_sources))
        self.states = [state[:, rows] for state in self.states]

    def step(self, previous: Array) -> Step:
        """Read one token [R] each, and say how likely each next one is."""
        model, params, xp = self.model, self.model.params, self.model.xp
        x = params["target.embedding"][previous]  # [R, E]
        h_before = self.states[0][0]
        x = self._layer(1, x)  # [R, H]
        context = self._attend(x if model.size.attend_from == "current" else h_before)  # [R, D]
        for n in range(2, model.size.decoder_layers + 1):
            y = self._layer(n, xp.concatenate([x, context], axis=1))
            x = y + x if n >= 3 else y
        values, confidence, sources, joined = self._ask(context, x)
        z, _ = linear.forward(joined, params["combine.weights"], params["combine.bias"])
        logits, _ = linear.forward(z, model.output_weights, params["output.bias"])  # [R, V]
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
        log_p[:, self.forbidden] = -xp.inf
        return Step(log_p, values, confidence, sources)

    def _layer(self, n: int, x: Array) -> Array:
        params = self.model.params
        weights = (params[f"decoder{n}.{part}"] for part in ("w_x", "w_h", "bias"))
        self.states[n - 1], _ = lstm_cell.forward(x, self.states[n - 1], *weights)
        h: Array = self.states[n - 1][0]
        return h

    def _attend(self, asking: Array) -> Array:
        """`additive_attention` for one step, with W_2 x_s made once."""
        xp, params = self.model.xp, self.model.params
        of_query = asking @ params["attention.w_query"]  # [R, A]
        scores = xp.tanh(of_query[:, None, :] + self.of_sources) @ params["attention.v"]  # [R, S]
        scores = xp.where(self.mask, scores, scores.dtype.type(-xp.inf))
        alpha, _ = softmax.forward(scores)
        context: Array = (alpha[:, None, :] @ self.annotations)[:, 0]
        return context

    def _ask(self, context: Array, top: Array) -> tuple[Array, Array, Array, Array]:
        """The memory's values, confidence and sources [R], and [h; s_1 E(v)]."""
        model, xp = self.model, self.model.xp
        nothing = xp.full(len(top), NO_VALUE, dtype=xp.int64)
        zero = xp.zeros(len(top), dtype=top.dtype)
        if model.memory is None:
            return nothing, zero, nothing, top
        q, _ = query.forward(model.params, model.statistics, model.size.query, context, top, training=False)
        for name in model.memory.params:
            model.memory.params[name] = model.params[name]
        answer, _ = model.memory.forward(q, update=False)
        nearest = answer.neighbours[:, 0]
        sources = xp.where(nearest >= 0, model.memory.state.sources[nearest], NO_SOURCE)
        confidence = answer.confidence[:, 0]
        vectors = model.params["target.embedding"][xp.maximum(answer.values, 0)]  # [R, E]
        found = confidence if self.read else zero
        return answer.values, confidence, sources, xp.concatenate([top, found[:, None] * vectors], axis=1)


def length_penalty(length: int, alpha: float) -> float:
    """lp(Y) for |Y| = `length`."""
    return float(((5 + length) / 6) ** alpha)


def greedy(model: Seq2Seq, source: Array, *, limit: int | None = None, read: bool = True) -> list[Translation]:
    """The likeliest token at each step.

    Parameters
    ----------
    source : [B, S] int
        As for `Seq2Seq.forward`.
    limit : int, optional
        Tokens written at most; by default twice the source and ten.
    read : bool
        False: the memory's answers are replaced by zeros (ablation).
    """
    decoder, limit = Decoder(model, source, read=read), _limit(source, limit)
    lines = [_Line() for _ in range(len(source))]
    going = np.arange(len(source))
    previous = np.full(len(source), START)
    for _ in range(limit):
        step = decoder.step(to_device(previous, source))
        best = to_host(step.log_p.argmax(axis=1))  # [R]
        log_p = to_host(step.log_p)[np.arange(len(best)), best]
        said = _said(step)
        for row, sentence in enumerate(going.tolist()):
            lines[sentence] = lines[sentence].then(int(best[row]), float(log_p[row]), said, row)
        on = np.flatnonzero(best != END)
        if not on.size:
            break
        if on.size < going.size:
            decoder.choose(to_device(on, source))
        going, previous = going[on], best[on]
    return [line.translation(0.0) for line in lines]


def beam_search(model: Seq2Seq, source: Array, *, beam: int = 4, alpha: float = 0.2, limit: int | None = None,
                read: bool = True) -> list[Translation]:
    """The best finished translation that a beam comes upon.

    Parameters
    ----------
    source, limit, read
        As for `greedy`.
    beam : int
        Beginnings that are kept of each sentence.
    alpha : float
        Of the length penalty, at least 0. GNMT found 0.2 best.

    Raises
    ------
    ValueError
        If `beam` is less than 1 or `alpha` less than 0.
    """
    if beam < 1:
        raise ValueError(f"beam must be at least 1, got {beam}")
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, got {alpha}")
    decoder, limit = Decoder(model, source, read=read), _limit(source, limit)
    best: dict[int, Translation] = {}
    live = [[(row, _Line())] for row in range(len(source))]  # a sentence's beginnings, with their rows of the decoder
    going = list(range(len(source)))
    previous = np.full(len(source), START)
    for length in range(1, limit + 1):
        step = decoder.step(to_device(previous, source))
        said = _said(step)
        # No more than beam + 1 tokens after each beginning: END, and those that may be among the `beam` best.
        tokens = top_k(step.log_p, min(beam + 1, step.log_p.shape[1]))  # [R, n]
        log_p = to_host(model.xp.take_along_axis(step.log_p, tokens, axis=1))
        tokens = to_host(tokens)
        rows: list[int] = []
        for sentence in list(going):
            candidates = [(line.log_p + float(p), row, int(token), line)
                          for row, line in live[sentence]
                          for p, token in zip(log_p[row], tokens[row], strict=True) if np.isfinite(p)]
            candidates.sort(key=lambda candidate: -candidate[0])
            kept: list[tuple[int, _Line]] = []
            for total, row, token, line in candidates:
                longer = line.then(token, total - line.log_p, said, row)
                if token == END:
                    done = longer.translation(alpha)
                    if sentence not in best or done.score > best[sentence].score:
                        best[sentence] = done
                elif len(kept) < beam:
                    kept.append((row, longer))
            reachable = max((line.log_p for _, line in kept), default=-np.inf) / length_penalty(limit, alpha)
            if not kept or (sentence in best and best[sentence].score >= reachable):
                going.remove(sentence)
                continue
            live[sentence] = [(len(rows) + i, line) for i, (_, line) in enumerate(kept)]
            rows += [row for row, _ in kept]
        if not going:
            break
        decoder.choose(to_device(np.array(rows), source))
        previous = np.array([line.tokens[-1] for sentence in going for _, line in live[sentence]])
    for sentence in going:  # the limit came first
        cut = max((line.translation(alpha) for _, line in live[sentence]), key=lambda translation: translation.score)
        best.setdefault(sentence, cut)
    return [best[sentence] for sentence in range(len(source))]


class _Line(NamedTuple):
    """A beginning: its tokens, and END where it has come to that."""

    tokens: tuple[int, ...] = ()
    log_p: float = 0.0
    said: tuple[tuple[int, float, int], ...] = ()  # value, confidence, source, a token

    def then(self, token: int, log_p: float, said: list[tuple[int, float, int]], row: int) -> "_Line":
        return _Line((*self.tokens, token), self.log_p + log_p, (*self.said, said[row]))

    def translation(self, alpha: float) -> Translation:
        finished = self.tokens[-1] == END
        count = len(self.tokens) - finished
        said = self.said[:count]
        return Translation(list(self.tokens[:count]), self.log_p / length_penalty(len(self.tokens), alpha), self.log_p,
                           [value for value, _, _ in said], [confidence for _, confidence, _ in said],
                           [source for _, _, source in said], finished)


def _said(step: Step) -> list[tuple[int, float, int]]:
    """What the memory said, a row."""
    return list(zip(*(to_host(array).tolist() for array in (step.values, step.confidence, step.sources)),
                    strict=True))


def _limit(source: Array, limit: int | None) -> int:
    check_rank("source", source, 2)
    if limit is None:
        return 2 * int(source.shape[1]) + 10
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    return limit
