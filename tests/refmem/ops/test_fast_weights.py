"""The fast weights: reads against the loop, the recurrence against PyTorch, and the forms against each other."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import fast_weights as oracle

from refmem.ops import fast_weights_attention, fast_weights_matrix, fast_weights_rnn, fast_weights_rnn_compiled
from refmem.ops.fast_weights_choices import CHOICES, FW2016, JIAMINGS, WAYMANE1, Choices, differences

FORMS = {
    "attention": lambda *arrays, **options: fast_weights_rnn.forward(*arrays, form="attention", **options),
    "matrix": lambda *arrays, **options: fast_weights_rnn.forward(*arrays, form="matrix", **options),
    "compiled": fast_weights_rnn_compiled.forward,
}
BACKWARD = {"attention": fast_weights_rnn.backward, "matrix": fast_weights_rnn.backward,
            "compiled": fast_weights_rnn_compiled.backward}
STORED = {"attention": fast_weights_rnn.stored, "matrix": fast_weights_rnn.stored,
          "compiled": fast_weights_rnn_compiled.stored}


def forms_for(choices):
    return [form for form in FORMS if form != "compiled" or choices.plain]


def read_arguments(rng, batch, t, units):
    return [rng.standard_normal((batch, units)), rng.standard_normal((batch, t, units)), np.array(0.8), np.array(0.3)]


def arguments(choices, *, batch=3, length=5, past=0, units=6, seed=0):
    rng = np.random.default_rng(seed)
    states = [np.abs(rng.standard_normal(shape)) for shape in ((batch, units), (batch, past, units))]
    rate = 0.3 if choices.norm != "none" else 0.01  # without a norm the states grow
    return [rng.standard_normal((batch, length, units)), 0.3 * rng.standard_normal((units, units)), *states,
            np.array(0.9), np.array(rate), *rng.standard_normal((2, choices.norms, units))]


# --- Reading --------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(0, 4), st.integers(1, 5))
def test_both_reads_are_the_loop(batch, t, units):
    query, past, decay, rate = read_arguments(np.random.default_rng(0), batch, t, units)
    for op in (fast_weights_attention, fast_weights_matrix):
        got, _ = op.forward(query, past, decay, rate)
        for b in range(batch):
            wanted = oracle.read(query[b].tolist(), past[b].tolist(), float(decay), float(rate))
            np.testing.assert_allclose(got[b], wanted, atol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 5), st.floats(0, 1), st.floats(0, 2))
def test_both_reads_and_their_gradients_are_the_same(t, decay, rate):
    rng = np.random.default_rng(1)
    query, past, _, _ = read_arguments(rng, 2, t, 4)
    results = []
    for op in (fast_weights_attention, fast_weights_matrix):
        y, cache = op.forward(query, past, np.array(decay), np.array(rate))
        results.append((y, *op.backward(np.random.default_rng(2).standard_normal(y.shape), cache)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_an_empty_past_answers_zero_and_decay_0_forgets_all_but_the_latest():
    query, past, _, rate = read_arguments(np.random.default_rng(0), 2, 3, 4)
    assert not fast_weights_attention.forward(query, past[:, :0], np.array(0.5), rate)[0].any()
    for op in (fast_weights_attention, fast_weights_matrix):
        y, cache = op.forward(query, past, np.array(0.0), rate)
        only, _ = op.forward(query, past[:, -1:], np.array(0.0), rate)
        np.testing.assert_allclose(y, only, atol=1e-14)
        assert all(np.isfinite(gradient).all() for gradient in op.backward(y, cache))


# --- The recurrence -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_it_is_the_loop(form, steps):
    choices = dataclasses.replace(FW2016, steps=steps)
    inputs, recurrent, start, past, decay, rate, gain, bias = arrays = arguments(choices)
    hidden, _ = FORMS[form](*arrays, choices=choices)
    for b in range(len(inputs)):
        gains = (gain[0].tolist(), bias[0].tolist()) if steps else ([], [])
        wanted = oracle.sequence(inputs[b].tolist(), recurrent.tolist(), start[b].tolist(), float(decay), float(rate),
                                 *gains, steps, choices.epsilon)
        np.testing.assert_allclose(hidden[b], wanted, rtol=1e-11, atol=1e-12)


def in_torch(torch, choices, store, z, recurrent, h, past, decay, rate, gain, bias):
    """As one would write it there, with the matrix."""
    batch, length, units = z.shape
    matrix = before = torch.zeros(batch, units, units, dtype=z.dtype)

    def learned(matrix, h):
        return decay * matrix + rate * h[:, :, None] * h[:, None, :]

    def norm(x, place):
        if choices.norm == "none":
            return x
        axis = 1 if choices.norm == "features" else 0
        row = 0 if choices.norm_shared else place
        mean = x.mean(axis, keepdim=True)
        variance = ((x - mean) ** 2).mean(axis, keepdim=True)
        return (x - mean) / torch.sqrt(variance + choices.epsilon) * gain[row] + bias[row]

    for tau in range(past.shape[1]):
        before, matrix = matrix, learned(matrix, past[:, tau])
    hidden = []
    for t in range(length):
        boundary = z[:, t] + h @ recurrent
        h = torch.relu(norm(boundary, 0) if choices.norm_start else boundary)
        if store and choices.stored == "preliminary":
            matrix = learned(matrix, h)
        known = before if choices.lag and store else matrix
        for s in range(choices.steps):
            h = torch.relu(norm(boundary + (known @ h[:, :, None])[:, :, 0], s + choices.norm_start))
        if store and choices.stored == "final":
            before, matrix = matrix, learned(matrix, h)
        hidden.append(h)
    return torch.stack(hidden, 1)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("norm", ["none", "features", "batch"])
@pytest.mark.parametrize(("past", "store"), [(0, True), (2, True), (2, False)])
def test_gradients_are_those_of_autograd(name, steps, norm, past, store):
    torch = pytest.importorskip("torch")
    base = CHOICES[name]
    choices = dataclasses.replace(base, steps=steps, norm=norm, norm_start=base.norm_start and norm != "none",
                                  epsilon=1e-5)
    arrays = arguments(choices, past=past)
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    wanted = in_torch(torch, choices, store, *leaves)
    d_hidden = np.random.default_rng(3).standard_normal(wanted.shape)
    gradients = torch.autograd.grad(wanted, leaves, torch.tensor(d_hidden), allow_unused=True)
    for form in forms_for(choices):
        hidden, cache = FORMS[form](*arrays, choices=choices, store=store)
        np.testing.assert_allclose(hidden, wanted.detach().numpy(), rtol=1e-10, atol=1e-12)
        for got, want, array in zip(BACKWARD[form](d_hidden, cache), gradients, arrays, strict=True):
            want = np.zeros(array.shape) if want is None else want.numpy()
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-10 * max(1e-3, np.abs(want).max(initial=0)))


@pytest.mark.parametrize("choices", [FW2016, JIAMINGS, WAYMANE1], ids=lambda choices: choices.name)
def test_two_stretches_are_one(choices):
    arrays = arguments(choices, length=6)
    for form in forms_for(choices):
        whole, _ = FORMS[form](*arrays, choices=choices)
        first, cache = FORMS[form](arrays[0][:, :4], *arrays[1:], choices=choices)
        rest, _ = FORMS[form](arrays[0][:, 4:], arrays[1], first[:, -1], STORED[form](cache), *arrays[4:],
                              choices=choices)
        np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, rtol=1e-11, atol=1e-12)


def test_without_store_every_step_reads_the_same_past_and_nothing_is_added():
    arrays = arguments(FW2016, past=3)
    for form in FORMS:
        _, cache = FORMS[form](*arrays, store=False)
        np.testing.assert_array_equal(STORED[form](cache), arrays[3])


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(0, 4), st.integers(0, 2), st.integers(1, 5), st.integers(0, 2), st.booleans())
def test_the_forms_agree(batch, length, past, units, steps, store):
    choices = dataclasses.replace(FW2016, steps=steps)
    arrays = arguments(choices, batch=batch, length=length, past=past, units=units)
    results = []
    for form in FORMS:
        hidden, cache = FORMS[form](*arrays, choices=choices, store=store)
        results.append((hidden, *BACKWARD[form](np.random.default_rng(4).standard_normal(hidden.shape), cache)))
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9)


def test_the_twin_refuses_what_it_cannot_follow():
    for choices in (JIAMINGS, WAYMANE1):
        with pytest.raises(ValueError, match=f"unlike the choices '{choices.name}'"):
            fast_weights_rnn_compiled.forward(*arguments(choices), choices=choices)


# --- Choices --------------------------------------------------------------------------------------------------------


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form must be one of attention, matrix, got 'tensor'"):
        fast_weights_rnn.forward(*arguments(FW2016), form="tensor")


@pytest.mark.parametrize(("change", "message"), [
    ({"steps": -1}, "steps must be a whole number of at least 0, got -1"),
    ({"decay": 1.5}, r"decay must lie in \[0, 1\], got 1.5"),
    ({"rate": -1.0}, "rate must be a number of at least 0, got -1.0"),
    ({"epsilon": 0.0}, "epsilon must be positive, got 0.0"),
    ({"norm": "rows"}, "norm must be one of features, batch, none, got 'rows'"),
    ({"norm": "none", "norm_start": True}, "norm_start asks for a layer norm"),
    ({"stored": "preliminary", "lag": True}, "lag belongs to stored='final'"),
])
def test_choices_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Choices("odd", **change)


def test_the_differences_are_told():
    assert differences(FW2016, WAYMANE1) == {"name": ("fw2016", "waymane1"), "norm_start": (False, True),
                                             "norm_shared": (True, False), "lag": (False, True)}


@pytest.mark.parametrize(("choices", "norms"), [
    (FW2016, 1), (WAYMANE1, 2), (dataclasses.replace(WAYMANE1, steps=3), 4),
    (dataclasses.replace(FW2016, norm="none"), 0), (dataclasses.replace(FW2016, steps=0), 0)])
def test_as_many_gains_as_places(choices, norms):
    assert choices.norms == norms
    assert fast_weights_rnn.forward(*arguments(choices), choices=choices)[0].shape == (3, 5, 6)
