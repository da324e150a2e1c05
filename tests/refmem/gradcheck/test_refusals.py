"""Bad input gets one sentence."""

import numpy as np
import pytest

from refmem.gradcheck import Problem, ProblemRefused, check_problem, gradcheck
from refmem.gradcheck.problem import from_vjp

X = np.ones((2, 3))


def same(x):
    return x


def raises(x):
    raise RuntimeError("not today")


@pytest.mark.parametrize("function, vjp, arguments, sentence", [
    (same, lambda w, x: (w, w), X, "returned 2 gradients for 1 argument"),
    (lambda x, y: x * y, lambda w, x, y: w * y, (X, X), "returned 1 gradient for 2 arguments"),
    (same, lambda w, x: w.T, X, r"gradient of shape \(3, 2\) for argument 0, whose shape is \(2, 3\)"),
    (same, lambda w, x: w, np.arange(3), "argument 0 of same is int64"),
    (same, lambda w, x: w, X.astype(np.float16), "is float16"),
    (same, lambda w, x: w, [3.0], "must be an array, got float"),
    (same, lambda w, x: w, (), "has no argument"),
    (same, lambda w, x: w, X * np.nan, "holds a NaN"),
    (lambda x: np.log(x - 2), lambda w, x: w, X, r"output 0 of <lambda> is nan at index \[0, 0\]"),
    (lambda x: x.astype(int), lambda w, x: w, X, "output 0 of <lambda> is int64"),
    (raises, lambda w, x: w, X, "the forward of raises raised RuntimeError: not today"),
    (same, lambda w, x: raises(x), X, "the vjp of same raised RuntimeError: not today"),
])
def test_one_sentence(function, vjp, arguments, sentence):
    with pytest.raises(ProblemRefused, match=sentence) as caught:
        gradcheck(function, vjp, arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options, sentence", [
    ({"sensitivity": 0.0}, "sensitivity must lie between 0 and 1"), ({"sensitivity": 1.5}, "sensitivity"),
    ({"budget": 0.0}, "budget must be a positive"), ({"names": ("a", "b")}, "1 arguments but 2 names"),
    ({"stops": ("keys",)}, "has no argument called 'keys'")])
def test_options_are_checked(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        gradcheck(same, lambda w, x: w, X, **options)


def test_a_million_evaluations_are_refused_unless_allowed():
    wide = np.zeros(200_000)
    with pytest.raises(ProblemRefused, match="more than the limit of 1,000,000.*--full"):
        gradcheck(same, lambda w, x: w, wide, elements=True)
    assert gradcheck(same, lambda w, x: w, wide).failed == 0  # directions are few
    report = gradcheck(same, lambda w, x: w, wide, elements=True, full=True, budget=0.05)
    assert report.inconclusive == 1


def test_the_budget_is_kept_and_named():
    import time

    def slow(x):
        time.sleep(0.005)
        return np.tanh(x)

    start = time.perf_counter()
    report = gradcheck(slow, lambda w, x: w * (1 - np.tanh(x) ** 2), X, budget=0.1)
    assert time.perf_counter() - start < 2
    assert report.inconclusive == 1 and "budget ran out" in str(report)


def test_the_plan_is_announced_before_and_is_about_right():
    plans = []
    problem = from_vjp(np.tanh, lambda w, x: w * (1 - np.tanh(x) ** 2), X)
    report = check_problem(problem, announce=plans.append)
    assert len(plans) == 1 and "evaluations, about" in str(plans[0])
    assert 0.3 < report.evaluations / plans[0].evaluations < 3


def test_progress_counts_every_evaluation():
    seen = []
    report = check_problem(from_vjp(np.tanh, lambda w, x: w * (1 - np.tanh(x) ** 2), X), progress=seen.append)
    assert seen[-1] == report.evaluations


def test_a_problem_refuses_names_it_does_not_have():
    with pytest.raises(ProblemRefused, match="has no argument called 'b'"):
        Problem("f", (X,), lambda at: (at[0], lambda w: w), names=("a",), always_contiguous=frozenset({"b"}))
