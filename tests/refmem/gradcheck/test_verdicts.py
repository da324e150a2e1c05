"""The four verdicts, on functions of which the answer is known."""

import numpy as np
import pytest

from refmem.gradcheck import GradientError, Verdict, gradcheck
from refmem.gradcheck.report import GRADIENT

DTYPES = ("float64", "float32")


def relu(x):
    return np.maximum(x, 0)


def d_relu(w, x):
    return w * (x > 0)


def layer(x, weights):
    return np.tanh(x @ weights)


def d_layer(w, x, weights):
    d = w * (1 - np.tanh(x @ weights) ** 2)
    return d @ weights.T, x.T @ d


def arguments(dtype, seed=0, rows=4, inner=5, columns=3):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((rows, inner)).astype(dtype),
            (0.5 * rng.standard_normal((inner, columns))).astype(dtype))


def numeric_rows(report):
    return {row.input: row for row in report.rows if row.check == GRADIENT}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_gradient_passes_and_says_what_it_would_have_caught(dtype):
    report = gradcheck(layer, d_layer, arguments(dtype), names=("x", "weights"))
    assert report.verdict is Verdict.PASS
    assert all(0 < row.floor <= {"float64": 1e-6, "float32": 1e-2}[dtype] for row in numeric_rows(report).values())
    assert report.raise_if_failed(strict=True) is report


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", [(0, 0), (2, 1), (4, 2)])
def test_one_wrong_element_fails_and_is_located(dtype, index):
    def wrong(w, x, weights):
        dx, d_weights = d_layer(w, x, weights)
        d_weights[index] *= 1.05
        return dx, d_weights

    report = gradcheck(layer, wrong, arguments(dtype), names=("x", "weights"))
    rows = numeric_rows(report)
    assert rows["x"].verdict is Verdict.PASS
    row = rows["weights"]
    assert row.verdict is Verdict.FAIL and row.index == index
    assert row.analytic / row.numeric == pytest.approx(1.05, rel=1e-3)
    assert row.bar < abs(row.analytic - row.numeric) / 3 and row.ulps > 100
    with pytest.raises(GradientError, match=r"FAIL .*weights\["):
        report.raise_if_failed()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_element_of_a_large_argument_is_found_by_bisection(dtype):
    rng = np.random.default_rng(1)
    x, weights = rng.standard_normal((3, 60)).astype(dtype), (0.1 * rng.standard_normal((60, 50))).astype(dtype)

    def wrong(w, x, weights):
        dx, d_weights = d_layer(w, x, weights)
        d_weights[41, 17] *= -1
        return dx, d_weights

    row = numeric_rows(gradcheck(layer, wrong, (x, weights), names=("x", "weights")))["weights"]
    assert row.verdict is Verdict.FAIL and row.index == (41, 17)
    assert row.analytic == pytest.approx(-row.numeric, rel=1e-2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.01, 2.0])
def test_a_wrong_factor_fails(dtype, factor):
    wrong = lambda w, x, weights: tuple(np.asarray(factor * g, dtype) for g in d_layer(w, x, weights))
    rows = numeric_rows(gradcheck(layer, wrong, arguments(dtype)))
    assert all(row.verdict is Verdict.FAIL for row in rows.values())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 7), (20, 30)])
@pytest.mark.parametrize("function, vjp", [(relu, d_relu), (np.abs, lambda w, x: w * np.sign(x)),
                                           (relu, lambda w, x: w * (x >= 0))])
def test_a_subgradient_at_a_kink_is_a_kink(dtype, shape, function, vjp):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x[3, 4] = 0
    report = gradcheck(function, vjp, x)
    row = numeric_rows(report)["argument 0"]
    assert row.verdict is Verdict.KINK and row.index == (3, 4)
    assert report.failed == 0 and "1 of 1 kinks hold a subgradient" in row.note


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_lies_outside_both_slopes_fails(dtype):
    x = np.random.default_rng(0).standard_normal((5, 7)).astype(dtype)
    x[3, 4] = 0
    wrong = lambda w, x: d_relu(w, x) - np.asarray(0.2 * w * (x == 0), dtype)
    row = numeric_rows(gradcheck(relu, wrong, x))["argument 0"]
    assert row.verdict is Verdict.FAIL and row.index == (3, 4)
    assert row.analytic == pytest.approx(-0.2) and row.numeric == 0


