"""The softmax over the vocabulary: the fused form against the two operations it is made of."""

import numpy as np
import pytest

from reference_models.seq2seq import output


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("rows", [1, output.CHUNK, 2 * output.CHUNK + 5])
def test_the_fused_form_finds_the_same(rows, shards, smoothing):
    rng = np.random.default_rng(0)
    z, weights, bias = (rng.standard_normal(shape) for shape in ((rows, 4), (4, 7), (7,)))
    labels = rng.integers(0, 7, rows)
    (plain, cache), (fused, fused_cache) = (
        output.forward(z, weights, bias, labels, smoothing=smoothing, twin=twin, shards=shards)
        for twin in ("plain", "fused"))
    np.testing.assert_allclose(fused.token_loss, plain.token_loss, rtol=1e-12)
    np.testing.assert_array_equal(fused.right, plain.right)
    for got, want in zip(output.backward(0.3, fused_cache), output.backward(0.3, cache), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_without_gradients_there_is_nothing_to_go_back_with():
    rng = np.random.default_rng(0)
    z, weights, bias = (rng.standard_normal(shape) for shape in ((9, 4), (4, 7), (7,)))
    labels = rng.integers(0, 7, 9)
    with_them, _ = output.forward(z, weights, bias, labels, twin="fused")
    losses, cache = output.forward(z, weights, bias, labels, twin="fused", gradients=False)
    assert cache is None
    np.testing.assert_array_equal(losses.token_loss, with_them.token_loss)
