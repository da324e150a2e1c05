"""Every workload: all its sides compute the same, and the memory's peer leads the same life for longer."""

import inspect

import numpy as np
import pytest

from bench import workloads
from bench.workloads import memory as of_memory
from refmem.memory import TF2017, Memory

SMALL = {"slots": 300, "length": 5}
"""Sizes for the test, by the name of what `make` takes."""


@pytest.mark.parametrize("name", workloads.FILES)
def test_every_side_computes_the_same(name):
    """The first step of every side gives the same results under the same names."""
    workload = workloads.find(name)
    results = {}
    for side in workloads.sides_here(workload):
        make = workload.sides[side]
        sizes = {size: value for size, value in SMALL.items() if size in inspect.signature(make).parameters}
        results[side] = {what: on_host(array) for what, array in make(3, 0, **sizes)().items()}
    wanted = results.pop("ours")
    assert wanted
    for side, got in results.items():
        assert got.keys() == wanted.keys(), side
        for what, array in wanted.items():
            assert got[what].shape == array.shape, (side, what)
            np.testing.assert_allclose(got[what], array, rtol=0, err_msg=f"{side}, {what}",
                                       atol=workload.tolerance * np.abs(array).max() + 1e-12)


def on_host(array):
    """As an array of NumPy: PyTorch's know the way, CuPy's are asked."""
    if hasattr(array, "detach"):
        return array.detach().cpu().numpy()
    return array.get() if hasattr(array, "get") else np.asarray(array)


@pytest.mark.parametrize("name", workloads.FILES)
def test_every_workload_is_whole(name):
    workload = workloads.find(name)
    assert workload.name == name and workload.about and workload.batches
    assert {"ours", "torch"} <= set(workload.sides) <= set(workloads.HERE)
    for size in workload.growth.keys() - {"batch"}:
        assert all(size in inspect.signature(make).parameters for make in workload.sides.values()), size


def test_no_such_workload():
    with pytest.raises(ValueError, match="there is no workload 'gnn'; there are cnn, "):
        workloads.find("gnn")


def test_pytorch_leads_the_same_life_of_the_memory(monkeypatch):
    torch = pytest.importorskip("torch")
    from bench.peers.memory import Memory as Peer

    monkeypatch.setattr(of_memory, "CLASSES", 40)
    state, batches = of_memory.data(16, 0, 300)
    theirs = Peer(state)
    ours = Memory(of_memory.WIDTH, 300, dtype=np.float32)
    ours.state = state
    for queries, labels in batches:
        output, cache = ours.forward(queries, labels)
        loss, gradient = theirs.step(torch.from_numpy(queries), torch.from_numpy(labels))
        assert float(output.loss) == pytest.approx(float(loss), rel=1e-4, abs=1e-6)
        np.testing.assert_allclose(gradient.numpy(), ours.backward(cache)[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(theirs.keys.numpy(), ours.state.keys, atol=1e-6)
    np.testing.assert_array_equal(theirs.values.numpy(), ours.state.values)
    np.testing.assert_array_equal(theirs.ages.numpy(), ours.state.ages)


def test_pytorch_leads_the_same_life_under_the_released_rules(monkeypatch):
    """Projection, pool with the recent slot, noise on the ages: the same to the last slot after 16 batches."""
    torch = pytest.importorskip("torch")
    from bench.peers.memory_tf2017 import Memory as Peer

    slots, classes = 300, 40
    monkeypatch.setattr(of_memory, "CLASSES", classes)
    state, batches, projection = of_memory.released_data(16, 0, slots)
    drawn, same = np.random.default_rng(7), np.random.default_rng(7)
    noise = lambda m: torch.from_numpy(same.uniform(-TF2017.age_noise, TF2017.age_noise, m))  # noqa: E731
    theirs = Peer(state, torch.from_numpy(projection), noise)
    ours = Memory(of_memory.WIDTH, slots, profile=TF2017, vocab_size=classes, dtype=np.float32)
    ours.params["query_projection"] = projection
    ours.state = state
    for queries, labels in batches:
        output, cache = ours.forward(queries, labels, rng=drawn)
        loss, d_queries, d_projection = theirs.step(torch.from_numpy(queries), torch.from_numpy(labels))
        assert float(output.loss) == pytest.approx(float(loss), rel=1e-4, abs=1e-6)
        wanted, params = ours.backward(cache)
        np.testing.assert_allclose(d_queries.numpy(), wanted, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(d_projection.numpy(), params["query_projection"], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(theirs.keys.numpy(), ours.state.keys, atol=1e-6)
    for name in ("values", "ages", "recent"):
        np.testing.assert_array_equal(getattr(theirs, name).numpy(), getattr(ours.state, name), err_msg=name)
