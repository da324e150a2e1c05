"""backward against central differences, against torch, and for the memory as it was at its forward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memories import PROFILES, a_batch, unit, with_a_past

from refmem.memory import PAPER, TF2017

NAMES = sorted(PROFILES)


def lived(name, seed=3, steps=6, **changes):
    rng = np.random.default_rng(seed)
    settings_ = dict(key_dim=5, memory_size=14, batch=4, classes=4, steps=steps, k=6) | changes
    memory = with_a_past(PROFILES[name], rng, **settings_)
    queries, labels = a_batch(rng, 4, 5, 4)
    return memory, queries, labels, rng


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_backward_is_the_central_difference(name, seed):
    memory, queries, labels, rng = lived(name, seed)
    output, cache = memory.forward(queries, labels, update=False)
    weights = rng.standard_normal(output.confidence.shape)

    def objective(x):
        again, _ = memory.forward(x, labels, update=False)
        np.testing.assert_array_equal(again.neighbours, output.neighbours)  # else the step is too long
        return 0.7 * float(again.loss) + float((weights * again.confidence).sum())

    d_queries, d_params = memory.backward(cache, d_loss=0.7, d_confidence=weights)
    step = 1e-6

    def slopes(array, f):
        result = np.empty_like(array)
        for index in np.ndindex(*array.shape):
            kept = array[index]
            array[index] = kept + step
            above = f()
            array[index] = kept - step
            below = f()
            array[index] = kept
            result[index] = (above - below) / (2 * step)
        return result

    np.testing.assert_allclose(d_queries, slopes(queries, lambda: objective(queries)), rtol=1e-5, atol=1e-7)
    assert d_params.keys() == memory.params.keys()
    for key, weight in memory.params.items():
        np.testing.assert_allclose(d_params[key], slopes(weight, lambda: objective(queries)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-12), (np.float32, 2e-4)])
def test_backward_is_what_torch_makes_of_the_equations(name, dtype, close):
    torch = pytest.importorskip("torch")
    for seed in range(5):
        memory, queries, labels, rng = lived(name, seed, dtype=dtype)
        queries = queries.astype(dtype)
        keys, values = torch.from_numpy(memory.state.keys.copy()), memory.state.values.copy()
        output, cache = memory.forward(queries, labels)
        weights = rng.standard_normal(output.confidence.shape).astype(dtype)

        x = torch.from_numpy(queries.copy()).requires_grad_()
        w = torch.from_numpy(memory.params.get("query_projection", np.eye(5)).astype(dtype)).requires_grad_()
        q = torch.nn.functional.normalize(x @ w, eps=1e-6)
        alpha, rows = memory.profile.alpha, []
        t = memory.profile.temperature_in(memory.memory_size)
        objective = 0.0
        for r, slots in enumerate(output.neighbours):
            s = keys[slots] @ q[r]
            right = torch.from_numpy(values[slots] == labels[r])
            if name == "tf2017":
                rows.append(torch.relu((s * ~right).max() - (s * right).max() + alpha) - alpha)
                s = s[:-1]
            else:
                elsewhere = torch.from_numpy(values == labels[r])
                positives = s[right] if right.any() else keys[elsewhere] @ q[r]
                apart = right.all() or not len(positives)
                rows.append(q[r].sum() * 0 if apart else torch.relu(s[~right].max() - positives.max() + alpha))
            objective = objective + (torch.softmax(t * s, 0) * torch.from_numpy(weights[r])).sum()
        loss = sum(rows) / len(rows)
        (0.7 * loss + objective).backward()

        np.testing.assert_allclose(output.loss, loss.item(), rtol=close, atol=close)
        d_queries, d_params = memory.backward(cache, d_loss=0.7, d_confidence=weights)
        np.testing.assert_allclose(d_queries, x.grad, rtol=close, atol=close * float(x.grad.abs().max() + 1))
        if d_params:
            got = d_params["query_projection"]
            np.testing.assert_allclose(got, w.grad, rtol=close, atol=close * float(w.grad.abs().max() + 1))


@pytest.mark.parametrize("name", NAMES)
def test_backward_belongs_to_its_forward_whatever_was_written_since(name):
    read_only, queries, labels, rng = lived(name)
    writing = lived(name)[0]
    output, expected_cache = read_only.forward(queries, labels, update=False)
    weights = rng.standard_normal(output.confidence.shape)
    expected, expected_params = read_only.backward(expected_cache, d_confidence=weights)

    _, cache = writing.forward(queries, labels)
    for _ in range(6):  # overwrite every slot
        writing.forward(*a_batch(rng, 4, 5, 4))
    writing.state.keys[...] = 0.0
    writing.state.values[...] = 1
    writing.clear()
    for weight in writing.params.values():
        weight[...] = 7.0
    queries[...] = 0.0
    got, got_params = writing.backward(cache, d_confidence=weights)
    np.testing.assert_array_equal(got, expected)
    for key in expected_params:
        np.testing.assert_array_equal(got_params[key], expected_params[key])
    again, _ = writing.backward(cache, d_confidence=weights)  # and it may be asked twice
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_that_was_stored_gets_no_gradient_from_being_read_later(name):
    """The keys are constants of the past: the derivative is that of the query alone, even where it is its own key."""
    memory, queries, labels, _ = lived(name)
    memory.forward(queries, labels)
    output, cache = memory.forward(queries, labels)
    weights = np.zeros_like(output.confidence)
    weights[:, 0] = 1.0
    d_queries, d_params = memory.backward(cache, d_loss=0.0, d_confidence=weights)
    assert d_queries.shape == queries.shape
    assert set(d_params) == ({"query_projection"} if name == "tf2017" else set())
    assert np.abs(d_queries).max() > 0  # with the key moving along with its query this would be 0 for q = K[n_1]


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_moves_a_query_along_itself(name):
    memory, queries, labels, rng = lived(name)
    memory.params.update({key: np.eye(5) for key in memory.params})
    output, cache = memory.forward(queries, labels)
    d_queries, _ = memory.backward(cache, d_confidence=rng.standard_normal(output.confidence.shape))
    np.testing.assert_allclose((d_queries * unit(queries)).sum(axis=1), 0.0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**31), st.floats(-3, 3))
def test_backward_is_linear(name, seed, scale):
    memory, queries, labels, rng = lived(name, seed % 1000)
    output, cache = memory.forward(queries, labels)
    weights = rng.standard_normal(output.confidence.shape)
    loss_alone, _ = memory.backward(cache)
    confidence_alone, _ = memory.backward(cache, d_loss=0.0, d_confidence=weights)
    both, _ = memory.backward(cache, d_loss=scale, d_confidence=2 * weights)
    np.testing.assert_allclose(both, scale * loss_alone + 2 * confidence_alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_without_labels_only_the_confidence_has_a_gradient(name):
    memory, queries, _, rng = lived(name)
    output, cache = memory.forward(queries)
    silent, _ = memory.backward(cache)
    assert not silent.any()
    weights = rng.standard_normal(output.confidence.shape)
    one, _ = memory.backward(cache, d_confidence=weights)
    two, _ = memory.backward(cache, d_loss=5.0, d_confidence=weights)
    np.testing.assert_array_equal(one, two)
    assert one.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_added_to_the_cotangent_of_a_softmax_changes_nothing(name):
    memory, queries, _, rng = lived(name)
    output, cache = memory.forward(queries)
    weights = rng.standard_normal(output.confidence.shape)
    one, _ = memory.backward(cache, d_confidence=weights)
    two, _ = memory.backward(cache, d_confidence=weights + 3.0)
    np.testing.assert_allclose(one, two, atol=1e-11)


def test_missing_neighbours_take_no_gradient():
    memory, queries, _, rng = lived("paper", steps=1, memory_size=20, k=20)
    output, cache = memory.forward(queries)
    missing = output.neighbours < 0
    assert missing.any() and not missing.all()
    weights = rng.standard_normal(output.confidence.shape)
    one, _ = memory.backward(cache, d_confidence=weights)
    two, _ = memory.backward(cache, d_confidence=np.where(missing, 99.0, weights))
    np.testing.assert_array_equal(one, two)


def test_an_empty_memory_gives_no_gradient():
    memory, queries, labels, _ = lived("paper", steps=0)
    output, cache = memory.forward(queries, labels)
    d_queries, _ = memory.backward(cache, d_confidence=np.ones_like(output.confidence))
    np.testing.assert_array_equal(d_queries, np.zeros_like(queries))


@pytest.mark.parametrize("profile", [PAPER, TF2017], ids=NAMES)
def test_below_epsilon_the_length_is_no_function_of_the_query(profile):
    """q = p / 1e-6 there, so the gradient is that of q times 1e6, with no part taken away."""
    memory, _, labels, rng = lived(profile.name)
    memory.params.update({key: np.eye(5) for key in memory.params})
    tiny = 1e-7 * unit(rng.standard_normal((4, 5)))
    output, cache = memory.forward(tiny)
    np.testing.assert_allclose(np.abs(output.cosines[output.neighbours >= 0]).max(), 0.1, atol=0.1)
    weights = rng.standard_normal(output.confidence.shape)
    got, _ = memory.backward(cache, d_confidence=weights)
    step = 1e-11 * rng.standard_normal(tiny.shape)
    above, _ = memory.forward(tiny + step)
    below, _ = memory.forward(tiny - step)
    difference = (weights * (above.confidence - below.confidence)).sum() / 2
    np.testing.assert_allclose((got * step).sum(), difference, rtol=1e-4)
