"""Memories as hypothesis draws them: of any size, with any past, and the next batch."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from support.memories import PROFILES, a_batch, everything_in, with_a_past

from refmem.memory import TF2017

quick = settings(max_examples=40, deadline=None)


@st.composite
def cases(draw, profile=None, at_least_as_many_slots=True, **fixed):
    """A memory with a past, and a batch for it: (memory, queries, labels, classes)."""
    profile = profile or PROFILES[draw(st.sampled_from(sorted(PROFILES)))]
    batch = draw(st.integers(1, 5))
    smallest = 2 if profile is TF2017 else 1
    memory_size = draw(st.integers(max(smallest, batch if at_least_as_many_slots else 1), 12))
    classes, key_dim = draw(st.integers(1, 5)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    changes = {"k": draw(st.integers(smallest, 14)), "correct_in_top": draw(st.integers(1, 3))} | fixed
    memory = with_a_past(profile, rng, key_dim=key_dim, memory_size=memory_size, batch=batch, classes=classes,
                         steps=draw(st.integers(0, 6)), dtype=dtype, **changes)
    queries, labels = a_batch(rng, batch, key_dim, classes, dtype)
    return memory, queries, labels, classes


def projected(memory, queries):
    weights = memory.params.get("query_projection")
    return queries if weights is None else queries @ weights


def rounding(memory):
    return 200 * np.finfo(memory.dtype).eps


def last_writer(memory, labels):
    """For each slot the row of the batch that wrote it last, or -1: rows were given their number as source."""
    after = everything_in(memory)["sources"]
    return np.where(after < len(labels), after, -1)
