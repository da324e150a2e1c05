"""The associative LSTM, against loops over complex numbers and PyTorch; and that it is a memory."""

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem.ops import associative_lstm
from refmem.ops.associative_lstm import sums


def drawn(rng, batch, length, inputs, cells, copies, heads):
    """x, W_x, W_h, b, shuffles."""
    width = sums(cells, heads)
    shapes = ((batch, length, inputs), (inputs, width), (2 * cells * heads, width), (width,))
    return [rng.standard_normal(shape) for shape in shapes] + [
        np.stack([rng.permutation(cells) for _ in range(copies)])]


def loops(x, w_x, w_h, bias, shuffles, heads):
    """One sequence, in Python's own complex numbers."""
    copies, cells = len(shuffles), len(shuffles[0])

    def sigmoid(v):
        return 1 / (1 + math.exp(-v))

    def bound(a):
        return a / max(1, abs(a))

    h, c, out = [0.0] * (2 * cells * heads), [[0j] * cells for _ in range(copies)], []
    for x_t in x:
        z = [bias[j] + sum(v * w_x[d][j] for d, v in enumerate(x_t)) + sum(v * w_h[d][j] for d, v in enumerate(h))
             for j in range(len(bias))]
        f, z = [sigmoid(v) for v in z[:cells]], z[cells:]
        gates = [[[sigmoid(z.pop(0)) for _ in range(cells)] for _ in range(heads)] for _ in range(2)]
        vectors = []
        for _ in range(3):
            vectors.append([])
            for _ in range(heads):
                re, im, z = z[:cells], z[cells:2 * cells], z[2 * cells:]
                vectors[-1].append([bound(complex(a, b)) for a, b in zip(re, im, strict=True)])
        (i, o), (r, q, u) = gates, vectors
        for s, shuffle in enumerate(shuffles):
            for j in range(cells):
                c[s][j] = f[j] * c[s][j] + sum(r[k][shuffle[j]] * i[k][j] * u[k][j] for k in range(heads))
        h = []
        for k in range(heads):
            seen = [sum(q[k][shuffle[j]] * c[s][j] for s, shuffle in enumerate(shuffles)) / copies
                    for j in range(cells)]
            shown = [o[k][j] * bound(a) for j, a in enumerate(seen)]
            h += [a.real for a in shown] + [a.imag for a in shown]
        out.append(h)
    return out


few = st.integers(1, 3)


@settings(deadline=None)
@given(few, few, few, few, few, few, st.integers(0, 99))
def test_it_is_the_loop(batch, length, inputs, cells, copies, heads, seed):
    x, *rest = drawn(np.random.default_rng(seed), batch, length, inputs, cells, copies, heads)
    y, _ = associative_lstm.forward(x, *rest, heads=heads)
    expected = [loops(sequence, *(a.tolist() for a in rest), heads) for sequence in x.tolist()]
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("copies", "heads"), [(1, 1), (4, 3)])
def test_its_gradients_are_those_of_pytorch(copies, heads):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    *arrays, shuffles = drawn(rng, 3, 5, 4, 6, copies, heads)
    y, cache = associative_lstm.forward(*arrays, shuffles, heads=heads)
    dy = rng.standard_normal(y.shape)
    x, w_x, w_h, bias = tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    shuffles = torch.tensor(shuffles)

    def numbers(z, parts):
        return z.reshape(len(z), heads, parts, 6)

    def bounded(z):
        a = torch.complex(*numbers(z, 2).unbind(2))
        return a / a.abs().clamp(min=1)

    h, c, out = x.new_zeros(3, 12 * heads), torch.zeros(3, copies, 6, dtype=torch.complex128), []
    for t in range(5):
        widths = [6, *(6 * n * heads for n in (1, 1, 2, 2, 2))]
        f, i, o, r, q, u = torch.split(x[:, t] @ w_x + h @ w_h + bias, widths, 1)
        i, o = (numbers(torch.sigmoid(gate), 1)[:, :, 0] for gate in (i, o))
        write = torch.einsum("bksj,bkj->bsj", bounded(r)[:, :, shuffles], i * bounded(u))
        c = torch.sigmoid(f)[:, None] * c + write
        seen = torch.einsum("bksj,bsj->bkj", bounded(q)[:, :, shuffles], c) / copies
        shown = o * seen / seen.abs().clamp(min=1)
        h = torch.stack([shown.real, shown.imag], 2).reshape(3, -1)
        out.append(h)
    expected = torch.stack(out, 1)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-13)
    for got, want in zip(associative_lstm.backward(dy, cache), tensors, strict=True):
        np.testing.assert_allclose(got, want.grad.numpy(), rtol=0, atol=1e-10 * np.abs(got).max())


