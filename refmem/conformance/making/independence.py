"""Whether two oracles are independent: what code does each of them reach?

An oracle is a class or a function. From its code all names are followed that lead to functions, classes and constants
of refmem. Two oracles are independent if what they reach has nothing in common but the types in which cases are kept.
"""

import dis
import inspect
from collections.abc import Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from refmem.conformance.oracles import Paper, Released
from refmem.conformance.groups import groups
from refmem.conformance.second_oracle import SecondOracle

COMMON = ("refmem.conformance.case",)
"""Modules of plain containers: a case, its arrays."""

REFMEM = "refmem"
"""The name of the one that is under test: it must agree, but it does not count as an oracle."""
UNDER_TEST = ("refmem.memory.", "refmem.neighbours.", "refmem.ops.")
"""What an oracle may not reach."""


def code_of(thing: Any) -> set[str]:
    """The full names of all functions and classes of refmem that a function or class reaches."""
    reached: set[str] = set()
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        name = f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', '')}"
        if name in reached or not name.startswith("refmem.") or name.startswith(COMMON):
            continue
        reached.add(name)
        if inspect.isclass(item):
            waiting += [member for base in item.__mro__ for member in vars(base).values()]
        elif isinstance(item, FunctionType):
            waiting += _named(item.__code__, item.__globals__)
        elif isinstance(item, (property, staticmethod, classmethod)):
            waiting.append(getattr(item, "fget", None) or getattr(item, "__func__", None))
    return reached


def _named(code: CodeType, known: dict[str, Any]) -> list[Any]:
    """What the names in a function stand for; `tape.relu` is found through the module `tape`."""
    found, last = [], None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            last = known.get(instruction.argval)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(last, ModuleType):
            last = vars(last).get(instruction.argval)
        else:
            last = None
        found.append(last)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # a lambda or comprehension
            found += _named(constant, known)
    return [item for item in found if item is not None]


def things(oracle: str, group: str, profile: str | None) -> Any:
    """The class or function behind the name of an oracle.

    Raises
    ------
    ValueError
        If there is none for this group.
    """
    found = groups().get(group)
    if oracle in ("loops", "loops-50-digits", "differences-50-digits"):
        return found.oracle if found else {"paper": Paper, "tf2017": Released}[str(profile)]
    if oracle in ("arrays-long-double", "arrays", "complex-step") and found is None:
        return SecondOracle
    if oracle == "torch-autograd" and found is not None and found.torch is not None:
        return found.torch
    if oracle == "second" and found is not None and found.second is not None:
        return found.second
    raise ValueError(f"the group {group} has no oracle {oracle!r}")


def independent(oracles: Iterable[str], group: str, profile: str | None) -> bool:
    """Whether at least two of the oracles share no code, with each other or with what is under test."""
    reached = [code_of(things(name, group, profile)) for name in dict.fromkeys(oracles) if name != REFMEM]
    reached = [code for code in reached if not any(name.startswith(UNDER_TEST) for name in code)]
    return any(not one & other for i, one in enumerate(reached) for other in reached[:i])
