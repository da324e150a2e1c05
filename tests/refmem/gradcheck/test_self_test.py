"""The checker against random problems: no false alarm, no miss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem.gradcheck import Verdict, gradcheck
from refmem.gradcheck.random_problems import DRAWS, KINDS, draw, plant, planted_size
from refmem.gradcheck.report import GRADIENT
from refmem.gradcheck.self_test import PROBLEMS, self_test


def test_a_few_problems():
    result = self_test(50, seed=7)
    assert result["problems"] == 100 and result["planted"] == 50
    assert result["false_alarms"] == result["misses"] == 0
    assert result["caught"] > 40  # it does not get there by saying nothing
    assert result["inconclusive_share"] < 0.15


@pytest.mark.slow
def test_all_of_them():
    result = self_test(PROBLEMS)
    assert result["problems"] == 2 * PROBLEMS >= 4000
    assert result["false_alarms"] == result["misses"] == 0
    assert result["inconclusive_share"] < 0.06


def test_a_checker_that_says_nothing_or_anything_is_found_out(monkeypatch):
    import refmem.gradcheck.walk as walk

    monkeypatch.setattr(walk, "SAFETY", 1e9)  # nothing disagrees, and the floors are as they were
    monkeypatch.setattr("refmem.gradcheck.verdicts.floor_of_directions", lambda lines: 1e-12)
    monkeypatch.setattr("refmem.gradcheck.argument.floor_of_directions", lambda lines: 1e-12)
    assert self_test(20, dtypes=("float64",))["misses"] > 0
    monkeypatch.setattr(walk, "SAFETY", 1e-9)  # everything disagrees
    assert self_test(20, dtypes=("float64",))["false_alarms"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_an_error_of_the_size_said(kind):
    rng = np.random.default_rng(1)
    right = DRAWS[0](rng, "float64")
    wrong, i = plant(right, kind, rng)
    w = np.ones_like(right.linearize(right.arguments)[0])
    one, other = (np.asarray(p.linearize(p.arguments)[1]((w,))[i]) for p in (right, wrong))
    changed = (one != other).sum()
    assert planted_size(right, wrong, i, w) == np.abs(one - other).max() > 0
    assert changed == {"element": 1, "row": one[0].size if one.ndim else 1}.get(kind, changed)


def test_the_draws_reach_every_operation_and_scale():
    rng = np.random.default_rng(0)
    problems = [draw(rng, "float32") for _ in range(300)]
    assert len({problem.name for problem in problems}) == len(DRAWS)
    sizes = [float(np.abs(problem.arguments[0]).max()) for problem in problems]
    assert min(sizes) < 1e-2 and max(sizes) > 1e2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["float64", "float32"]), st.floats(1.0, 3.0))
def test_an_error_above_the_printed_floor_does_not_pass(seed, dtype, factor):
    rng = np.random.default_rng(seed)
    x = (10 ** rng.uniform(-2, 2) * rng.standard_normal((int(rng.integers(1, 6)), 4))).astype(dtype)
    right = lambda w, x: w * (1 - np.tanh(x) ** 2)
    [row] = [row for row in gradcheck(np.tanh, right, x).rows if row.check == GRADIENT]
    if row.verdict is not Verdict.PASS:
        return
    element = tuple(int(rng.integers(n)) for n in x.shape)

    def wrong(w, x):
        d = right(w, x)
        if len(x):
            d[element] += np.asarray(factor * row.floor * row.scale, dtype) * np.sign(w[element])
        return d

    # The planted one is measured along other directions, whose own floor counts.
    [seen] = [r for r in gradcheck(np.tanh, wrong, x, seed=seed + 1).rows if r.check == GRADIENT]
    planted = float(np.abs(wrong(row.cotangent, x)[element] - right(row.cotangent, x)[element])) / row.scale
    assert not (seen.verdict is Verdict.PASS and planted >= 1.1 * seen.floor)
