"""The gate: its two cutoffs, where it is shut, and what it passes there."""

import math

import numpy as np
import pytest

from refmem.ops import hard_gate


@pytest.mark.parametrize(("cutoff", "c"), [("paper", 1.1), ("released", 1.2)])
def test_it_is_the_equation(cutoff, c):
    x = np.linspace(-6, 6, 49)
    g, _ = hard_gate.forward(x, cutoff=cutoff)
    assert g.tolist() == pytest.approx([max(0, min(1, c / (1 + math.exp(-v)) - 0.1)) for v in x], abs=1e-15)


def test_the_papers_gate_shuts_and_never_quite_opens_the_released_one_does_both():
    paper, released = (hard_gate.forward(np.array([-2.5, 6.0]), cutoff=name)[0] for name in ("paper", "released"))
    assert paper[0] == 0 and 0.99 < paper[1] < 1
    assert released.tolist() == [0, 1]


def test_a_shut_gate_passes_nothing_and_an_open_one_its_slope():
    x = np.array([-3.0, 0.0, 3.0, 5.0])
    _, cache = hard_gate.forward(x, cutoff="released")
    sigma = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(hard_gate.backward(np.ones(4), cache),
                               [0, 1.2 * 0.25, 0, 0], atol=1e-15)
    _, cache = hard_gate.forward(x)
    np.testing.assert_allclose(hard_gate.backward(np.ones(4), cache),
                               [0, *(1.1 * sigma * (1 - sigma))[1:]], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_it_neither_overflows_nor_warns(dtype):
    with np.errstate(all="raise"):
        g, cache = hard_gate.forward(np.array([-1e4, 1e4], dtype))
        hard_gate.backward(np.ones(2, dtype), cache)
    assert g.tolist() == [0, 1]


def test_an_unknown_cutoff_is_refused():
    with pytest.raises(ValueError, match="cutoff must be one of paper, released, got '1.1'"):
        hard_gate.forward(np.zeros(1), cutoff="1.1")
