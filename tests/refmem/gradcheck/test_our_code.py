"""Every operation, the memory and every model of the repository, as `refmem gradcheck` has them."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

from support.standin import standin

import refmem.ops
from refmem.cli.gradcheck_targets import CPU_ONLY, MEMORY, MODELS, OPS, TARGETS
from refmem.gradcheck import Verdict, assert_gradients, check_problem
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
    assert differentiable | {"cgru_winograd"} == set(OPS)  # a twin that `cgru_steps` runs, not an operation


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


def test_no_model_is_missing():
    import reference_models

    checked = set()
    for _, name, is_package in pkgutil.walk_packages(reference_models.__path__, "reference_models."):
        _, room, *inner = name.split(".")
        if is_package or not inner or room in ("cli", "tasks", "training") or inner[0] == "cores":
            continue  # the cores have a test of their own for all of them
        module = importlib.import_module(name)
        here = {room} if inner == ["model"] else {inner[-1], f"{room}_{inner[-1]}"}
        for thing in vars(module).values():
            if inspect.isclass(thing) and thing.__module__ == module.__name__ and hasattr(thing, "backward"):
                assert here & set(MODELS), f"{thing.__name__} has a backward pass that refmem gradcheck does not know"
                checked.add(thing.__name__)
    assert {"Classifier", "Seq2Seq", "ExtendedNeuralGPU"} <= checked, "the search itself is broken"


@pytest.mark.parametrize("name", [name for name in (*OPS, *MEMORY) if name not in CPU_ONLY])
def test_the_same_on_another_device(name):
    here, there = (check_problem(TARGETS[name]("float64", xp)) for xp in (np, standin))
    assert there.failed == there.inconclusive == 0
    assert [(row.check, row.input, row.output) for row in there.rows] == [
        (row.check, row.input, row.output) for row in here.rows]
