"""What a backward pass has to keep besides the right numbers: one row each."""

from collections.abc import Callable

import numpy as np

from refmem.gradcheck.place import Place, Vector, dense, flat, only, random_signs
from refmem.gradcheck.problem import Arrays, Gradients, HostArray, Problem, ProblemRefused, Subject
from refmem.gradcheck.report import Row
from refmem.gradcheck.verdicts import Verdict

LOOSE = 256.0  # units in the last place that a sum in another order may differ by

Rule = Callable[[Subject, Place, np.random.Generator], tuple[Verdict, str]]


def contract_rows(subject: Subject, place: Place, rng: np.random.Generator) -> list[Row]:
    """All rules, in the order of this file."""
    problem = subject.problem
    rules: list[tuple[str, Rule]] = [
        ("determinism", determinism), ("arguments untouched", arguments_untouched),
        ("cotangent untouched", cotangent_untouched), ("gradient dtype", gradient_dtype),
        ("same gradient twice", same_twice), ("linear in the cotangent", linear),
        ("zero cotangent", zero_cotangent), ("non-contiguous arguments", non_contiguous), ("zero size", zero_size)]
    rows = []
    for name, rule in rules:
        verdict, note = rule(subject, place, rng)
        rows.append(Row(problem.name, problem.dtype, name, verdict, note=note))
    return rows


