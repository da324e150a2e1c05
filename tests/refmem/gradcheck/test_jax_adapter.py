"""JAX code under the checker."""

import numpy as np
import pytest

from refmem.gradcheck import ProblemRefused, Verdict, assert_gradients, check_problem, from_jax
from refmem.gradcheck.report import GRADIENT

jax = pytest.importorskip("jax")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_of_trees(dtype):
    rng = np.random.default_rng(0)
    params = {"weights": rng.standard_normal((4, 3)).astype(dtype), "bias": rng.standard_normal(3).astype(dtype)}
    x = rng.standard_normal((5, 4)).astype(dtype)
    report = assert_gradients(from_jax(lambda p, x: jax.numpy.tanh(x @ p["weights"] + p["bias"]), params, x),
                              strict=True)
    assert len([row for row in report.rows if row.check == GRADIENT]) == 3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wrong_custom_vjp_fails(dtype):
    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, w: (2.97 * w * x**2,))
    report = check_problem(from_jax(cube, np.array([0.5, 1.5, -2.0], dtype)))
    assert [row.verdict for row in report.rows if row.check == GRADIENT] == [Verdict.FAIL]


def test_nothing_to_differentiate_is_refused():
    with pytest.raises(ProblemRefused, match="no input is a float array"):
        from_jax(lambda i: i, np.arange(3))
