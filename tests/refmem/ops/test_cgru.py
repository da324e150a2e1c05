"""The cell and its n steps: the equations, autograd through 45 steps, recomputation, relaxation, dropout, the twin."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem.conformance.making.in_torch import neural_gpu as in_torch
from refmem.ops import cgru, cgru_steps, conv2d, hard_gate
from refmem.ops.cgru_cell import cell_class
from refmem.ops.room import Room

NAMES = ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")


def weights(m, *stacked, seed=0, dtype=np.float64, kernel=3):
    rng = np.random.default_rng(seed)
    shapes = (kernel, kernel, m, 2 * m), (2 * m,), (kernel, kernel, m, m), (m,)
    drawn = [0.4 * rng.standard_normal((*stacked, *shape)) for shape in shapes]
    drawn[1] += 1
    return [array.astype(dtype) for array in drawn]


def image(batch=2, n=5, w=4, m=3, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((batch, n, w, m)).astype(dtype)


def relative(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


def test_a_cell_is_its_equations():
    s, (gate_kernels, gate_bias, candidate_kernels, candidate_bias) = image(), weights(3)
    gates = hard_gate.forward(conv2d.forward(s, gate_kernels, gate_bias)[0])[0]
    u, r = gates[..., :3], gates[..., 3:]
    c = np.tanh(conv2d.forward(r * s, candidate_kernels, candidate_bias)[0])
    got, _ = cgru.forward(s, gate_kernels, gate_bias, candidate_kernels, candidate_bias)
    np.testing.assert_allclose(got, u * s + (1 - u) * c, rtol=1e-14)


def test_an_open_update_gate_keeps_the_image_and_a_shut_one_replaces_it():
    s, w = image(), weights(3)
    w[0][..., :3] = 0
    for bias, kept in ((60.0, True), (-60.0, False)):
        w[1][:3] = bias
        y, cache = cgru.forward(s, *w)
        np.testing.assert_allclose(y, s if kept else cache.c, atol=1e-15)


def test_the_drive_is_a_second_convolution():
    """Of an image p beside s: the same as one convolution of both, channels side by side."""
    torch = pytest.importorskip("torch")
    s, p, w = image(seed=1), image(seed=2), weights(3)
    k = 0.3 * np.random.default_rng(3).standard_normal((3, 3, 3, 9))
    drive, _ = conv2d.forward(p, k, np.zeros(9))
    got, _ = cgru.forward(s, *w, drive)
    want = in_torch.cgru(torch, *map(torch.tensor, (s, *w, drive)))
    np.testing.assert_allclose(got, want.numpy(), rtol=1e-12)


@pytest.mark.parametrize("conv", ["plain", "columns", "winograd"])
@pytest.mark.parametrize(("sets", "cutoff"), [(1, "paper"), (2, "released")])
def test_45_steps_and_back_are_those_of_autograd(conv, sets, cutoff):
    torch = pytest.importorskip("torch")
    s, w, steps = image(2, 9, 4, 4), weights(4, sets, 2), 45
    y, cache = cgru_steps.forward(s, *w, steps=steps, cutoff=cutoff, conv=conv)
    dy = np.random.default_rng(5).standard_normal(y.shape)
    tensors = [torch.tensor(array, requires_grad=True) for array in (s, *w)]
    want = in_torch.cgru_steps(torch, *tensors, steps=steps, cutoff=cutoff)
    want.backward(torch.tensor(dy))
    assert relative(y, want.detach().numpy()) < 1e-10
    for got, tensor in zip(cgru_steps.backward(dy, cache), tensors, strict=True):
        assert relative(got, tensor.grad.numpy()) < 1e-10


@pytest.mark.parametrize("conv", ["plain", "columns", "winograd"])
@pytest.mark.parametrize("segment", [1, 3, 4, 7, 20])
def test_recomputing_segments_gives_the_same_bits(conv, segment):
    s, w = image(), weights(3, 2, 2)
    results = []
    for length in (None, segment):
        y, cache = cgru_steps.forward(s, *w, steps=10, segment=length, keep=0.8, rng=np.random.default_rng(4),
                                      conv=conv)
        results.append((y, *cgru_steps.backward(np.ones_like(y), cache)))
    for kept, again in zip(*results, strict=True):
        np.testing.assert_array_equal(kept, again)


def held(thing, seen):
    """Bytes of all distinct arrays that a cache holds."""
    if isinstance(thing, np.ndarray):
        base = thing if thing.base is None else thing.base
        if id(base) in seen:
            return 0
        seen.add(id(base))
        return base.nbytes
    if isinstance(thing, (list, tuple)):
        return sum(held(part, seen) for part in thing)
    return 0


def test_with_segments_the_memory_grows_with_the_root_of_the_steps():
    """What is kept between the passes, and what a segment needs when it is computed once more."""
    s, w, layers = image(1, 6, 4, 3), weights(3, 1, 2), 2
    image_bytes, weight_bytes = s.nbytes, sum(array.nbytes for array in w)

    def most(steps, segment):
        _, cache = cgru_steps.forward(s, *w, steps=steps, segment=segment)
        kept = held(cache.segments, set()) / image_bytes
        return kept + (4 * layers * segment if segment else 0)

    assert most(72, None) > 4 * layers * 72 * 0.9
    for steps in (32, 128, 512):
        segment = cgru_steps.best_segment(steps, layers)
        assert segment == round((steps / 8) ** 0.5)
        assert most(steps, segment) <= 2.2 * (4 * layers * steps) ** 0.5 + weight_bytes / image_bytes
    assert cgru_steps.best_segment(1, 2) == 1


def test_each_step_uses_its_set_and_each_set_has_its_own_gradient():
    s, w = image(), weights(3, 3, 1)
    y, cache = cgru_steps.forward(s, *w, steps=2)
    one = s
    for t in range(2):
        one, _ = cgru.forward(one, *(array[t, 0] for array in w))
    np.testing.assert_allclose(y, one, rtol=1e-13)
    gradients = cgru_steps.backward(np.ones_like(y), cache)[1:]
    assert all(np.abs(g[:2]).max() > 0 and not g[2].any() for g in gradients)


def test_dropout_draws_a_new_mask_for_each_step_and_leaves_the_last_image_whole():
    s, w = image(4), weights(3, 1, 1)
    rng = np.random.default_rng(0)
    y, cache = cgru_steps.forward(s, *w, steps=3, keep=0.7, rng=copy.deepcopy(rng))
    masks = [step.scale.scale for step in cache.segments[0].found]
    assert len({mask.tobytes() for mask in masks}) == 3
    assert all(abs((mask > 0).mean() - 0.7) < 0.1 and set(np.unique(mask)) == {0, 1 / 0.7} for mask in masks)
    one = s
    for mask in masks:
        one, _ = cgru.forward(one * mask, *(array[0, 0] for array in w))
    np.testing.assert_allclose(y, one, rtol=1e-13)


def test_no_steps_are_the_identity():
    s, w = image(), weights(3, 1, 2)
    y, cache = cgru_steps.forward(s, *w, steps=0)
    np.testing.assert_array_equal(y, s)
    ds, *others = cgru_steps.backward(s, cache)
    np.testing.assert_array_equal(ds, s)
    assert not any(array.any() for array in others)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 6), st.integers(1, 5)), st.booleans(),
       st.sampled_from(["paper", "released"]), st.integers(0, 2**31))
def test_the_twin_of_the_cell_is_the_plain_one(size, driven, cutoff, seed):
    batch, n, w, m = size
    s, cell_weights = image(batch, n, w, m, seed), cgru.Weights(*weights(m, seed=seed))
    drive = image(batch, n, w, 3 * m, seed + 1) if driven else None
    results = []
    for conv in ("plain", "columns", "winograd"):
        cell = cell_class(conv)(cell_weights, cutoff, Room(np.float64))
        y, cache = cell.forward(s, drive)
        ds, d_drive = cell.backward(np.cos(y), cache)
        results.append([y, ds, *cell.gradients(), *([d_drive] if driven else [])])
    for fast, plain in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-10, atol=1e-11)


def test_the_twin_in_float32_stays_near_through_40_steps():
    s, w = image(2, 20, 4, 8), [0.5 * array for array in weights(8, 1, 2)]  # larger ones would multiply any rounding
    exact, cache = cgru_steps.forward(s, *w, steps=40)
    d_exact = cgru_steps.backward(np.ones_like(exact), cache)
    narrow = [array.astype(np.float32) for array in (s, *w)]
    for conv, allowed in (("plain", 2e-4), ("columns", 2e-4), ("winograd", 1e-3)):
        y, cache = cgru_steps.forward(*narrow, steps=40, conv=conv)
        assert y.dtype == np.float32
        assert relative(y, exact) < allowed
        for got, want in zip(cgru_steps.backward(np.ones_like(y), cache), d_exact, strict=True):
            assert relative(got, want) < 10 * allowed


def test_the_compiled_tanh_in_float32():
    from refmem.ops.cgru_kernels import mix

    x = np.linspace(-20, 20, 4001, dtype=np.float32)[:, None]
    zero, c = np.zeros((len(x), 2), np.float32), x.copy()
    mix(c, np.empty((len(x), 0), np.float32), np.zeros_like(x), zero, np.empty_like(x))
    assert np.abs(c - np.tanh(x.astype(np.float64))).max() < 5e-7
    assert np.abs(c).max() <= 1


@pytest.mark.parametrize(("change", "message"), [
    (lambda s, w: (s[..., :2], w), "must have shape"),
    (lambda s, w: (s, [w[0][:, :, :2], *w[1:]]), r"gate_kernels must have an odd height and width, got 2x3"),
    (lambda s, w: (s, [w[0], w[1][..., :5], *w[2:]]), r"gate_bias must have shape \(6,\), got \(5,\)"),
    (lambda s, w: (s, [w[0], w[1], np.repeat(w[2], 2, axis=1), w[3]]), r"candidate_kernels must hold \(1, 1\)"),
    (lambda s, w: (s, [array[:, :0] for array in w]), "at least one set of one layer"),
])
def test_what_does_not_fit_is_refused(change, message):
    s, w = change(image(), weights(3, 1, 1))
    with pytest.raises(ValueError, match=message):
        cgru_steps.forward(s, *w, steps=1)


@pytest.mark.parametrize(("options", "message"), [
    ({"steps": -1}, "steps must be at least 0, got -1"), ({"steps": 1, "segment": 0}, "segment must be at least 1"),
    ({"steps": 1, "keep": 0.0}, r"keep must lie in \(0, 1\], got 0.0"),
    ({"steps": 1, "keep": 0.5}, "rng must be given for dropout"),
    ({"steps": 1, "conv": "fft"}, "conv must be one of plain, columns, winograd, got 'fft'"),
    ({"steps": 1, "cutoff": "1.2"}, "cutoff must be one of paper, released"),
])
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        cgru_steps.forward(image(), *weights(3, 1, 1), **options)


def test_the_twin_takes_kernels_of_three_alone():
    with pytest.raises(ValueError, match="must be 3x3 for cgru_winograd, got 5x5"):
        cgru_steps.forward(image(), *weights(3, 1, 1, kernel=5), steps=1, conv="winograd")


def test_applying_keeps_nothing_and_finds_the_same():
    s, w = image(), weights(3, 2, 2)
    y, _ = cgru_steps.forward(s, *w, steps=5)
    np.testing.assert_array_equal(cgru_steps.apply(s, *w, steps=5), y)


def test_a_room_uses_scratch_again_and_never_what_is_kept():
    room = Room(np.float32)
    one, two = room.scratch("a", (4, 5)), room.scratch("a", (2, 5))
    assert np.shares_memory(one, two) and two.shape == (2, 5)
    assert not np.shares_memory(one, room.scratch("b", (4, 5)))
    kept = [room.kept((100, 100)) for _ in range(400)]
    for i, array in enumerate(kept):
        array[...] = i
    assert all((array == i).all() for i, array in enumerate(kept))
