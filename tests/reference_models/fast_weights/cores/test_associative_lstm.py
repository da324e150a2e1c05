"""The associative LSTM as a core: it is the operation, and goes on where it stopped."""

import numpy as np
import pytest

from refmem.ops import associative_lstm
from reference_models.fast_weights.cores.associative_lstm import AssociativeLSTM


@pytest.fixture
def core():
    return AssociativeLSTM(4, 6, copies=3, heads=2)


def test_a_hidden_state_has_r_numbers_for_each_head(core):
    params = core.initial_params(np.random.default_rng(0))
    assert core.units == 12 and params["recurrent"].shape == (12, associative_lstm.sums(3, 2))
    assert {w.dtype for w in params.values()} == {np.dtype(np.float32)}
    assert params["input_bias"][:3].tolist() == [1, 1, 1] and not params["input_bias"][3:].any()


def test_it_is_the_operation(core):
    rng = np.random.default_rng(0)
    params = core.initial_params(rng, np.float64)
    x, dy = rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 5, 12))
    hidden, _, cache = core.forward(params, x)
    weights = params["input"], params["recurrent"], params["input_bias"], core.shuffles
    y, of_op = associative_lstm.forward(x, *weights, heads=2)
    np.testing.assert_allclose(hidden, y, rtol=1e-13)
    dx, d = core.backward(dy, cache)
    for got, want in zip((dx, d["input"], d["recurrent"], d["input_bias"]), associative_lstm.backward(dy, of_op),
                         strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


def test_it_goes_on_where_it_stopped(core):
    rng = np.random.default_rng(1)
    params = core.initial_params(rng, np.float64)
    x = rng.standard_normal((2, 5, 4))
    whole, last, _ = core.forward(params, x)
    first, state, _ = core.forward(params, x[:, :2])
    second, state, _ = core.forward(params, x[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-13)
    for got, want in zip(state, last, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13)


def test_the_shuffles_depend_on_the_seed_alone():
    one, same, other = (AssociativeLSTM(4, 40, seed=seed).shuffles for seed in (3, 3, 4))
    assert (one == same).all() and (one != other).any()
    assert (one[0] == np.arange(20)).all() and one.shape == (4, 20)


@pytest.mark.parametrize("memory", [0, 5])
def test_an_odd_number_of_units_is_refused(memory):
    with pytest.raises(ValueError, match="an even number of units"):
        AssociativeLSTM(4, memory)
