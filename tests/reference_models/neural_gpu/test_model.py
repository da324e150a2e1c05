"""The Neural GPU: its equations, every gradient against autograd, padding, states that are longer, what it refuses."""

import numpy as np
import pytest

from reference_models import neural_gpu
from reference_models.neural_gpu import Size
from refmem.conformance.making.in_torch import neural_gpu as in_torch

SIZE = Size(maps=5, rows=3)


def network(size=SIZE, symbols=4, sets=1, dtype=np.float64, seed=0):
    return neural_gpu.initial_params(size, symbols, np.random.default_rng(seed), sets=sets, dtype=dtype)


def symbols(batch=3, n=7, count=4, seed=1):
    return np.random.default_rng(seed).integers(count, size=(batch, n))


@pytest.mark.parametrize("conv", ["plain", "columns", "winograd"])
@pytest.mark.parametrize("sets", [1, 3])
def test_loss_and_all_gradients_are_those_of_autograd_through_41_steps(conv, sets):
    torch = pytest.importorskip("torch")
    params, inputs, targets = network(sets=sets), symbols(2, 41), symbols(2, 41, seed=2)
    logits, cache = neural_gpu.forward(params, inputs, SIZE, conv=conv)
    loss, d_logits = neural_gpu.loss(logits, targets, 1 / inputs.size)
    gradients = neural_gpu.backward(d_logits, cache)

    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    s = torch.zeros(2, 41, SIZE.rows, SIZE.maps, dtype=torch.float64)
    s = torch.cat([tensors["embedding"][torch.tensor(inputs)][:, :, None], s[:, :, 1:]], dim=2)
    s = in_torch.cgru_steps(torch, s, *(tensors[name] for name in neural_gpu.CELLS), steps=41)
    scores = s[:, :, 0] @ tensors["output"]
    want = torch.nn.functional.cross_entropy(scores.reshape(-1, 4), torch.tensor(targets).reshape(-1))
    want.backward()
    assert float(loss) == pytest.approx(float(want.detach()), rel=1e-12)
    assert gradients.keys() == params.keys()
    for name, gradient in gradients.items():
        wanted = tensors[name].grad.numpy()
        assert np.abs(gradient - wanted).max() <= 1e-10 * np.abs(wanted).max(), name


def test_the_input_stands_in_row_0_and_all_else_is_zero():
    params, inputs = network(), symbols()
    s, _ = neural_gpu.embed(params, inputs, 3, positions=9)
    np.testing.assert_array_equal(s[:, :7, 0], params["embedding"][inputs])
    assert s.shape == (3, 9, 3, 5) and not s[:, :, 1:].any() and not s[:, 7:].any()


def test_the_answer_is_the_likeliest_symbol_and_a_longer_state_takes_more_steps():
    params, inputs = network(), symbols()
    logits, _ = neural_gpu.forward(params, inputs, SIZE)
    np.testing.assert_array_equal(neural_gpu.answer(params, inputs, SIZE), logits.argmax(axis=2))
    assert neural_gpu.answer(params, inputs, SIZE, positions=12).shape == (3, 12)


def test_the_images_end_where_the_answer_is_read():
    params, inputs = network(sets=2), symbols(1)
    seen = neural_gpu.images(params, inputs, SIZE)
    assert seen.shape == (8, 7, 3, 5)
    logits, _ = neural_gpu.forward(params, inputs, SIZE)
    np.testing.assert_allclose(seen[-1, :, 0] @ params["output"], logits[0], rtol=1e-12)


def test_initial_weights_have_their_ranges():
    params = neural_gpu.initial_params(Size(), 33, np.random.default_rng(0), sets=2)
    assert params["gate_kernels"].shape == (2, 2, 3, 3, 24, 48) and params["gate_kernels"].dtype == np.float32
    reach = 1.8 * (3 / 216) ** 0.5
    for name, bound in (("gate_kernels", reach), ("candidate_kernels", reach), ("embedding", 1.7)):
        assert 0.98 * bound < np.abs(params[name]).max() <= bound
    assert (params["gate_bias"] == 1).all() and not params["candidate_bias"].any()
    np.testing.assert_array_equal(params["gate_kernels"][0], params["gate_kernels"][1])
    assert 30_000 < sum(array[:1].size if array.ndim in (3, 6) else array.size for array in params.values()) < 33_500


@pytest.mark.parametrize(("inputs", "error", "message"), [
    (np.array([[0, 4]]), ValueError, r"inputs must be symbols in 0..3, got 4"),
    (np.array([[0, -1]]), ValueError, r"inputs must be symbols in 0..3, got -1"),
    (np.zeros((1, 0), int), ValueError, "at least one symbol"),
    (np.zeros(3, int), ValueError, "inputs must have 2 dimensions"),
    (np.zeros((1, 2)), TypeError, "inputs must be integers, got float64"),
])
def test_unknown_symbols_are_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        neural_gpu.forward(network(), inputs, SIZE)


def test_a_sequence_longer_than_the_state_is_refused():
    with pytest.raises(ValueError, match="inputs of 7 symbols do not fit a state of 6 positions"):
        neural_gpu.answer(network(), symbols(), SIZE, positions=6)


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="maps must be at least 1, got 0"):
        Size(maps=0)