def test_both_sides_of_the_bound_are_met():
    *arrays, shuffles = drawn(np.random.default_rng(1), 3, 5, 4, 6, 4, 3)
    _, cache = associative_lstm.forward(*arrays, shuffles)
    for outside in ([gates.u.outside for gates in cache.walked.gates], [read.outside for read in cache.walked.reads]):
        assert 0 < np.mean(outside) < 1


def test_what_was_stored_under_a_key_is_found_with_its_conjugate():
    """One cell number, one copy: written under the key r, read with conj(r), u comes back as it was."""
    angle, cells = 0.7, 1
    key, u = cmath.exp(1j * angle), 0.3 - 0.4j
    bias = np.array([0.0, 40.0, 40.0, key.real, key.imag, key.real, -key.imag, u.real, u.imag])  # f, i, o, r, q, u
    y, _ = associative_lstm.forward(np.zeros((1, 1, 1)), np.zeros((1, 9)), np.zeros((2, 9)), bias,
                                    np.zeros((1, cells), int), heads=1)
    np.testing.assert_allclose(y[0, 0], [u.real, u.imag], rtol=1e-12)


def test_more_copies_are_less_noise():
    """Five things under random keys; the error of what is found falls with the number of copies (Danihelka 2016)."""
    rng = np.random.default_rng(0)
    cells, length = 128, 5
    phases = rng.uniform(0, 2 * np.pi, (length, cells))
    keys, items = np.exp(1j * phases), np.exp(1j * rng.uniform(0, 2 * np.pi, (length, cells))) * 0.5
    errors = []
    for copies in (1, 4, 16):
        shuffles = np.stack([rng.permutation(cells) for _ in range(copies)])
        # Each step brings its own key and item through x; what is read is the first item, at the last step.
        parts = [np.concatenate([z.real, z.imag], axis=1) for z in (keys, np.repeat(keys[:1].conj(), length, 0), items)]
        x = np.concatenate([np.full((length, 3 * cells), 40.0), *parts], axis=1)[None]  # f, i and o open
        y, _ = associative_lstm.forward(x, np.eye(x.shape[2]), np.zeros((2 * cells, x.shape[2])),
                                        np.zeros(x.shape[2]), shuffles, heads=1)
        found = y[0, -1, :cells] + 1j * y[0, -1, cells:]
        errors.append(np.abs(found - items[0]).mean())
    assert errors[0] > 1.5 * errors[1] > 2.2 * errors[2]


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"shuffles": np.array([[0, 0]])}, ValueError, r"each row of shuffles must be a permutation of 0\.\.1"),
    ({"shuffles": np.array([[0.0, 1.0]])}, TypeError, "shuffles must be integers"),
    ({"shuffles": np.zeros((0, 2), int)}, ValueError, "at least one copy"),
    ({"heads": 0}, ValueError, "heads must be a whole number of at least 1, got 0"),
    ({"heads": 2}, ValueError, r"w_x must have shape \(3, 34\)"),
    ({"w_h": np.zeros((3, 18))}, ValueError, r"w_h must have shape \(4, 18\)"),
])
def test_wrong_arguments_are_refused(change, error, message):
    good = {"x": np.zeros((1, 2, 3)), "w_x": np.zeros((3, 18)), "w_h": np.zeros((4, 18)), "bias": np.zeros(18),
            "shuffles": np.array([[1, 0]]), "heads": 1}
    with pytest.raises(error, match=message):
        associative_lstm.forward(**{**good, **change})
