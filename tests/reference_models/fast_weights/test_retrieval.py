"""The retrieval network: gradients against PyTorch for each core, and a table instead of products."""

import numpy as np
import pytest

from refmem.ops import embedding, linear, relu

from reference_models.fast_weights.cores import catalogue
from reference_models.fast_weights.retrieval import EXPANDED, RetrievalNetwork

SYMBOLS = np.array([[0, 1, 4, 4, 0], [2, 3, 4, 4, 2]])


def network(name, units=4):
    return RetrievalNetwork(catalogue.make(name, EXPANDED, units), symbols=5, classes=3, seed=1, dtype=np.float64)


@pytest.mark.parametrize("name", ["fast-weights", "irnn", "lstm"])
def test_looking_up_a_table_is_applying_the_layers_everywhere(name):
    model = network(name)
    logits, _ = model.forward(SYMBOLS)
    p = model.params
    x = embedding.forward(p["embedding"], SYMBOLS)[0].reshape(-1, p["embedding"].shape[1])
    x = relu.forward(linear.forward(x, p["expand.weights"], p["expand.bias"])[0])[0].reshape(*SYMBOLS.shape, EXPANDED)
    core = {key.removeprefix("core."): w for key, w in p.items() if key.startswith("core.")}
    hidden, _, _ = model.core.forward(core, x)
    y = relu.forward(linear.forward(hidden[:, -1], p["readout.weights"], p["readout.bias"])[0])[0]
    np.testing.assert_allclose(logits, linear.forward(y, p["output.weights"], p["output.bias"])[0], rtol=1e-11)


@pytest.mark.parametrize("name", ["fast-weights", "irnn", "lstm"])
def test_gradients_are_the_slopes(name):
    model = network(name)
    weights = np.random.default_rng(2).standard_normal((2, 3))
    _, cache = model.forward(SYMBOLS)
    gradients = model.backward(weights, cache)
    assert gradients.keys() == model.params.keys()
    rng = np.random.default_rng(3)
    for key, w in model.params.items():
        direction, step = rng.standard_normal(w.shape), 1e-6
        ends = []
        for sign in (1, -1):
            model.params[key] = w + sign * step * direction
            ends.append(float((model.forward(SYMBOLS)[0] * weights).sum()))
        model.params[key] = w
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float((gradients[key] * direction).sum()) == pytest.approx(slope, rel=1e-5, abs=1e-7), key


def test_symbols_out_of_range_and_empty_sequences_are_refused():
    with pytest.raises(ValueError, match="tokens must be in 0..4, got 5"):
        network("irnn").forward(SYMBOLS + 1)
    with pytest.raises(ValueError, match="at least one step"):
        network("irnn").forward(SYMBOLS[:, :0])
    with pytest.raises(ValueError, match="core must take 100 inputs, got 7"):
        RetrievalNetwork(catalogue.make("lstm", 7, 4), symbols=5, classes=3)
