"""An explanation names the slots, and the training examples behind them, on which an answer rests."""

import numpy as np
import pytest

from refmem.memory import Memory, explain


def taught():
    memory = Memory(3, 4)
    memory.forward(np.eye(3), np.array([7, 8, 9]), sources=np.array([70, 80, 90]))
    return memory


def test_the_nearest_stored_example_comes_first():
    memory = taught()
    query = np.array([[0.1, 1.0, 0.2]])
    evidence, = explain(memory, query)
    assert [item.source for item in evidence] == [80, 90, 70]
    assert evidence[0].value == 8 == memory.forward(query)[0].values[0]
    assert evidence[0].cosine == pytest.approx(1 / np.sqrt(1.05))
    assert sum(item.confidence for item in evidence) == pytest.approx(1)
    assert [item.age for item in evidence] == [1, 0, 2]


def test_asking_for_reasons_changes_nothing():
    memory = taught()
    before = memory.state.copy()
    explain(memory, np.ones((2, 3)), top=1)
    for name, array in memory.state.arrays().items():
        np.testing.assert_array_equal(array, before.arrays()[name])


def test_an_empty_memory_has_no_evidence():
    assert explain(Memory(3, 4), np.ones((2, 3))) == [[], []]


def test_top_must_be_positive():
    with pytest.raises(ValueError, match="top must be at least 1"):
        explain(taught(), np.ones((1, 3)), top=0)
