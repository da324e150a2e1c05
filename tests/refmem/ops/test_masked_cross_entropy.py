"""Masked cross-entropy with label smoothing against the loop, PyTorch, and the plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import masked_cross_entropy, softmax_cross_entropy


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.floats(0, 0.9), st.data())
def test_it_is_the_loop(rows, classes, smoothing, data):
    logits = 10 * np.random.default_rng(0).standard_normal((rows, classes))
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    loss, _ = masked_cross_entropy.forward(logits, labels, mask, smoothing=smoothing)
    expected = [oracle.masked_cross_entropy(*row, smoothing) for row in zip(logits.tolist(), labels, mask, strict=True)]
    np.testing.assert_allclose(loss, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_that_of_pytorch(smoothing):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    logits, d_loss = rng.standard_normal((4, 3, 6)), rng.standard_normal((4, 3))
    mask = rng.random((4, 3)) < 0.7
    labels = np.where(mask, rng.integers(0, 6, (4, 3)), -100)
    leaf = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf.reshape(12, 6), torch.tensor(labels.reshape(12)), reduction="none",
                                               label_smoothing=smoothing)
    theirs.backward(torch.tensor(d_loss.reshape(12)))
    loss, cache = masked_cross_entropy.forward(logits, labels, mask, smoothing=smoothing)
    np.testing.assert_allclose(loss.reshape(12), theirs.detach(), rtol=1e-13)
    np.testing.assert_allclose(masked_cross_entropy.backward(d_loss, cache), leaf.grad, rtol=1e-12, atol=1e-15)


def test_without_padding_and_smoothing_it_is_the_plain_one():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((5, 7)), rng.integers(0, 7, 5)
    plain, plain_cache = softmax_cross_entropy.forward(logits, labels)
    loss, cache = masked_cross_entropy.forward(logits, labels)
    np.testing.assert_allclose(loss, plain, rtol=1e-13)
    np.testing.assert_allclose(masked_cross_entropy.backward(loss, cache),
                               softmax_cross_entropy.backward(loss, plain_cache), rtol=1e-13)


def test_a_class_that_is_ruled_out_does_no_harm():
    loss, _ = masked_cross_entropy.forward(np.array([[0.0, -np.inf]]), np.array([0]))
    assert loss.tolist() == [0]


@pytest.mark.parametrize(("labels", "options", "error", "message"), [
    (np.array([0, 3]), {}, ValueError, r"labels must be in 0\.\.2, got 3"),
    (np.array([0, 1]), {"smoothing": 1.0}, ValueError, r"smoothing must lie in \[0, 1\), got 1.0"),
    (np.array([0, 1]), {"mask": np.ones(2)}, TypeError, "mask must be bool, got float64"),
    (np.array([0, 1]), {"mask": np.ones(3, bool)}, ValueError, r"mask must have shape \(2,\), got \(3,\)"),
])
def test_what_does_not_fit_is_refused(labels, options, error, message):
    with pytest.raises(error, match=message):
        masked_cross_entropy.forward(np.zeros((2, 3)), labels, **options)
