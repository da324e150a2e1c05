"""The two squashing functions against PyTorch, and far out."""

import numpy as np
import pytest

from refmem.ops import sigmoid, tanh


@pytest.mark.parametrize(("op", "name"), [(sigmoid, "sigmoid"), (tanh, "tanh")])
def test_they_are_those_of_pytorch(op, name):
    torch = pytest.importorskip("torch")
    x, dy = (np.random.default_rng(seed).standard_normal((4, 5)) * 3 for seed in (0, 1))
    leaf = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch, name)(leaf)
    theirs.backward(torch.tensor(dy))
    y, cache = op.forward(x)
    np.testing.assert_allclose(y, theirs.detach(), rtol=1e-14)
    np.testing.assert_allclose(op.backward(dy, cache), leaf.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.filterwarnings("error")
def test_a_sigmoid_far_out_neither_overflows_nor_loses_its_small_values():
    y, _ = sigmoid.forward(np.array([-1e5, -100.0, 0.0, 100.0, 1e5]))
    np.testing.assert_allclose(y, [0, np.exp(-100.0), 0.5, 1, 1], rtol=1e-14)
