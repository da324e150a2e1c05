"""Softmax, and softmax with cross-entropy, against loops and autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracles import ops as oracle
from refmem.ops import softmax, softmax_cross_entropy

scores = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-20, 20)))


@settings(deadline=None)
@given(scores)
def test_softmax_is_the_loop(x):
    np.testing.assert_allclose(softmax.forward(x)[0], [oracle.softmax(row) for row in x.tolist()], rtol=1e-12)


@settings(deadline=None)
@given(scores, st.floats(-1e4, 1e4))
def test_a_constant_more_changes_nothing(x, constant):
    np.testing.assert_allclose(softmax.forward(x + constant)[0], softmax.forward(x)[0], rtol=1e-9, atol=1e-11)


def test_large_scores_do_not_overflow():
    y, _ = softmax.forward(np.array([[1000.0, 0.0, -np.inf]]))
    assert y.tolist() == [[1, 0, 0]]


@settings(deadline=None)
@given(scores, st.data())
def test_cross_entropy_is_the_loop(logits, data):
    batch, classes = logits.shape
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=batch, max_size=batch)))
    loss, _ = softmax_cross_entropy.forward(logits, labels)
    expected = [oracle.cross_entropy(row, label) for row, label in zip(logits.tolist(), labels, strict=True)]
    np.testing.assert_allclose(loss, expected, rtol=1e-9, atol=1e-12)


def test_cross_entropy_of_a_hopeless_label_is_finite_and_exact():
    loss, cache = softmax_cross_entropy.forward(np.array([[1000.0, 0.0]]), np.array([1]))
    assert loss.tolist() == [1000]
    assert softmax_cross_entropy.backward(np.ones(1), cache).tolist() == [[1, -1]]


def test_they_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, labels, weights = rng.standard_normal((4, 6)), rng.integers(0, 6, 4), rng.standard_normal(4)
    t = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(t, torch.tensor(labels), reduction="none")
    expected.backward(torch.tensor(weights))
    loss, cache = softmax_cross_entropy.forward(x, labels)
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(softmax_cross_entropy.backward(weights, cache), t.grad.numpy(), atol=1e-15)

    t = torch.tensor(x, requires_grad=True)
    torch.softmax(t, dim=1).backward(torch.tensor(x))
    np.testing.assert_allclose(softmax.backward(x, softmax.forward(x)[1]), t.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("shape", [(), (3, 0)])
def test_softmax_of_nothing_is_refused(shape):
    with pytest.raises(ValueError, match="x must have a last axis with at least one score"):
        softmax.forward(np.zeros(shape))


@pytest.mark.parametrize(("labels", "error", "message"), [
    (np.array([0, 3]), ValueError, r"labels must be in 0\.\.2, got 3"),
    (np.array([0, -1]), ValueError, r"labels must be in 0\.\.2, got -1"),
    (np.array([0]), ValueError, r"labels must have shape \(2,\)"),
    (np.array([0.0, 1.0]), TypeError, "labels must be integers, got float64"),
    ([0, 1], TypeError, "labels must be a NumPy or CuPy array"),
])
def test_wrong_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        softmax_cross_entropy.forward(np.zeros((2, 3)), labels)


def test_logits_without_classes_are_refused():
    with pytest.raises(ValueError, match="logits must have at least one column"):
        softmax_cross_entropy.forward(np.zeros((2, 0)), np.zeros(2, int))
