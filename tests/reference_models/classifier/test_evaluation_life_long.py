"""Measuring a long life: a memory that keeps everything, one that is too small, and embeddings of no use."""

import numpy as np
import pytest

from refmem.memory.memory import Memory
from reference_models.classifier import evaluation_life_long as life_long
from reference_models.tasks.one_shot.characters import Characters
from reference_models.tasks.one_shot.life_long import lives

LAGS = (10, 50, 200)


def some(classes):
    return Characters(np.zeros((classes, 8, 28, 28), np.uint8), ("a",) * classes, ("b",) * classes)


@pytest.fixture(scope="module")
def plans():
    return lives(some(60), some(30), rng=np.random.default_rng(0), lags=LAGS, steps=400, window=100)


def clear_queries(noise=0.05):
    """An embedding in which each class has a direction of its own."""
    rng = np.random.default_rng(1)
    return (np.repeat(rng.normal(0, 1, (90, 64)), 8, axis=0) + rng.normal(0, noise, (720, 64))).astype(np.float32)


def test_a_memory_with_room_forgets_nothing(plans):
    seen = []
    memory = Memory(64, 1024, dtype=np.float32)
    rows = life_long.measure(memory, clear_queries(), plans, progress=seen.append)
    assert [row.lag for row in rows] == list(LAGS)
    for row in rows:
        assert (row.accuracy, row.at_once, row.half_width, row.characters) == (1, 1, 0, 30)
    assert seen == sorted(seen) and seen[-1] == 1


def test_a_memory_too_small_forgets_what_was_long_ago(plans):
    rows = life_long.measure(Memory(64, 40, dtype=np.float32), clear_queries(), plans)
    assert rows[0].accuracy > 0.9 and rows[-1].accuracy < 0.2
    assert rows[-1].at_once > 0.8  # ten rows of a call may evict each other


def test_embeddings_of_no_use_are_not_recognised(plans):
    queries = np.random.default_rng(2).normal(0, 1, (720, 64)).astype(np.float32)
    for row in life_long.measure(Memory(64, 1024, dtype=np.float32), queries, plans):
        assert row.accuracy < 0.1 and 0 <= row.half_width < 0.1


def test_asking_writes_nothing(plans):
    """What is in the memory afterwards was shown; nothing that was asked is."""
    memory = Memory(64, 1024, dtype=np.float32)
    life_long.live(memory, clear_queries(), plans[0])
    stored = memory.state.sources[memory.state.sources >= 0]
    assert np.isin(stored, plans[0].shown).all() and len(stored) > 50
    assert (memory.state.values >= 0).sum() == len(stored)


def test_the_interval_is_that_of_the_mean(plans):
    queries = clear_queries(noise=1.2)
    rows = life_long.measure(Memory(64, 1024, dtype=np.float32), queries, plans)
    right = [life_long.live(Memory(64, 1024, dtype=np.float32), queries, life)[1] for life in plans]
    for row in rows:
        values = np.concatenate([part[life.lag == row.lag] for part, life in zip(right, plans, strict=True)])
        assert 0 < row.accuracy < 1 and row.accuracy == pytest.approx(np.mean(values))
        error = np.sqrt(np.sum((values - values.mean())**2) / (len(values) - 1) / len(values))
        assert row.half_width == pytest.approx(1.96 * error)
