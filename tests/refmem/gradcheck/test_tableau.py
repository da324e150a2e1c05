"""The tableau: its value, and above all its error bar."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmem.gradcheck.tableau import Tableau

RATIO = 4.0


def fill(phi, sigma=0.0, first=0.5, levels=9, power=2, stop_when_drowned=False):
    table = Tableau(power)
    for level in range(levels):
        h = first / RATIO**level
        difference = (phi(h) - phi(-h)) / (2 * h) if power == 2 else (phi(h) - phi(0.0)) / h
        table.add(h, difference, sigma / (math.sqrt(2) * h))
    return table


@pytest.mark.parametrize("phi, slope", [(np.exp, 1.0), (np.sin, 1.0), (lambda t: 1 / (1 - t), 1.0),
                                        (lambda t: np.tanh(30 * t), 30.0)])
def test_it_converges_far_below_the_error_of_any_one_step(phi, slope):
    table = fill(phi, sigma=1e-16)
    assert abs(table.value - slope) <= 3 * table.error
    assert table.error < 1e-9 * slope


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=7), st.floats(-3, 3))
def test_three_error_bars_hold_the_slope_of_every_polynomial(coefficients, at):
    polynomial = np.polynomial.Polynomial(coefficients)
    size = float(np.abs(coefficients).sum()) * (1 + abs(at)) ** 7
    table = fill(lambda t: polynomial(at + t), sigma=1e-15 * size)
    assert abs(table.value - polynomial.deriv()(at)) <= 3 * table.error


@given(st.integers(0, 10**6), st.sampled_from([1e-7, 1e-5, 1e-3]))
def test_noise_widens_the_error_bar_and_stays_inside_it(seed, sigma):
    rng = np.random.default_rng(seed)
    table = fill(lambda t: math.sin(1 + t) + sigma * rng.standard_normal(), sigma=1.5 * sigma)
    assert abs(table.value - math.cos(1)) <= 3 * table.error
    assert table.error > sigma


def test_smaller_steps_that_contradict_a_plateau_are_listened_to():
    near, jump = 1e-4, 1.0  # a kink at a distance of 1e-4: steps above it see the mean of both slopes
    phi = lambda t: 2 * t + jump * max(0.0, t - near)
    table = fill(phi, sigma=1e-12, levels=9)
    assert abs(table.value - 2) <= 3 * table.error < 1e-3
    blind = fill(phi, sigma=1e-12, levels=4)  # all steps are above: this is what the plateau looks like
    assert abs(blind.value - 2.5) < 0.01


def test_one_sided_differences_are_a_series_in_h():
    table = fill(np.exp, sigma=1e-16, levels=12, power=1)
    assert abs(table.value - 1) <= 3 * table.error < 1e-8


def test_a_step_out_of_the_domain_starts_the_table_afresh():
    table = Tableau()
    for level in range(8):
        h = 2 / RATIO**level
        low = 1 - h
        table.add(h, (math.log(1 + h) - math.log(low)) / (2 * h) if low > 0 else math.nan, 1e-16 / h)
    assert abs(table.value - 1) <= 3 * table.error < 1e-8


def test_an_empty_table_knows_nothing():
    assert math.isinf(Tableau().error) and math.isnan(Tableau().value)
