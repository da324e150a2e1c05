"""Parameter sharing relaxation: the cost of lying apart, its gradient, and the mean in the end."""

import numpy as np
import pytest

from reference_models.training.algorithms import relaxation


def params():
    rng = np.random.default_rng(0)
    return {"cells": rng.standard_normal((6, 2, 3)), "bias": rng.standard_normal((6, 4)), "alone": rng.random(5)}


def test_the_cost_is_the_squared_distance_from_the_mean():
    p = params()
    expected = 0.3 * sum(((w - w.mean(axis=0)) ** 2).sum() for w in (p["cells"], p["bias"]))
    cost, gradients = relaxation.cost(p, ("cells", "bias"), 0.3)
    assert cost == pytest.approx(expected, rel=1e-12)
    assert gradients.keys() == {"cells", "bias"}


@pytest.mark.parametrize("name", ["cells", "bias"])
def test_its_gradient_is_that_of_differences(name):
    p, direction, ends = params(), np.random.default_rng(1).standard_normal(params()[name].shape), []
    _, gradients = relaxation.cost(p, ("cells", "bias"), 0.3)
    for step in (1e-6, -1e-6):
        ends.append(relaxation.cost(p | {name: p[name] + step * direction}, ("cells", "bias"), 0.3)[0])
    assert (gradients[name] * direction).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)


def test_equal_sets_cost_nothing_and_the_mean_is_one_set():
    p = params()
    together = relaxation.averaged(p, ("cells", "bias"))
    np.testing.assert_allclose(together["cells"], p["cells"].mean(axis=0)[None])
    assert together["bias"].shape == (1, 4) and together["alone"] is p["alone"]
    same = {"cells": np.repeat(together["cells"], 6, axis=0)}
    cost, gradients = relaxation.cost(same, ("cells",), 7.0)
    assert cost < 1e-25 and np.abs(gradients["cells"]).max() < 1e-12


def test_the_pull_draws_the_sets_together():
    p = params()
    for _ in range(100):
        _, gradients = relaxation.cost(p, ("cells",), 0.5)
        p["cells"] = p["cells"] - 0.1 * gradients["cells"]
    assert relaxation.cost(p, ("cells",), 0.5)[0] < 1e-6
    np.testing.assert_allclose(p["cells"].mean(axis=0), params()["cells"].mean(axis=0))


def test_a_push_is_refused():
    with pytest.raises(ValueError, match="pull must be at least 0"):
        relaxation.cost(params(), ("cells",), -1.0)