def test_an_error_beside_a_kink_fails_where_it_is():
    x = np.random.default_rng(0).standard_normal((5, 7))
    x[3, 4] = 0

    def wrong(w, x):
        d = d_relu(w, x)
        d[np.unravel_index(x.argmax(), x.shape)] *= 1.001
        return d

    row = numeric_rows(gradcheck(relu, wrong, x))["argument 0"]
    assert row.verdict is Verdict.FAIL and row.index == np.unravel_index(x.argmax(), x.shape)


def test_a_kink_so_near_that_float32_cannot_tell_is_not_a_failure():
    rng = np.random.default_rng(3)
    for distance in (1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        x = rng.standard_normal(6).astype(np.float32)
        x[2] = -distance
        assert gradcheck(relu, d_relu, x).failed == 0


def test_what_rounding_hides_is_inconclusive_and_says_so():
    x = np.random.default_rng(0).standard_normal(6).astype(np.float32)
    report = gradcheck(lambda x: np.float32(1e6) + x * x, lambda w, x: 2 * w * x, x)
    row = numeric_rows(report)["argument 0"]
    assert row.verdict is Verdict.INCONCLUSIVE and "float32" in row.note and row.floor > 1e-2
    report.raise_if_failed()
    with pytest.raises(GradientError):
        report.raise_if_failed(strict=True)


def test_a_noisy_function_is_inconclusive_and_says_so():
    rng = np.random.default_rng(0)
    noisy = lambda x: np.sin(x) * (1 + 1e-3 * rng.standard_normal(x.shape))
    report = gradcheck(noisy, lambda w, x: w * np.cos(x), np.linspace(0.1, 1, 6))
    row = numeric_rows(report)["argument 0"]
    assert row.verdict is Verdict.INCONCLUSIVE and row.note.startswith("noise")
    assert [r.verdict for r in report.rows if r.check == "determinism"] == [Verdict.FAIL]


def test_a_gradient_that_is_zero_passes_in_units_of_the_output():
    x = np.random.default_rng(0).standard_normal((4, 1))
    row = numeric_rows(gradcheck(lambda x: x / np.abs(x), lambda w, x: np.zeros_like(x), x))["argument 0"]
    assert row.verdict is Verdict.PASS and "zero" in row.note


def test_a_gradient_that_is_wrongly_zero_fails():
    x = np.random.default_rng(0).standard_normal((4, 3))
    row = numeric_rows(gradcheck(np.sin, lambda w, x: None, x))["argument 0"]
    assert row.verdict is Verdict.FAIL and row.analytic == 0


def test_a_gradient_that_is_not_a_number_fails_where_it_is():
    def wrong(w, x):
        d = np.cos(x) * w
        d[1, 2] = np.nan
        return d

    row = numeric_rows(gradcheck(np.sin, wrong, np.ones((2, 3))))["argument 0"]
    assert row.verdict is Verdict.FAIL and row.index == (1, 2)


def test_each_output_has_rows_of_its_own():
    x = np.random.default_rng(0).standard_normal((2, 3))
    report = gradcheck(lambda x: (np.sin(x), x.sum()),
                       lambda w, x: w[0] * np.cos(x) + 1.001 * w[1], x)
    rows = {row.output: row.verdict for row in report.rows if row.check == GRADIENT}
    assert rows == {"output 0": Verdict.PASS, "output 1": Verdict.FAIL}


def test_a_step_out_of_the_domain_is_taken_smaller():
    x = np.array([1e-3, 0.5, 20.0])
    assert gradcheck(np.log, lambda w, x: w / x, x).verdict is Verdict.PASS


def test_the_sensitivity_is_what_separates_pass_from_inconclusive():
    x = np.random.default_rng(0).standard_normal(6).astype(np.float32)
    sine = lambda w, x: w * np.cos(x)
    assert gradcheck(np.sin, sine, x, sensitivity=1e-2).verdict is Verdict.PASS
    assert gradcheck(np.sin, sine, x, sensitivity=1e-9).verdict is Verdict.INCONCLUSIVE


def test_the_same_seed_gives_the_same_report():
    first, second = (gradcheck(layer, d_layer, arguments("float32"), seed=3) for _ in range(2))
    assert [row.to_json() for row in first.rows] == [row.to_json() for row in second.rows]
    other = gradcheck(layer, d_layer, arguments("float32"), seed=4)
    assert [row.floor for row in first.rows] != [row.floor for row in other.rows]


def test_elements_gives_each_its_own_walk():
    report = gradcheck(layer, d_layer, arguments("float64"), elements=True)
    assert {row.method for row in numeric_rows(report).values()} == {"20 elements", "15 elements"}
    assert report.verdict is Verdict.PASS and report.floor < 1e-7


def test_one_complex_step_does_what_many_differences_do():
    f = lambda x: np.exp(x) * np.sin(x)
    right = lambda w, x: w * np.exp(x) * (np.sin(x) + np.cos(x))
    wrong = lambda w, x: right(w, x) * np.float32(1.0001)
    x = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    assert gradcheck(f, right, x, holomorphic=True).verdict is Verdict.PASS
    assert gradcheck(f, wrong, x, holomorphic=True).verdict is Verdict.FAIL
    assert gradcheck(f, right, x, holomorphic=True).evaluations < gradcheck(f, right, x).evaluations / 2


def test_who_is_not_holomorphic_is_not_passed_as_such():
    row = numeric_rows(gradcheck(lambda x: np.abs(x) ** 2, lambda w, x: 2 * w * x, np.ones(3) / 3,
                                 holomorphic=True))["argument 0"]
    assert row.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_output_that_an_error_comes_through_is_named(dtype):
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal((4, 5)).astype(dtype)

    def wrong(w, x, weights):  # the gradient of output [1, 2] is left out
        kept = w.copy()
        if len(kept):
            kept[1, 2] = 0
        return kept @ weights.T, x.T @ w

    row = numeric_rows(gradcheck(np.matmul, wrong, (x, weights), names=("x", "weights")))["x"]
    assert row.verdict is Verdict.FAIL and row.index[0] == 1
    assert "through output[1, 2]" in row.note


def test_a_small_bias_beside_large_terms_is_measured_with_larger_steps():
    x = np.full((4, 3), 300, np.float32) * np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    bias = np.array([0.02, -0.01, 0.03], np.float32)
    add = lambda x, bias: x + bias
    assert gradcheck(add, lambda w, x, bias: (w, w.sum(axis=0)), (x, bias)).verdict is Verdict.PASS
    wrong = gradcheck(add, lambda w, x, bias: (w, np.float32(1.02) * w.sum(axis=0)), (x, bias))
    assert numeric_rows(wrong)["argument 1"].verdict is Verdict.FAIL


def test_another_slope_far_away_accuses_nobody():
    x = np.random.default_rng(0).standard_normal(5).astype(np.float32)
    for offset in (1e3, 1e4, 1e5):
        leaky = lambda x: np.float32(offset) + np.where(x < 20, x, 20 + np.float32(0.1) * (x - 20))
        assert gradcheck(leaky, lambda w, x: w * np.where(x < 20, 1, 0.1).astype(x.dtype), x).failed == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1.0, 3.0, 10.0, 30.0])
def test_a_staircase_accuses_nobody(dtype, size):
    x = size * np.array([[18.0, 2.0, 1.5, 1.0], [16.5, 0.3, -1.0, 2.0]], dtype)

    def loss(x):  # log(1 + small) moves in steps of one unit in the last place of 1, or stands still at 0
        return np.log(np.exp(x - x[:, :1]).sum(axis=1))

    def d_loss(w, x):
        p = np.exp(x - x[:, :1])
        p = p / p.sum(axis=1, keepdims=True)
        p[:, 0] -= 1
        return w[:, None] * p

    report = gradcheck(loss, d_loss, x)
    assert report.failed == 0
    if size < 30:  # a wrong sign shows in the columns that the loss does resolve
        return
    leak = lambda w, x: d_loss(w, x) + np.asarray(0.1, x.dtype)
    assert gradcheck(loss, leak, x).failed
