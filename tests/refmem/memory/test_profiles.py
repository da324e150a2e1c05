"""The profiles refuse what means nothing, and the register of their differences points at code that exists."""

import dataclasses
import importlib
import math

import pytest

from refmem.memory import PAPER, TF2017
from refmem.memory.deviations import REGISTER
from refmem.memory.profiles import differences


@pytest.mark.parametrize("field, value", [
    ("rules", "other"), ("k", 0), ("k", 2.5), ("correct_in_top", 0), ("alpha", 0.0), ("alpha", math.nan),
    ("inverse_temperature", -1.0), ("age_noise", -1.0), ("age_noise", math.inf), ("empty_value", 3),
])
def test_a_field_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(PAPER, **{field: value})


def test_the_recent_hint_belongs_to_the_released_rules():
    with pytest.raises(ValueError, match="recent_hint belongs to the released rules"):
        dataclasses.replace(PAPER, recent_hint=True)


@pytest.mark.parametrize("memory_size, t", [(5, 1.0), (8, 4.70), (16, 11.6), (64, 25.5), (256, 39.357), (8192, 39.357)])
def test_the_released_temperature_is_the_one_that_was_measured(memory_size, t):
    assert TF2017.temperature_in(memory_size) == pytest.approx(t, abs=0.05)
    assert PAPER.temperature_in(memory_size) == 40.0


def test_every_difference_of_a_field_is_a_field_that_the_register_speaks_of():
    spoken = " ".join(entry.point + entry.paper + entry.tf2017 for entry in REGISTER)
    words = {"inverse_temperature": "softmax", "query_projection": "normalisation", "age_noise": "r_i",
             "recent_hint": "slot last written for v", "empty_value": "empty slot"}
    for field in differences(PAPER, TF2017).keys() - {"name", "rules"}:
        assert words[field] in spoken


@pytest.mark.parametrize("entry", REGISTER, ids=lambda entry: entry.id)
def test_the_homes_of_a_deviation_exist(entry):
    for home in entry.homes:
        module, _, name = home.partition(":")
        assert callable(getattr(importlib.import_module(f"refmem.{module}"), name))


def test_ids_are_unique():
    assert len({entry.id for entry in REGISTER}) == len(REGISTER)
