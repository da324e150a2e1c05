"""The tolerances: a bound that rounding keeps in any order of summation, with room for right implementations."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmem.conformance import compare
from refmem.conformance.case import Inputs, Task, load_all
from refmem.conformance.making.tolerance import TooClose, apart, first_order, reordered, run_in_float64, spread
from refmem.conformance.oracles import scalars
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.oracles.bounded import Bounded, bounds
from refmem.conformance.oracles.rounded import machines
from refmem.conformance.reference import Reference

U = {"float64": 2.0**-53, "float32": 2.0**-24}
NUMBERS = st.lists(st.integers(-1000, 1000).map(lambda n: n / 64 + 1 / 3), min_size=2, max_size=12)


@given(NUMBERS, st.sampled_from(["float32", "float64"]), st.data())
def test_no_order_of_a_sum_of_products_exceeds_the_bound(x, dtype, data):
    """Against exact sums of the same numbers, rounded as every machine rounds."""
    y = data.draw(st.lists(st.integers(1, 999).map(lambda n: n / 7), min_size=len(x), max_size=len(x)))
    for machine in machines(dtype):
        a, b = [machine(x_i) for x_i in x], [machine(y_i) for y_i in y]
        total = 0.0
        for a_i, b_i in zip(a, b, strict=True):
            total = total + a_i * b_i
        exact = sum(Fraction(a_i.value) * Fraction(b_i.value) for a_i, b_i in zip(a, b, strict=True))
        bounded = 0.0
        for a_i, b_i in zip(a, b, strict=True):
            bounded = bounded + Bounded(a_i.value) * Bounded(b_i.value)
        (bound,) = bounds([bounded])
        assert abs(Fraction(total.value) - exact) <= U[dtype] * bound * (1 + 1e-5)  # the second order


def test_a_bound_that_is_known():
    """exp(a b) / c: one rounding of the product, 4 of exp and of the quotient, each as the slope carries it."""
    a, b, c = 1.5, 0.7, 3.0
    z = scalars.exp(Bounded(a) * Bounded(b)) / Bounded(c)
    y = math.exp(a * b) / c
    assert bounds([z])[0] == pytest.approx(y * a * b * 1 + 4 * y + 4 * y)


def test_what_is_exact_has_no_bound():
    x, y = Bounded(0.1), Bounded(0.3)
    kept = [x, -x, x * 1.0, x * -2.0, 0.0 + x, x + 0.0, abs(-x), max(x, y)]
    assert bounds(kept).tolist() == [0.0] * len(kept)
    assert bounds([x + y])[0] == pytest.approx(0.4)
    assert bounds([x + y + y])[0] == pytest.approx(0.7 + 0.7)  # the sum itself, and one partial sum of any two
    assert bounds([x * 0.1])[0] == pytest.approx(2 * 0.01)  # 0.1 has no number in float32


def test_shared_numbers_keep_their_correlation():
    """The error of x cancels in (a b) - (a b), which is 0 in every dtype but for the last difference."""
    product = Bounded(0.3) * Bounded(0.7)
    assert bounds([product - product])[0] == pytest.approx(0.0)


@pytest.mark.parametrize("machine", machines("float32"), ids=str)
def test_a_machine_counts_in_its_dtype(machine):
    rng = random.Random(1)
    x = [rng.uniform(-1, 1) for _ in range(9)]
    total = sum((machine(a) * machine(b) for a, b in zip(x, x[::-1], strict=True)), 0.0)
    assert total.value == float(np.float32(total.value))
    quotient = machine(1.0) / machine(3.0)
    assert quotient.value == float(np.float32(1) / np.float32(3))


def test_orders_differ_and_equal_numbers_stay_equal():
    x = [0.1 * n for n in range(1, 12)]
    totals = []
    for machine in machines("float32"):
        one, other = (sum((machine(x_i) * machine(0.3) for x_i in x), 0.0) for _ in range(2))
        assert one.value == other.value
        totals.append(one.value)
    assert len(set(totals)) > 1


def test_every_tolerance_follows_from_its_bound_and_spread():
    for case in load_all():
        for e in case.expect:
            if e.tolerance == 0.0:
                assert (e.bound, e.spread) == (0.0, 0.0), (case.id, e.name)
            else:
                assert math.log2(e.tolerance).is_integer()
                assert max(e.bound, e.spread) <= e.tolerance * 1.01, (case.id, e.name)
                assert e.tolerance <= 2.02 * 2 * e.bound, (case.id, e.name)  # the diameter, and a power of two


def test_right_implementations_pass_with_room():
    """Nobody comes nearer to a tolerance than half of it."""
    for case in load_all():
        outcome = compare.run(Reference(), case)
        for step, expected in zip(outcome.given, case.expected, strict=True):
            for e in case.expect:
                if e.tolerance:
                    off = np.abs(np.asarray(step[e.name], np.float64) - expected[e.name]).max()
                    assert off <= e.tolerance / 2, (case.id, e.name)


def test_the_stored_bound_is_that_of_the_case():
    case = next(case for case in load_all() if case.id == "memory/paper.read.confidence-gradient.float32")
    names = [e.name for e in case.expect]
    exact = run_in_float64(LoopAdapter(), case)
    found = first_order(case, exact, names)
    runs = list(reordered(case).values())
    for e in case.expect:
        assert found[e.name] == pytest.approx(e.bound, rel=1e-2)
        assert spread(runs, e.name) == pytest.approx(e.spread, rel=1e-2)


def test_rounding_that_decides_is_refused():
    with pytest.raises(TooClose):
        apart("values", np.array([1, 2]), np.array([1, 3]))
    with pytest.raises(TooClose):
        apart("y", np.zeros(2), np.zeros(3))


def test_spread_is_between_any_two_runs():
    runs = [[Inputs(y=np.array([1.0, 5.0]))], [Inputs(y=np.array([1.5, 5.0]))], [Inputs(y=np.array([0.75, 5.0]))]]
    assert spread(runs, "y") == 0.75


def test_an_operation_of_the_tape_divides_by_a_constant_as_any_dtype_does():
    task = Task("l2_normalize/x", "l2_normalize", None, "float64", {}, None, Inputs(),
                [Inputs(x=np.full((1, 2), 1e-8), d_y=np.ones((1, 2)))])
    exact = run_in_float64(LoopAdapter(), task)
    assert first_order(task, exact, ["d_x"])["d_x"] >= 4 * 1e6 * U["float64"]
