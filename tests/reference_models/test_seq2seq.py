"""The encoder-decoder with its memory: gradients, twins, what the memory is taught, and what is refused."""

import copy

import numpy as np
import pytest

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