def determinism(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """The same arguments give the same outputs, and the same gradients."""
    outputs, pull = subject.linearize(place.arguments)
    for o, (y, again) in enumerate(zip(place.outputs, outputs, strict=True)):
        if not np.array_equal(y, again, equal_nan=True):
            return _apart(place, f"output {o}", again, y)
    return _same_gradients(place, pull(only(place.cotangents, 0)), "the gradient of")


def arguments_untouched(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """Neither pass writes into the arguments."""
    given = tuple(x.copy() for x in place.arguments)
    _, pull = subject.linearize(given, copy=False)
    touched = _first_change(given, place.arguments, subject.problem.names)
    if touched:
        return Verdict.FAIL, f"the forward pass changed {touched}"
    pull(tuple(w.copy() for w in place.cotangents))
    touched = _first_change(given, place.arguments, subject.problem.names)
    return (Verdict.FAIL, f"the backward pass changed {touched}") if touched else (Verdict.PASS, "")


def cotangent_untouched(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """The backward pass does not write into its cotangent."""
    given = tuple(w.copy() for w in place.cotangents)
    _, pull = subject.linearize(tuple(x.copy() for x in place.arguments), copy=False)
    pull(given)
    touched = _first_change(given, place.cotangents, tuple(f"cotangent {o}" for o in range(len(given))))
    return (Verdict.FAIL, f"the backward pass changed {touched}") if touched else (Verdict.PASS, "")


def gradient_dtype(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """Each gradient has the dtype of its argument. (Number and shape are checked before anything else.)"""
    for gradients in place.raw_gradients:
        for name, x, g in zip(subject.problem.names, place.arguments, gradients, strict=True):
            if g is not None and g.dtype != x.dtype:
                return Verdict.FAIL, f"the gradient of {name} is {g.dtype}, and {name} is {x.dtype}"
    return Verdict.PASS, ""


def same_twice(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """A second call of the same backward pass gives the same: nothing accumulates, no cache is used up."""
    _, pull = subject.linearize(place.arguments)
    pull(only(place.cotangents, 0))
    return _same_gradients(place, pull(only(place.cotangents, 0)), "on the second call, the gradient of")


def linear(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """pull(a v + b w) = a pull(v) + b pull(w)."""
    a, b = 0.75, -1.5
    _, pull = subject.linearize(place.arguments)
    other = tuple(random_signs(rng, w.shape).astype(w.dtype) for w in place.cotangents)
    both = tuple((a * v + b * w).astype(w.dtype) for v, w in zip(other, place.cotangents, strict=True))
    sums, firsts, seconds = pull(both), pull(other), pull(place.cotangents)
    for i, (name, x) in enumerate(zip(subject.problem.names, place.arguments, strict=True)):
        got, first, second = (dense(g[i], x) for g in (sums, firsts, seconds))
        allowed = sum(_allowed(place, o, i, max(_largest(first), _largest(second))) for o in range(len(place.outputs)))
        gap = _largest(got - a * first - b * second)
        if not gap <= allowed:
            return Verdict.FAIL, f"the gradient of {name} is off by {gap:.2g}, where rounding allows {allowed:.2g}"
    return Verdict.PASS, ""


def zero_cotangent(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """A zero cotangent gives zero gradients."""
    _, pull = subject.linearize(place.arguments)
    for name, x, g in zip(subject.problem.names, place.arguments,
                          pull(tuple(np.zeros_like(w) for w in place.cotangents)), strict=True):
        if not (dense(g, x) == 0).all():
            return Verdict.FAIL, f"the gradient of {name} is not zero for a zero cotangent"
    return Verdict.PASS, ""


def non_contiguous(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """Views with gaps, as arguments and as cotangent, give what whole arrays give, up to rounding."""
    names = [name for name in subject.problem.names if name not in subject.problem.always_contiguous]
    differs = _strided(subject, place, {*names, "cotangent"})
    if not differs:
        return Verdict.PASS, ""
    culprits = [name for name in (*names, "cotangent") if _strided(subject, place, {name})]
    return Verdict.FAIL, f"where {culprits[0] if culprits else 'everything'} is a view with gaps, {differs} differs"


def _strided(subject: Subject, place: Place, views: set[str]) -> str:
    """What differs when these are views; nothing."""
    names = subject.problem.names
    arguments = [_with_gaps(x) if name in views else x.copy() for name, x in zip(names, place.arguments, strict=True)]
    outputs, pull = subject.linearize(tuple(arguments), copy=False)
    for o, (y, strided) in enumerate(zip(place.outputs, outputs, strict=True)):
        if not _largest(flat(strided) - flat(y)) <= _allowed(place, o, None, _largest(flat(y))):
            return f"output {o}"
    w = tuple(v.copy() for v in only(place.cotangents, 0))
    gradients = pull(tuple(map(_with_gaps, w)) if "cotangent" in views else w)
    for i, (name, x, g) in enumerate(zip(names, place.arguments, gradients, strict=True)):
        wanted = place.gradients[0][i]
        if not _largest(dense(g, x) - wanted) <= _allowed(place, 0, i, _largest(wanted)):
            return f"the gradient of {name}"
    return ""


def zero_size(subject: Subject, place: Place, rng: np.random.Generator) -> tuple[Verdict, str]:
    """An empty batch gives empty gradients of the right shapes, or is refused by the forward pass.

    The batch is taken to be the leading dimension of the first argument, and of the others that share it.
    """
    first = place.arguments[0]
    if first.ndim == 0:
        return Verdict.PASS, "no leading dimension to empty"
    batch = first.shape[0]
    empty = tuple(x[:0] if x.ndim == first.ndim and x.shape[0] == batch else x for x in place.arguments)
    try:
        outputs, pull = subject.linearize(empty)
    except ProblemRefused as refused:
        return Verdict.PASS, f"refused: {refused.__cause__ or refused}"
    try:
        pull(tuple(np.zeros_like(y) for y in outputs))  # the shapes are checked in there
    except ProblemRefused as refused:
        return Verdict.FAIL, str(refused)
    return Verdict.PASS, ""


def stop_row(problem: Problem, place: Place, i: int) -> Row:
    """A declared gradient stop gives none, or zero."""
    row = Row(problem.name, str(place.arguments[i].dtype), "gradient stop", Verdict.PASS, input=problem.names[i])
    if any(gradients[i].any() for gradients in place.gradients):
        row.verdict, row.note = Verdict.FAIL, "declared to carry no gradient, and does"
    return row


def _same_gradients(place: Place, gradients: Gradients, what: str) -> tuple[Verdict, str]:
    for i, (x, g) in enumerate(zip(place.arguments, gradients, strict=True)):
        if not np.array_equal(dense(g, x), place.gradients[0][i], equal_nan=True):
            return _apart(place, f"{what} argument {i}", dense(g, x), place.gradients[0][i])
    return Verdict.PASS, ""


def _apart(place: Place, what: str, got: HostArray, wanted: HostArray) -> tuple[Verdict, str]:
    """FAIL, but INCONCLUSIVE where a sum in another order explains it: parallel hardware adds as it comes."""
    gap = _largest(flat(got) - flat(wanted))
    explained = gap <= LOOSE * place.eps * _largest(flat(wanted))
    return Verdict.INCONCLUSIVE if explained else Verdict.FAIL, f"{what} differs by {gap:.2g} between two runs"


def _allowed(place: Place, o: int, i: int | None, size: float) -> float:
    """By how much output o, or its gradient i, of this size may differ when it is summed in another order."""
    terms = size if i is None else size + place.terms(o)
    return LOOSE * (place.eps * terms + place.least) + 8 * _rounding(place, o, i)


def _rounding(place: Place, o: int, i: int | None) -> float:
    """The largest change that a step of one unit in the last place made to output o, or to its gradient i."""
    seen = place.output_noise[o].samples if i is None else place.gradient_noise[o][i]
    return _largest(seen)


def _largest(x: Vector) -> float:
    return float(np.abs(x).max()) if x.size else 0.0


def _first_change(now: Arrays, before: Arrays, names: tuple[str, ...]) -> str:
    return next((name for name, a, b in zip(names, now, before, strict=True) if not np.array_equal(a, b)), "")


def _with_gaps(x: HostArray) -> HostArray:
    wide = np.zeros((*x.shape, 2), x.dtype)
    wide[..., 0] = x
    view: HostArray = wide[..., 0]
    return view
