"""A memory that finds its neighbours through an index."""

import numpy as np
import pytest
from support.points import sphere

from refmem.memory import PAPER, TF2017, Memory
from refmem.neighbours import NAMES

INDEXES = [name for name in NAMES if name != "exact"]


def stream(rng, memory, steps, classes=12):
    """Answers of a life: noisy drawings of a few classes, more steps than slots."""
    centres = sphere(rng, classes, memory.key_dim)
    for _ in range(steps):
        labels = rng.integers(0, classes, 3)
        queries = centres[labels] + 0.1 * rng.normal(size=(3, memory.key_dim))
        output, _ = memory.forward(queries.astype(memory.dtype), labels)
        yield output


@pytest.mark.parametrize("profile", [PAPER, TF2017], ids=lambda profile: profile.name)
@pytest.mark.parametrize("search", INDEXES)
def test_a_life_is_the_same_through_an_index(search, profile):
    """A memory of 64 slots is so small that every index looks at nearly all of it; k-th neighbours may differ."""
    plain, fast = (Memory(16, 64, profile=profile, vocab_size=12, search=name) for name in ("exact", search))
    for wanted, got in zip(stream(np.random.default_rng(1), plain, 60), stream(np.random.default_rng(1), fast, 60),
                           strict=True):
        assert got.values.tolist() == wanted.values.tolist()
        np.testing.assert_allclose(got.loss, wanted.loss, atol=1e-12)
    for name, array in plain.state.arrays().items():
        np.testing.assert_allclose(fast.state.arrays()[name], array, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("search", INDEXES)
def test_a_saved_memory_goes_on_as_if_it_had_not_been_saved(search, tmp_path):
    memory = Memory(16, 100, search=search, seed=5)
    list(stream(np.random.default_rng(2), memory, 20))
    memory.save(tmp_path / "memory.npz")
    loaded = Memory.load(tmp_path / "memory.npz")
    assert loaded.search == search
    for one, other in zip(stream(np.random.default_rng(3), memory, 20), stream(np.random.default_rng(3), loaded, 20),
                          strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("search", INDEXES)
def test_the_index_follows_clear_assignment_and_rebuild(search):
    memory, other = (Memory(8, 50, search=search) for _ in range(2))
    rng = np.random.default_rng(4)
    queries, labels = sphere(rng, 6, 8), np.arange(6)
    memory.forward(queries, labels)
    assert memory.forward(queries)[0].values.tolist() == labels.tolist()
    other.state = memory.state.copy()
    assert other.forward(queries)[0].values.tolist() == labels.tolist()
    memory.state.keys[:6] = memory.state.keys[5::-1].copy()
    memory.rebuild()
    assert memory.forward(queries)[0].values.tolist() == labels[::-1].tolist()
    memory.clear()
    assert memory.forward(queries)[0].values.tolist() == [-1] * 6


@pytest.mark.parametrize("search", INDEXES)
def test_a_zero_query_has_cosine_zero_with_every_key(search):
    memory = Memory(8, 50, search=search)
    queries = sphere(np.random.default_rng(5), 3, 8)
    memory.forward(queries, np.arange(3))
    output, _ = memory.forward(np.concatenate([queries[:1], np.zeros((1, 8))]))
    assert output.neighbours[0, 0] == 0
    assert output.neighbours[1, :4].tolist() == [0, 1, 2, -1]
    assert output.cosines[1, :3].tolist() == [0, 0, 0]


def test_what_auto_picked_can_be_seen():
    assert Memory(8, 64, search="auto").index.name == "exact"
    assert Memory(8, 2048, search="auto", dtype="f4").index.name == "fused"
    assert Memory(8, 8192, search="auto", dtype="f4").index.name == "sketch"
    assert Memory(8, 64).index is None


def test_an_unknown_search_is_refused():
    with pytest.raises(ValueError, match="search must be one of"):
        Memory(8, 64, search="fastest")
