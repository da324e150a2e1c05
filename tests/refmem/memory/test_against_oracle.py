"""refmem's memory beside the loop-and-float one: the same random life, compared after each step.

Before a step the oracle takes over refmem's keys, so that rounding does not add up. A life is drawn from a seed
such that no two cosines of a query are nearly equal, or they are exactly so: then integers must be equal too.
"""

from dataclasses import replace

import numpy as np
import pytest
from refmem.conformance.oracles import Paper, Released
from support.memories import a_batch

from refmem.memory import PAPER, TF2017, Memory

STEPS = 60
CLASSES = 5
D = 8

PAPER_LIVES = {
    "evictions": dict(memory_size=12, k=5, batch=3),
    "k above m": dict(memory_size=7, k=256, batch=4),
    "one slot": dict(memory_size=1, k=1, batch=1),
    "one neighbour, wide margin": dict(memory_size=9, k=1, batch=2, alpha=0.7),
    "any of the first three": dict(memory_size=10, k=4, batch=3, correct_in_top=3),
    "noise": dict(memory_size=12, k=6, batch=3, age_noise=5.0),
    "as many rows as slots": dict(memory_size=5, k=5, batch=5),
    "more rows than slots": dict(memory_size=4, k=3, batch=7),
    "rows twice": dict(memory_size=12, k=5, batch=4, twice=True),
}
RELEASED_LIVES = {
    "evictions": dict(memory_size=12, k=5, batch=3),
    "k above m": dict(memory_size=7, k=256, batch=4),
    "two slots": dict(memory_size=2, k=2, batch=2),
    "one neighbour, wide margin": dict(memory_size=9, k=1, batch=2, alpha=0.7),
    "any of the first three": dict(memory_size=10, k=4, batch=3, correct_in_top=3),
    "noise": dict(memory_size=12, k=6, batch=3, age_noise=5.0),
    "as many rows as slots": dict(memory_size=5, k=5, batch=5),
    "no hint": dict(memory_size=12, k=5, batch=3, recent_hint=False),
    "rows twice": dict(memory_size=12, k=5, batch=4, twice=True),
}


def pair(kind, dtype, rng, memory_size, k, alpha=0.1, correct_in_top=1, age_noise=0.0, recent_hint=True):
    if kind == "paper":
        profile = replace(PAPER, k=k, alpha=alpha, correct_in_top=correct_in_top, age_noise=age_noise)
        memory = Memory(D, memory_size, profile=profile, dtype=dtype)
        return memory, Paper(D, memory_size, k=k, alpha=alpha, correct_in_top=correct_in_top)
    profile = replace(TF2017, k=k, alpha=alpha, correct_in_top=correct_in_top, age_noise=age_noise,
                      recent_hint=recent_hint)
    memory = Memory(D, memory_size, profile=profile, vocab_size=CLASSES, dtype=dtype)
    memory.params["query_projection"][...] = np.eye(D) + 0.3 * rng.standard_normal((D, D))
    oracle = Released(D, memory_size, CLASSES, k=k, alpha=alpha, correct_in_top=correct_in_top,
                      recent_hint=recent_hint)
    oracle.projection = memory.params["query_projection"].tolist()
    return memory, oracle


