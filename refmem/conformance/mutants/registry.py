"""Mutants: implementations with one small mistake each.

A mutant is the loop oracle with one method changed. The vectors must kill every one, or they do not test what they
say; and because a mutant knows its mistake by name, it is also the hint for an implementation that gives the same wrong
numbers.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from refmem.conformance.case import Case
from refmem.conformance.groups import groups, modules
from refmem.conformance.oracles import Paper, Released
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.oracles.ops import Ops

MODULES = ("paper_reading", "paper_losing", "paper_writing", "tf2017_reading", "tf2017_losing", "tf2017_writing",
           "ops_images", "ops_rows")
"""The modules that hold mutants of the memory and of the CNN. Other groups bring theirs, see `groups`."""

Loop = TypeVar("Loop", bound=type)


@dataclass(frozen=True)
class Mutant:
    """One mistake."""

    id: str
    rule: str
    """The rule that it breaks."""
    says: str
    """The mistake in words that end the sentence "matches if ..."."""
    seen: str
    """The public code that makes it, if one was seen."""
    body: type

    @property
    def profile(self) -> str | None:
        """The profile that it pretends to be; None for a mutant of an operation."""
        return "paper" if issubclass(self.body, Paper) else "tf2017" if issubclass(self.body, Released) else None

    def concerns(self, case: Case) -> bool:
        """Whether the case could notice: it is of the mutant's profile, or of its operation."""
        if self.profile is not None:
            return case.group == "memory" and case.profile == self.profile
        mine = [name for name, group in groups().items() if issubclass(self.body, group.oracle)]
        about = self.rule.split(".")[0]
        return case.group == about if about in mine else case.group in mine

    def implementation(self) -> Any:
        """Something to hold against the vectors. It gives no optional intermediates: vectors must do without."""
        if self.profile == "paper":
            return Silent(paper=self.body)
        if self.profile == "tf2017":
            return Silent(released=self.body)
        return Silent(oracle=self.body())


class Silent(LoopAdapter):
    """Gives only what every implementation must give."""

    def memory_step(self, *arguments: Any) -> dict[str, Any]:
        """A step without the optional intermediates."""
        out = super().memory_step(*arguments)
        return {name: x for name, x in out.items() if name not in ("neighbours", "cosines")}


_found: dict[str, Mutant] = {}


def mutant(id: str, rule: str, says: str, seen: str = "") -> Callable[[Loop], Loop]:
    """Register the class below as a mutant."""

    def register(body: Loop) -> Loop:
        if id in _found:
            raise ValueError(f"there are two mutants {id!r}")
        _found[id] = Mutant(id, rule, says, seen, body)
        return body

    return register


def all_mutants() -> list[Mutant]:
    """Every mutant there is."""
    for name in MODULES:
        importlib.import_module(f"refmem.conformance.mutants.{name}")
    modules()
    return list(_found.values())


__all__ = ["Mutant", "Ops", "Paper", "Released", "all_mutants", "mutant"]
