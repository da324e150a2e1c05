"""Writing on the tape and reading an image: which element, which axis, and whose gradient."""

import numpy as np
import pytest

from refmem.ops import tape_read, tape_write


def test_one_position_is_replaced():
    p, v = np.arange(48.0).reshape(2, 4, 3, 2), -np.ones((2, 2))
    first, _ = tape_write.forward(p, v, position=2)
    whole, _ = tape_write.forward(p, v, position=2, rows="all")
    changed = p.copy()
    changed[:, 2, 0] = -1
    np.testing.assert_array_equal(first, changed)
    changed[:, 2] = -1
    np.testing.assert_array_equal(whole, changed)
    assert (p >= 0).all()


def test_what_was_overwritten_has_no_gradient_and_the_value_that_of_all_its_rows():
    p, v = np.zeros((1, 3, 2, 1)), np.zeros((1, 1))
    dy = np.arange(6.0).reshape(1, 3, 2, 1)
    _, cache = tape_write.forward(p, v, position=1, rows="all")
    dp, dv = tape_write.backward(dy, cache)
    assert dp[0, :, :, 0].tolist() == [[0, 1], [0, 0], [4, 5]] and dv.tolist() == [[5.0]]
    _, cache = tape_write.forward(p, v, position=1)
    dp, dv = tape_write.backward(dy, cache)
    assert dp[0, :, :, 0].tolist() == [[0, 1], [0, 3], [4, 5]] and dv.tolist() == [[2.0]]


def test_the_query_is_row_0_of_a_position_and_not_position_0_of_a_row():
    s = np.arange(24.0).reshape(1, 4, 3, 2)
    q, cache = tape_read.forward(s, position=2)
    np.testing.assert_array_equal(q[0], s[0, 2, 0])
    assert not np.array_equal(q[0], s[0, 0, 2])
    ds = tape_read.backward(np.array([[5.0, 7.0]]), cache)
    assert ds[0, 2, 0].tolist() == [5, 7] and np.count_nonzero(ds) == 2


@pytest.mark.parametrize("position", [-1, 4])
def test_a_position_outside_is_refused(position):
    s = np.zeros((1, 4, 3, 2))
    for call in (lambda: tape_read.forward(s, position=position),
                 lambda: tape_write.forward(s, np.zeros((1, 2)), position=position)):
        with pytest.raises(ValueError, match=rf"position must lie in 0..3, got {position}"):
            call()


def test_unknown_rows_are_refused():
    with pytest.raises(ValueError, match="rows must be one of first, all, got 'last'"):
        tape_write.forward(np.zeros((1, 4, 3, 2)), np.zeros((1, 2)), position=0, rows="last")
