"""Memories with given contents, or with a random past."""

from dataclasses import replace

import numpy as np

from refmem.memory import PAPER, TF2017, Memory

PROFILES = {"paper": PAPER, "tf2017": TF2017}


def holding(profile, keys, values, ages=None, *, vocab_size=10, recent=None, dtype=np.float64, **changes):
    """A memory of exactly these slots. The query projection, where there is one, is the identity."""
    keys = np.array(keys, dtype)
    changes = {"age_noise": 0.0} | changes
    vocab = {"vocab_size": vocab_size} if profile.rules == "tf2017" else {}
    memory = Memory(keys.shape[1], keys.shape[0], profile=replace(profile, **changes), dtype=dtype, **vocab)
    memory.state.keys[...] = keys
    memory.state.values[...] = values
    if ages is not None:
        memory.state.ages[...] = ages
    if recent is not None:
        memory.state.recent[...] = recent
    if "query_projection" in memory.params:
        memory.params["query_projection"][...] = np.eye(keys.shape[1])
    return memory


def with_a_past(profile, rng, *, key_dim, memory_size, batch, classes, steps, dtype=np.float64, **changes):
    """A memory that has seen `steps` random batches, with a random query projection where there is one."""
    vocab = {"vocab_size": classes} if profile.rules == "tf2017" else {}
    memory = Memory(key_dim, memory_size, profile=replace(profile, **changes), dtype=dtype, **vocab)
    for weights in memory.params.values():
        weights[...] = rng.standard_normal(weights.shape)
    for step in range(steps):
        queries, labels = a_batch(rng, batch, key_dim, classes, dtype)
        memory.forward(queries, labels, rng=rng, sources=np.arange(batch) + 1000 * (step + 1))
    return memory


def a_batch(rng, batch, key_dim, classes, dtype=np.float64):
    """Random queries and labels; some queries lie close to one another, so that rows are sometimes right."""
    centres = np.random.default_rng(7).standard_normal((classes, key_dim))
    labels = rng.integers(0, classes, batch)
    queries = centres[labels] + rng.standard_normal((batch, key_dim)) * rng.choice([0.1, 1.0], (batch, 1))
    return queries.astype(dtype), labels


def everything_in(memory):
    """A copy of all that the memory knows: its state and its parameters."""
    names = [name for name in ("keys", "values", "ages", "sources", "recent")
             if getattr(memory.state, name, None) is not None]
    copies = {name: getattr(memory.state, name).copy() for name in names}
    return copies | {name: weights.copy() for name, weights in memory.params.items()}


def assert_unchanged(memory, before):
    after = everything_in(memory)
    assert after.keys() == before.keys()
    for name, contents in after.items():
        np.testing.assert_array_equal(contents, before[name], err_msg=name)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)
