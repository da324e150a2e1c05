"""What covers each rule: its home, its vectors, its mutants."""

from dataclasses import dataclass

from refmem.conformance.case import Case, load_all
from refmem.conformance.mutants import Mutant, all_mutants
from refmem.conformance.rules import Rule, index


@dataclass(frozen=True)
class Covered:
    """One id and what there is of it."""

    id: str
    rule: Rule | None
    cases: tuple[Case, ...]
    mutants: tuple[Mutant, ...]

    @property
    def missing(self) -> list[str]:
        """What is lacking: "code", "vector", "mutant"."""
        parts = {"code": self.rule, "vector": self.cases, "mutant": self.mutants}
        return [name for name, part in parts.items() if not part]


def coverage() -> list[Covered]:
    """Every id that the code, a vector or a mutant names."""
    rules, cases, mutants = index(), load_all(), all_mutants()
    named = dict.fromkeys([*rules, *(id for case in cases for id in case.rules), *(m.rule for m in mutants)])
    return [Covered(id, rules.get(id), tuple(case for case in cases if id in case.rules),
                    tuple(m for m in mutants if m.rule == id)) for id in named]
