"""The embedding against one-hot rows and PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem.ops import embedding


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=12))
def test_it_is_the_product_with_one_hot_rows(tokens):
    rng = np.random.default_rng(0)
    table, tokens = rng.standard_normal((5, 3)), np.array(tokens, int)
    one_hot = np.eye(5)[tokens]
    y, cache = embedding.forward(table, tokens)
    np.testing.assert_array_equal(y, one_hot @ table)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(embedding.backward(dy, cache), one_hot.T @ dy, rtol=1e-13, atol=1e-15)


def test_it_is_the_embedding_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    table, tokens = rng.standard_normal((7, 4)), rng.integers(0, 7, (3, 6))
    y, cache = embedding.forward(table, tokens)
    leaf, dy = torch.tensor(table, requires_grad=True), rng.standard_normal(y.shape)
    torch.nn.functional.embedding(torch.tensor(tokens), leaf).backward(torch.tensor(dy))
    np.testing.assert_allclose(embedding.backward(dy, cache), leaf.grad, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("tokens", "error", "message"), [
    (np.array([[0, 5]]), ValueError, r"tokens must be in 0\.\.4, got 5"),
    (np.array([-1]), ValueError, r"tokens must be in 0\.\.4, got -1"),
    (np.array([1.0]), TypeError, "tokens must be integers, got float64"),
    ([0], TypeError, "tokens must be a NumPy or CuPy array"),
])
def test_wrong_tokens_are_refused(tokens, error, message):
    with pytest.raises(error, match=message):
        embedding.forward(np.zeros((5, 3)), tokens)
