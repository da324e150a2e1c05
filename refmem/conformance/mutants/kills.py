"""Which vector kills which mutant."""

from collections.abc import Iterable

from refmem.conformance import compare
from refmem.conformance.case import Case
from refmem.conformance.mutants.registry import Mutant


def kills(mutants: Iterable[Mutant], cases: Iterable[Case]) -> dict[str, list[str]]:
    """For each mutant the ids of the cases in which it gives itself away."""
    cases = list(cases)
    return {mutant.id: killers(mutant, cases) for mutant in mutants}


def killers(mutant: Mutant, cases: Iterable[Case]) -> list[str]:
    """The ids of the cases in which a mutant gives itself away: by a wrong answer, or by none."""
    implementation = mutant.implementation()
    return [case.id for case in cases
            if mutant.concerns(case) and compare.run(implementation, case).problem is not None]


def alive_without(rule: str, mutants: Iterable[Mutant], cases: Iterable[Case],
                  table: dict[str, list[str]]) -> list[str]:
    """The mutants of a rule that would live if all vectors that exercise the rule were taken away."""
    of_the_rule = {case.id for case in cases if rule in case.rules}
    return [mutant.id for mutant in mutants if mutant.rule == rule and set(table[mutant.id]) <= of_the_rule]