def compare(answer, output, memory, cache, weights, x):
    assert output.values.tolist() == answer.values
    assert output.neighbours.tolist() == answer.neighbours
    size = np.finfo(memory.dtype).eps
    w = memory.params.get("query_projection", np.eye(D)).astype(np.float64)
    p = np.maximum(np.linalg.norm(x @ w, axis=1), 1e-6)  # [B]
    blow_up = (np.linalg.norm(np.abs(x) @ np.abs(w), axis=1) / p).max()
    cosine = size * (D * blow_up + 2 * D + 4)  # see test_traces.py
    assert answer.smallest_gap > 2 * cosine, "draw another life: this one hangs on rounding"
    t = cache.reading.temperature
    np.testing.assert_allclose(output.cosines, answer.cosines, rtol=0, atol=cosine)
    np.testing.assert_allclose(output.confidence, answer.confidence, rtol=0, atol=cosine * t + 20 * size)

    d_queries, d_params = memory.backward(cache, d_loss=0.7, d_confidence=weights)
    expected, expected_projection = answer.gradients(0.7, weights.tolist())
    assert d_queries.dtype == memory.dtype
    slope = 2 * (0.7 + 4 * t * np.abs(weights).max()) / p  # [B] an upper bound of |d objective / d p|
    row = cosine * t * slope[:, None] * max(1, np.linalg.norm(w, 2))
    assert (np.abs(d_queries - np.array(expected)) <= row).all()
    if expected_projection is not None:
        within = cosine * t * (slope * np.linalg.norm(x, axis=1)).sum()
        got = d_params["query_projection"]
        assert got.dtype == memory.dtype
        np.testing.assert_allclose(got, expected_projection, rtol=0, atol=within)
    else:
        assert d_params == {}

    if answer.loss is None:
        assert output.loss is None
    else:
        assert abs(float(output.loss) - answer.loss) <= 2 * cosine + 4 * size
        assert output.loss.dtype == memory.dtype


def compare_states(oracle, memory):
    assert memory.state.values.tolist() == oracle.values
    assert memory.state.ages.tolist() == oracle.ages
    assert memory.state.sources.tolist() == oracle.sources
    if isinstance(oracle, Released) and oracle.recent_hint:
        assert memory.state.recent.tolist() == oracle.recent
    difference = np.abs(memory.state.keys - np.array(oracle.keys)).max()
    assert difference <= 1000 * np.finfo(memory.dtype).eps


LIVES = ([("paper", name, life) for name, life in PAPER_LIVES.items()]
         + [("released", name, life) for name, life in RELEASED_LIVES.items()])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind, name, life", LIVES, ids=[f"{kind}: {name}" for kind, name, _ in LIVES])
def test_the_same_life(kind, name, life, dtype):
    settings = dict(life)
    batch, twice = settings.pop("batch"), settings.pop("twice", False)
    rng = np.random.default_rng(21)
    memory, oracle = pair(kind, dtype, rng, **settings)
    noisy = memory.profile.age_noise
    m = memory.memory_size
    seen = {"right": 0, "wrong": 0}

    for step in range(STEPS):
        oracle.keys = memory.state.keys.tolist()
        x, labels = a_batch(rng, batch, D, CLASSES, dtype)
        if twice:  # rows that are equal leave equal keys in two slots
            x[1], labels[1] = x[0], labels[0]
        if step % 10 == 7:
            x[rng.integers(batch)] = 0.0
        if step % 10 == 3 and (kind == "paper" or memory.profile.k > 1):  # a pool of one has none to drop
            labels = None
        update = step % 10 != 5
        sources = rng.integers(0, 1000, batch) if labels is not None and step % 4 else None
        oldest = rng.integers(0, m, batch) if labels is not None and step % 10 == 9 else None
        seed = int(rng.integers(1 << 30))
        noise = np.random.default_rng(seed).uniform(-noisy, noisy, size=m).tolist() if noisy else None

        output, cache = memory.forward(x, labels, update=update, rng=np.random.default_rng(seed),
                                       sources=sources, oldest=oldest)
        answer = oracle.step(x.tolist(), None if labels is None else labels.tolist(), update=update, noise=noise,
                             oldest=None if oldest is None else oldest.tolist(),
                             sources=None if sources is None else sources.tolist())
        weights = rng.standard_normal(output.confidence.shape).astype(dtype)
        compare(answer, output, memory, cache, weights, x.astype(np.float64))
        compare_states(oracle, memory)
        if labels is not None:
            hits = int((output.values == labels).sum())
            seen["right"] += hits
            seen["wrong"] += batch - hits
    assert min(seen.values()) > 5  # both cases of the update were lived through
