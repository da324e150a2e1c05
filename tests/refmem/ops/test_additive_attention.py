"""Additive attention against the loop and autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import additive_attention, additive_attention_fused

few = st.integers(1, 3)


def drawn(rng, batch, steps, length, d_query=4, d_source=3, hidden=5):
    return [rng.standard_normal(shape) for shape in
            ((batch, steps, d_query), (batch, length, d_source), (d_query, hidden), (d_source, hidden), (hidden,))]


@settings(deadline=None)
@given(few, few, few, st.data())
def test_it_is_the_loop(batch, steps, length, data):
    arrays = drawn(np.random.default_rng(0), batch, steps, length)
    some = st.lists(st.booleans(), min_size=length, max_size=length).filter(any)
    mask = np.array(data.draw(st.lists(some, min_size=batch, max_size=batch)))
    context, cache = additive_attention.forward(*arrays, mask)
    expected, weights = oracle.additive_attention(*(a.tolist() for a in arrays), mask.tolist())
    np.testing.assert_allclose(context, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cache.weights.y, weights, rtol=1e-12, atol=1e-14)
    assert not cache.weights.y[np.broadcast_to(~mask[:, None], cache.weights.y.shape)].any()


def test_its_gradients_are_those_of_autograd():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    arrays = drawn(rng, 3, 4, 5)
    mask = np.arange(5) < np.array([5, 1, 3])[:, None]
    context, cache = additive_attention.forward(*arrays, mask)
    d_context = rng.standard_normal(context.shape)
    y, x, w_1, w_2, v = leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    scores = torch.tanh((y @ w_1).unsqueeze(2) + (x @ w_2).unsqueeze(1)) @ v
    alpha = torch.softmax(scores.masked_fill(~torch.tensor(mask)[:, None], -torch.inf), dim=2)
    torch.bmm(alpha, x).backward(torch.tensor(d_context))
    for got, leaf in zip(additive_attention.backward(d_context, cache), leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-10, atol=1e-13)


def test_padding_neither_speaks_nor_learns():
    rng = np.random.default_rng(2)
    queries, sources, *weights = drawn(rng, 2, 3, 4)
    mask = np.array([[True, False, True, False], [True, True, True, True]])
    context, cache = additive_attention.forward(queries, sources, *weights, mask)
    dirty = np.where(mask[..., None], sources, 1e3)
    np.testing.assert_allclose(additive_attention.forward(queries, dirty, *weights, mask)[0], context, rtol=1e-14)
    assert not additive_attention.backward(np.ones_like(context), cache)[1][~mask].any()


def test_a_row_of_padding_alone_is_refused():
    with pytest.raises(ValueError, match="mask must leave at least one source token"):
        additive_attention.forward(*drawn(np.random.default_rng(0), 2, 3, 4), np.array([[True] * 4, [False] * 4]))


def test_annotations_of_another_batch_are_refused():
    queries, sources, *weights = drawn(np.random.default_rng(0), 2, 3, 4)
    with pytest.raises(ValueError, match=r"annotations must have shape \(2, 4, 3\), got \(1, 4, 3\)"):
        additive_attention.forward(queries, sources[:1], *weights)


@settings(deadline=None)
@given(few, few, few, st.sampled_from([1.0, 100.0]), st.sampled_from([np.float64, np.float32]))
def test_the_fused_twin_finds_the_same(batch, steps, length, size, dtype):
    """At sums of 100, too, which it takes another way."""
    rng = np.random.default_rng(0)
    arrays = [(a * scale).astype(dtype) for a, scale in
              zip(drawn(rng, batch, steps, length), (size, 1, 1, 1, 1), strict=True)]
    mask = np.arange(length) < rng.integers(1, length + 1, batch)[:, None]
    tolerance = 1e-11 if dtype is np.float64 else 2e-4
    plain, cache = additive_attention.forward(*arrays, mask)
    fused, fused_cache = additive_attention_fused.forward(*arrays, mask)
    np.testing.assert_allclose(fused, plain, rtol=tolerance, atol=tolerance)
    d_context = rng.standard_normal(plain.shape).astype(dtype)
    for got, want in zip(additive_attention_fused.backward(d_context, fused_cache),
                         additive_attention.backward(d_context, cache), strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(1, np.abs(want).max()))
