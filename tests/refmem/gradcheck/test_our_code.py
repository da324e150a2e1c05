"""Every operation, the memory and every model of the repository, as `refmem gradcheck` has them."""

import importlib
import pkgutil

import numpy as np
import pytest

import refmem.ops
from refmem.cli.gradcheck_targets import MEMORY, MODELS, OPS, TARGETS
from refmem.gradcheck import Verdict, assert_gradients
from refmem.gradcheck.report import GRADIENT


@pytest.mark.parametrize("name", TARGETS)
def test_float64_passes_with_a_floor_below_one_in_a_million(name):
    report = assert_gradients(TARGETS[name]("float64", np), strict=True)
    assert all(row.verdict in (Verdict.PASS, Verdict.KINK) for row in report.rows)
    assert report.floor < 1e-6


@pytest.mark.parametrize("name", [*OPS, *MEMORY])
def test_float32_passes(name):
    report = assert_gradients(TARGETS[name]("float32", np), strict=True)
    assert report.floor <= 1e-2


def test_no_operation_is_missing():
    modules = {name for _, name, _ in pkgutil.iter_modules(refmem.ops.__path__)}
    differentiable = {name for name in modules
                      if hasattr(importlib.import_module(f"refmem.ops.{name}"), "backward")}
    assert differentiable == set(OPS)


def test_both_profiles_and_both_paths_of_the_memory_are_there():
    for name in ("memory.paper", "memory.tf2017"):
        report = assert_gradients(MEMORY[name]("float64", np))
        assert {row.output for row in report.rows if row.check == GRADIENT} == {"loss", "confidence"}
        assert [row.verdict for row in report.rows if row.check == "gradient stop"] == [Verdict.PASS]


def test_a_leak_into_the_keys_is_noticed():
    problem = MEMORY["memory.paper"]("float64", np)
    inner = problem.linearize

    def leaks(at):
        outputs, pull = inner(at)
        return outputs, lambda w: (*pull(w)[:-1], np.ones_like(at[-1]))

    object.__setattr__(problem, "linearize", leaks)
    with pytest.raises(AssertionError, match="gradient stop keys"):
        assert_gradients(problem)


def test_every_parameter_of_a_model_has_a_row():
    problem = MODELS["classifier"]("float64", np)
    assert {"conv1.kernels", "conv4.bias", "linear2.weights"} <= set(problem.names)
