"""Batch normalisation against PyTorch, and what it promises."""

import numpy as np
import pytest

from refmem.ops import batch_norm


@pytest.mark.parametrize("given", [False, True])
def test_it_is_that_of_pytorch(given):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, gain, bias, dy = (rng.standard_normal(shape) for shape in ((6, 3), (3,), (3,), (6, 3)))
    statistics = (rng.standard_normal(3), rng.random(3) + 0.5) if given else None
    y, cache = batch_norm.forward(x, gain, bias, statistics)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, gain, bias)]
    running = [None, None] if statistics is None else [torch.tensor(array) for array in statistics]
    theirs = torch.nn.functional.batch_norm(leaves[0], *running, *leaves[1:], training=not given, eps=1e-5)
    theirs.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, theirs.detach(), rtol=1e-12, atol=1e-14)
    for got, leaf in zip(batch_norm.backward(dy, cache), leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-10, atol=1e-13)


def test_columns_come_out_with_mean_0_and_variance_1():
    x = 3 + 2 * np.random.default_rng(0).standard_normal((50, 4))
    y, _ = batch_norm.forward(x, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-4)


def test_no_rows_have_no_mean():
    with pytest.raises(ValueError, match="x must have at least one row"):
        batch_norm.forward(np.zeros((0, 2)), np.ones(2), np.zeros(2))
    y, _ = batch_norm.forward(np.zeros((0, 2)), np.ones(2), np.zeros(2), (np.zeros(2), np.ones(2)))
    assert y.shape == (0, 2)
