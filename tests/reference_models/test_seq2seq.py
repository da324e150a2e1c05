"""The encoder-decoder with its memory: gradients, twins, what the memory is taught, and what is refused."""

import copy

import numpy as np
import pytest

from reference_models import seq2seq_shards
from reference_models.seq2seq import Query, Seq2Seq, Size

SOURCE = np.array([[3, 4, 5, 6], [5, 3, 0, 0], [7, 4, 3, 0]])
TARGET = np.array([[5, 6, 2, 0], [3, 2, 0, 0], [4, 3, 5, 2]])


def size(**options):
    return Size(**{"source_vocabulary": 8, "target_vocabulary": 8, "width": 5, "embedding": 4, "attention": 3}
                | options)


def model(size, **options):
    """With something in its memory."""
    made = Seq2Seq(size, **{"memory_size": 12, "dtype": np.float64, "twin": "plain", "seed": 1} | options)
    rng = np.random.default_rng(5)
    for _ in range(4):
        if made.memory is not None:
            made.memory.forward(rng.standard_normal((3, size.query_width)), rng.integers(2, 8, 3))
    return made


CASES = {
    "paper": (size(), {}),
    "query from the top, normalised": (size(encoder_layers=1, decoder_layers=3, tied=True, attend_from="previous",
                                            query=Query("top", norm=True)), {"keep": 0.7, "gold": 0.5}),
    "query from both, projected": (size(encoder_layers=3, decoder_layers=3, tied=True, shared=True,
                                        query=Query("both", 3, norm=True)), {"keep": 0.7, "memory_weight": 3.0}),
    "gold": (size(decoder_layers=4, shared=True, query=Query("both", 3)), {"smoothing": 0.1, "gold": 1.0}),
    "without a memory": (size(), {"memory_size": 0}),
}
each = pytest.mark.parametrize(("size", "options"), CASES.values(), ids=CASES.keys())


def run(made, gold, **options):
    """One training step whose random numbers and running statistics are always the same."""
    made.statistics = copy.deepcopy(made.statistics)
    return made.forward(SOURCE, TARGET, update=False, training=True, rng=np.random.default_rng(3), gold=gold, **options)


@each
def test_the_gradients_are_those_of_small_steps(size, options):
    options, rng = dict(options), np.random.default_rng(0)
    gold = options.pop("gold", 0.0)
    made = model(size, **options)
    gradients = made.backward(run(made, gold)[1])
    assert gradients.keys() == made.params.keys()
    for name, parameter in made.params.items():
        assert gradients[name].shape == parameter.shape
        for i in rng.choice(parameter.size, min(3, parameter.size), replace=False):
            at, h, sides = np.unravel_index(i, parameter.shape), 1e-5, []
            for sign in (1, -1):
                parameter[at] += sign * h
                sides.append(run(made, gold)[0].objective)
                parameter[at] -= sign * h
            assert gradients[name][at] == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-5, abs=1e-8), name


@each
@pytest.mark.parametrize("shards", [1, 2])
def test_the_fused_twin_finds_the_same(size, options, shards):
    options = dict(options)
    gold = options.pop("gold", 0.0)
    plain, fused = model(size, **options), model(size, **options | {"twin": "fused", "shards": shards})
    (one, cache), (two, fused_cache) = run(plain, gold), run(fused, gold)
    assert two.objective == pytest.approx(one.objective, rel=1e-13)
    np.testing.assert_array_equal(one.right, two.right)
    expected = plain.backward(cache)
    for name, gradient in fused.backward(fused_cache).items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("twin", ["plain", "fused"])
@pytest.mark.parametrize("name", ["paper", "query from the top, normalised", "query from both, projected",
                                  "without a memory"])
def test_the_gradients_are_those_of_autograd(name, twin):
    """To 1e-10 of each parameter's largest, the memory's two paths included."""
    torch = pytest.importorskip("torch")
    from support import torch_seq2seq

    sized, options = CASES[name]
    made = model(sized, **{key: value for key, value in options.items() if key != "gold"}, twin=twin, smoothing=0.1)
    rng = np.random.default_rng(3)
    scales = None if made.keep == 1 else seq2seq_shards.dropout_scales(
        sized, SOURCE, TARGET, made.keep, copy.deepcopy(rng), like=made.params["output.bias"])
    output, cache = made.forward(SOURCE, TARGET, update=False, training=True, rng=rng)
    gradients = made.backward(cache)

    params = {key: torch.tensor(p, requires_grad=True) for key, p in made.params.items()}
    contents = None
    if made.memory is not None:
        contents = torch.tensor(made.memory.state.keys), torch.tensor(made.memory.state.values)
    objective, loss, memory_loss = torch_seq2seq.objective(
        params, sized, torch.tensor(SOURCE), torch.tensor(TARGET), memory_weight=made.memory_weight, smoothing=0.1,
        contents=contents, scales=scales and {place: torch.tensor(scale) for place, scale in scales.items()})
    objective.backward()
    assert output.loss == pytest.approx(loss.item(), rel=1e-12)
    assert output.objective == pytest.approx(objective.item(), rel=1e-12)
    if made.memory is not None:
        assert output.memory_loss == pytest.approx(memory_loss.item(), rel=1e-12)
        assert memory_loss.item() > 0, "nothing would be shown"
    for key, parameter in params.items():
        want = parameter.grad.numpy()
        atol = max(1e-15, 1e-10 * np.abs(want).max())
        np.testing.assert_allclose(gradients[key], want, rtol=1e-10, atol=atol, err_msg=key)
        # A second normalisation takes off again what the first one's bias puts on.
        assert np.abs(want).max() > 1e-8 or key == "query.norm1.bias", key
