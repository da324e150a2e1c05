"""From a name on the command line to problems: one of our own, or a function of somebody else's."""

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import ArrayModule
from refmem.cli.gradcheck_targets.memory import MEMORY
from refmem.cli.gradcheck_targets.models import MODELS
from refmem.cli.gradcheck_targets.operations import CPU_ONLY, OPS, Make
from refmem.gradcheck.problem import Problem, ProblemRefused, from_vjp

TARGETS: dict[str, Make] = {**OPS, **MEMORY, **MODELS}


def resolve(name: str) -> Callable[[npt.DTypeLike, ArrayModule], list[Problem]]:
    """The maker of the problems that a name on the command line stands for.

    `package.module:function` is a function without arguments that returns a Problem, a tuple
    (function, vjp, arguments) as for `gradcheck`, or a list of these. If it has a parameter called `dtype`, it is
    given one.
    """
    if ":" not in name:
        if name not in TARGETS:
            raise ProblemRefused(f"there is nothing called {name!r} to check; known are {', '.join(TARGETS)}, and "
                                 "package.module:function for your own")
        return functools.partial(_ours, name)
    function = _imported(name)

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> list[Problem]:
        takes_dtype = "dtype" in inspect.signature(function).parameters
        try:
            made = function(dtype=dtype) if takes_dtype else function()
        except Exception as error:
            raise ProblemRefused(f"{name} raised {type(error).__name__}: {error}") from error
        return [_as_problem(name, one) for one in (made if isinstance(made, list) else [made])]

    return make


def _ours(name: str, dtype: npt.DTypeLike, xp: ArrayModule) -> list[Problem]:
    if xp is not np and name in CPU_ONLY:
        raise ProblemRefused(f"{name} runs on the CPU only")
    return [TARGETS[name](dtype, xp)]


def _imported(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        module: ModuleType = importlib.import_module(module_name)
    except Exception as error:
        raise ProblemRefused(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(os.getcwd())
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ProblemRefused(f"{module_name} has no function called {attribute!r}")
    return function  # type: ignore[no-any-return]


def _as_problem(name: str, made: Any) -> Problem:
    if isinstance(made, Problem):
        return made
    if isinstance(made, tuple) and len(made) == 3 and callable(made[0]) and callable(made[1]):
        return from_vjp(*made, name=name.partition(":")[2])
    raise ProblemRefused(f"{name} must return a Problem or (function, vjp, arguments), or a list of them, got "
                         f"{type(made).__name__}")
