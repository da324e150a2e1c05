"""The LSTM, one step and a whole sequence, against loops and PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import lstm, lstm_cell, lstm_fused

few = st.integers(1, 3)


def drawn(rng, batch, length, inputs, width):
    """x, state, W_x, W_h, b."""
    return [rng.standard_normal(shape) for shape in
            ((batch, length, inputs), (2, batch, width), (inputs, 4 * width), (width, 4 * width), (4 * width,))]


@settings(deadline=None)
@given(few, few, few, few, st.booleans(), st.data())
def test_it_is_the_loop(batch, length, inputs, width, reverse, data):
    arrays = drawn(np.random.default_rng(0), batch, length, inputs, width)
    flags = data.draw(st.lists(st.booleans(), min_size=batch * length, max_size=batch * length))
    mask = np.array(flags).reshape(batch, length)
    y, cache = lstm.forward(*arrays, mask, reverse=reverse)
    expected, last = oracle.lstm(*(a.tolist() for a in arrays), mask.tolist(), reverse)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cache.last, last, rtol=1e-12, atol=1e-14)


def test_a_sequence_is_its_steps():
    rng = np.random.default_rng(1)
    x, state, *weights = drawn(rng, 3, 5, 4, 6)
    y, cache = lstm.forward(x, state, *weights)
    steps = []
    for t in range(5):
        state, step = lstm_cell.forward(x[:, t], state, *weights)
        steps.append(step)
        np.testing.assert_allclose(y[:, t], state[0], rtol=1e-14)
    np.testing.assert_allclose(cache.last, state, rtol=1e-14)

    dy, d_last = rng.standard_normal(y.shape), rng.standard_normal(state.shape)
    dx, d_first, *d_weights = lstm.backward(dy, cache, d_last=d_last)
    d_state, totals = d_last, [0, 0, 0]
    for t in reversed(range(5)):
        d_state = d_state + np.stack([dy[:, t], np.zeros_like(dy[:, t])])
        d_x, d_state, *some = lstm_cell.backward(d_state, steps[t])
        np.testing.assert_allclose(dx[:, t], d_x, rtol=1e-12, atol=1e-14)
        totals = [total + one for total, one in zip(totals, some, strict=True)]
    np.testing.assert_allclose(d_first, d_state, rtol=1e-12, atol=1e-14)
    for got, want in zip(d_weights, totals, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
def test_it_is_the_lstm_of_pytorch(reverse):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    lengths = [5, 2, 4]
    mask = np.arange(5) < np.array(lengths)[:, None]
    arrays = drawn(rng, 3, 5, 4, 6)
    if reverse:  # PyTorch starts the other half of a bidirectional layer from a state of its own
        arrays[1][:] = 0
    y, cache = lstm.forward(*arrays, mask, reverse=reverse)
    dy, d_last = rng.standard_normal(y.shape) * mask[..., None], rng.standard_normal((2, 3, 6))

    theirs = torch.nn.LSTM(4, 6, batch_first=True, bidirectional=reverse, dtype=torch.float64)
    x, state, w_x, w_h, bias = (torch.tensor(a, requires_grad=True) for a in arrays)
    suffix = "_l0_reverse" if reverse else "_l0"
    parameters = {f"weight_ih{suffix}": w_x.T, f"weight_hh{suffix}": w_h.T, f"bias_ih{suffix}": bias,
                  f"bias_hh{suffix}": torch.zeros(24, dtype=torch.float64)}
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    first = tuple(torch.stack([torch.zeros(3, 6), s]) if reverse else s[None] for s in state)
    parameters |= {name: p for name, p in theirs.named_parameters() if name not in parameters}
    out, (h, c) = torch.func.functional_call(theirs, parameters, (packed, first))
    out = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0][..., -6:]
    np.testing.assert_allclose(y * mask[..., None], out.detach(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cache.last, torch.stack([h[-1], c[-1]]).detach(), rtol=1e-12, atol=1e-14)

    ((out * torch.tensor(dy)).sum() + (torch.stack([h[-1], c[-1]]) * torch.tensor(d_last)).sum()).backward()
    for got, leaf in zip(lstm.backward(dy, cache, d_last=d_last), (x, state, w_x, w_h, bias), strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-10, atol=1e-13)


def test_what_stands_at_padding_does_not_matter():
    rng = np.random.default_rng(3)
    x, *rest = drawn(rng, 2, 4, 3, 5)
    mask = np.array([[True, True, False, False], [True, True, True, True]])
    y, cache = lstm.forward(x, *rest, mask)
    dirty = np.where(mask[..., None], x, 1e6)
    np.testing.assert_array_equal(lstm.forward(dirty, *rest, mask)[0], y)
    dx = lstm.backward(np.ones_like(y), cache)[0]
    assert not dx[~mask].any()


def test_the_forget_bias_is_the_second_block():
    assert lstm_cell.forget_bias(np.zeros(8), 2.0).tolist() == [0, 0, 2, 2, 0, 0, 0, 0]


def test_large_sums_do_not_overflow():
    x = np.array([[[1e4], [-1e4]]])
    y, _ = lstm.forward(x, np.zeros((2, 1, 1)), np.ones((1, 4)), np.zeros((1, 4)), np.zeros(4))
    assert np.isfinite(y).all()


@pytest.mark.parametrize(("which", "shape", "message"), [
    (1, (2, 3, 5), r"state must have shape \(2, 2, 5\), got \(2, 3, 5\)"),
    (2, (3, 19), r"w_x must have shape \(3, 20\), got \(3, 19\)"),
    (3, (5, 16), r"w_h must have shape \(5, 20\), got \(5, 16\)"),
    (4, (5,), r"bias must have shape \(20,\), got \(5,\)"),
])
def test_what_does_not_fit_is_refused(which, shape, message):
    arrays = drawn(np.random.default_rng(0), 2, 4, 3, 5)
    arrays[which] = np.zeros(shape)
    with pytest.raises(ValueError, match=message):
        lstm.forward(*arrays)


def test_a_mask_of_numbers_is_refused():
    with pytest.raises(TypeError, match="mask must be bool, got float64"):
        lstm.forward(*drawn(np.random.default_rng(0), 2, 4, 3, 5), np.ones((2, 4)))


@settings(deadline=None)
@given(few, st.integers(1, 5), few, few, st.booleans(), st.sampled_from([np.float64, np.float32]), st.data())
def test_the_fused_twin_finds_the_same(batch, length, inputs, width, reverse, dtype, data):
    rng = np.random.default_rng(4)
    arrays = [a.astype(dtype) for a in drawn(rng, batch, length, inputs, width)]
    flags = data.draw(st.lists(st.booleans(), min_size=batch * length, max_size=batch * length))
    mask = data.draw(st.sampled_from([None, np.array(flags).reshape(batch, length)]))
    tolerance = 1e-12 if dtype is np.float64 else 1e-4
    y, cache = lstm.forward(*arrays, mask, reverse=reverse)
    fused, fused_cache = lstm_fused.forward(*arrays, mask, reverse=reverse)
    np.testing.assert_allclose(fused, y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(fused_cache.last, cache.last, rtol=tolerance, atol=tolerance)
    dy, d_last = rng.standard_normal(y.shape).astype(dtype), rng.standard_normal(cache.last.shape).astype(dtype)
    for got, want in zip(lstm_fused.backward(dy, fused_cache, d_last=d_last),
                         lstm.backward(dy, cache, d_last=d_last), strict=True):
        np.testing.assert_allclose(got, want, rtol=10 * tolerance, atol=10 * tolerance)
