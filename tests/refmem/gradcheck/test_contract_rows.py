"""Each rule of the contract has a backward pass that breaks it, and only it."""

import numpy as np
import pytest

from refmem.gradcheck import Problem, Verdict, check_problem, gradcheck
from refmem.gradcheck.report import GRADIENT

X = np.random.default_rng(0).standard_normal((4, 3))


def f(x):
    return x**3


def vjp(w, x):
    return 3 * w * x**2


def failed(report):
    return {row.check for row in report.rows if row.verdict is Verdict.FAIL}


def test_a_right_one_keeps_them_all():
    report = gradcheck(f, vjp, X)
    assert failed(report) == set()
    assert [row.check for row in report.rows if row.check != GRADIENT] == [
        "determinism", "arguments untouched", "cotangent untouched", "gradient dtype", "same gradient twice",
        "linear in the cotangent", "zero cotangent", "non-contiguous arguments", "zero size"]


def test_determinism():
    calls = iter(range(10**6))
    assert "determinism" in failed(gradcheck(lambda x: f(x) + next(calls), vjp, X))
    assert "determinism" in failed(gradcheck(f, lambda w, x: vjp(w, x) + 1e-3 * next(calls), X))


def test_arguments_untouched():
    def scribbles(x):
        y = f(x)
        x[0, 0] += 1
        return y

    assert failed(gradcheck(scribbles, vjp, X)) >= {"arguments untouched"}

    def scribbles_later(w, x):
        d = vjp(w, x)
        x *= 2
        return d

    assert failed(gradcheck(f, scribbles_later, X)) >= {"arguments untouched"}
    assert (X == np.random.default_rng(0).standard_normal((4, 3))).all()  # never the caller's own array


def test_cotangent_untouched():
    def scribbles(w, x):
        w *= 3 * x**2
        return w

    assert failed(gradcheck(f, scribbles, X)) == {"cotangent untouched"}


def test_gradient_dtype():
    x = X.astype(np.float32)
    assert failed(gradcheck(f, lambda w, x: vjp(w, x).astype(np.float64), x)) == {"gradient dtype"}


def test_same_gradient_twice():
    def accumulates(at):
        total = np.zeros_like(at[0])

        def pull(w):
            total[...] += vjp(w[0], at[0])
            return total.copy()

        return f(at[0]), pull

    assert "same gradient twice" in failed(check_problem(Problem("f", (X,), accumulates)))


def test_linear_in_the_cotangent():
    clipped = lambda w, x: vjp(np.clip(w, -1.6, 1.6), x)  # right for every cotangent that the numeric rows use
    assert failed(gradcheck(f, clipped, X)) == {"linear in the cotangent"}


def test_zero_cotangent():
    assert "zero cotangent" in failed(gradcheck(f, lambda w, x: vjp(w, x) + 1e-30, X))


def test_non_contiguous_arguments():
    def as_if_whole(w, x):
        start = x.base if x.base is not None else x
        return vjp(w, start.reshape(-1)[:x.size].reshape(x.shape))

    report = gradcheck(f, as_if_whole, X)
    assert failed(report) == {"non-contiguous arguments"}
    assert "where argument 0 is a view with gaps" in next(
        row.note for row in report.rows if row.verdict is Verdict.FAIL)


def test_arguments_that_are_never_views_are_never_handed_over_as_views():
    seen = []

    def linearize(at):
        seen.append(at[0].flags.c_contiguous)
        return f(at[0]), lambda w: vjp(w[0], at[0])

    check_problem(Problem("f", (X,), linearize, names=("x",), always_contiguous=frozenset({"x"})))
    assert all(seen)


def test_zero_size():
    assert failed(gradcheck(f, lambda w, x: vjp(w, x) * np.sign(x[0, 0]) ** 2, X)) == {"zero size"}
    assert failed(gradcheck(f, lambda w, x: vjp(w, x) if len(x) else np.zeros(3), X)) == {"zero size"}

    def refuses(x):
        if not len(x):
            raise ValueError("x must not be empty")
        return f(x)

    row = next(row for row in gradcheck(refuses, vjp, X).rows if row.check == "zero size")
    assert row.verdict is Verdict.PASS and "x must not be empty" in row.note


@pytest.mark.parametrize("leak, expected", [(None, Verdict.PASS), (0.0, Verdict.PASS), (1e-20, Verdict.FAIL)])
def test_declared_gradient_stops(leak, expected):
    keys = np.ones(3)

    def backward(w, x, keys):
        return w * keys, None if leak is None else np.full_like(keys, leak)

    report = gradcheck(lambda x, keys: x * keys, backward, (X, keys), names=("x", "keys"), stops=("keys",))
    rows = [row for row in report.rows if row.input == "keys"]
    assert [(row.check, row.verdict) for row in rows] == [("gradient stop", expected)]


def test_an_empty_argument_is_nothing_to_get_wrong():
    report = gradcheck(lambda x: x.sum(axis=1), lambda w, x: w[:, None] + 0 * x, np.zeros((3, 0)))
    assert failed(report) == set()
