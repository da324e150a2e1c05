"""Which rule is broken, when several cases fail?

A mistake early in the computation makes many later cases fail. Two witnesses are asked, in this order:

1. the mutant that gives the same wrong numbers in most of the failed cases, if it does in more than half of those
   that are of its profile or operation;
2. the rules of the failed and passed cases: a rule is the more suspect, the more of the failures exercise it and the
   fewer of the passes do (Ochiai's coefficient f / sqrt(F (f + p))); ties go to the earlier rule of the
   computation, as the cases are ordered.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from refmem.conformance.verdict import Result, Verdict

BAD = (Verdict.FAIL, Verdict.XFAIL)


def suspects(results: Sequence[Result], rule_of_mutant: Mapping[str, str]) -> list[str]:
    """Rules, the likeliest broken first. Empty when nothing failed."""
    failed = [result for result in results if result.verdict in BAD]
    passed = [result for result in results if result.verdict in (Verdict.PASS, Verdict.XPASS)]
    if not failed:
        return []
    first = [rule_of_mutant[id] for id in ranked_hints(failed) if id in rule_of_mutant]
    return list(dict.fromkeys([*first, *by_spectrum(failed, passed)]))


def ranked_hints(failed: Sequence[Result]) -> list[str]:
    """The mutants that explain more than half of the failures that concern them, best first."""
    scopes = Counter(_scope(result) for result in failed)
    votes = Counter((_scope(result), id) for result in failed for id in result.hints)
    enough = {id: count for (scope, id), count in votes.items() if 2 * count > scopes[scope]}
    return sorted(enough, key=lambda id: -enough[id])


def _scope(result: Result) -> tuple[str, str | None]:
    return result.case.group, result.case.profile


def by_spectrum(failed: Sequence[Result], passed: Sequence[Result]) -> list[str]:
    """Rules that failed cases exercise, by Ochiai's coefficient; the rule that a case is about counts double."""
    f: Counter[str] = Counter()
    p: Counter[str] = Counter()
    for counter, results in ((f, failed), (p, passed)):
        for result in results:
            counter.update([*result.case.rules, result.case.rule])
    return sorted(f, key=lambda rule: -f[rule] / math.sqrt(len(failed) * (f[rule] + p[rule])))
