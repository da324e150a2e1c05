"""The report: for machines, and for people."""

import json

import numpy as np
import pytest

from refmem.gradcheck import GradientError, GradReport, Row, Verdict, assert_gradients, from_vjp, gradcheck
from refmem.gradcheck.report import merge, percent


def test_json_holds_only_plain_values():
    report = gradcheck(np.sin, lambda w, x: w * np.cos(x) * 1.5, np.array([0.3, 0.4]))
    facts = json.loads(report.dumps())
    assert facts["failed"] == 1 and facts["inconclusive"] == 0 and facts["evaluations"] == report.evaluations
    [row] = [row for row in facts["rows"] if row["check"] == "gradient"]
    assert row["verdict"] == "FAIL" and isinstance(row["index"], list) and row["numeric"] > 0
    assert {"floor", "bar", "ulps", "note", "problem", "dtype", "input", "output"} <= set(row)


def test_what_is_not_finite_is_null_in_json():
    row = Row("f", "float64", "gradient", Verdict.INCONCLUSIVE, floor=float("inf"))
    assert row.to_json()["floor"] is None
    json.dumps(row.to_json(), allow_nan=False)


def test_the_worst_row_is_the_last_and_good_ones_are_left_out():
    def row(verdict, gap):
        return Row("f", "float64", "gradient", verdict, "x", "y", analytic=1.0 + gap, numeric=1.0, bar=0.1, scale=1.0)

    report = GradReport([row(Verdict.FAIL, 5), row(Verdict.PASS, 0), row(Verdict.FAIL, 7), row(Verdict.KINK, 0),
                         row(Verdict.INCONCLUSIVE, 9)])
    lines = str(report).splitlines()
    assert [line.split()[2] for line in lines[:-1]] == ["KINK", "INCONCLUSIVE", "FAIL", "FAIL"]
    assert "analytic 8," in lines[-2] and "1 PASS" in lines[-1] and "2 FAIL" in lines[-1]
    assert len(report.text(every_row=True).splitlines()) == 6


def test_a_report_is_no_bool_and_merges():
    one = gradcheck(np.sin, lambda w, x: w * np.cos(x), np.array([0.3]))
    two = gradcheck(np.sin, lambda w, x: w * np.sin(x), np.array([0.3]))
    both = merge([one, two])
    assert both.failed == 1 and len(both.rows) == len(one.rows) + len(two.rows)
    assert both.evaluations == one.evaluations + two.evaluations and both.verdict is Verdict.FAIL


def test_assert_gradients_is_one_line():
    sine = (np.sin, lambda w, x: w * np.cos(x), np.array([0.3, 1.2]))
    assert assert_gradients(*sine).failed == 0
    assert assert_gradients(from_vjp(*sine), strict=True).failed == 0
    with pytest.raises(GradientError, match="FAIL"):
        assert_gradients(np.sin, lambda w, x: w * np.sin(x), np.array([0.3, 1.2]))
    with pytest.raises(TypeError, match="needs its vjp"):
        assert_gradients(np.sin)
    with pytest.raises(TypeError, match="has its vjp"):
        assert_gradients(from_vjp(*sine), np.sin)


@pytest.mark.parametrize("share, text", [(0.0002, "0.02 %"), (3e-9, "3.0e-09"), (0.5, "50 %"), (2.5, "250 %"),
                                         (0.0, "any size")])
def test_percent(share, text):
    assert percent(share) == text
