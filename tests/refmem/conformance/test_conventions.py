"""An implementation that keeps its arrays in another order says so in one line, and passes."""

import numpy as np
import pytest

from refmem.conformance.adapters.conventions import Conventions, layouts, translated
from refmem.conformance.case import load_all
from refmem.conformance.reference import Reference
from refmem.conformance.runner import conform, described
from refmem.conformance.verdict import Verdict

CASES = [case for case in load_all() if case.group in ("conv2d", "max_pool2d", "linear")]
PROJECTED = [case for case in load_all() if case.id.startswith("memory/tf2017.query.projection")]
THEIRS = {"images": "NCHW", "kernels": "OIHW", "matrices": "out,in", "projection": "out,in"}


class Elsewhere(Reference):
    """Does everything in the order of PyTorch, as one would write it there."""

    said = THEIRS

    def describe(self):
        return super().describe() | {"conventions": self.said}

    def __getattr__(self, name):
        inner = super().__getattr__(name)
        mine = Conventions(THEIRS)

        def run(task):
            arranged = layouts(name)
            ours = {key: mine.changed(x, arranged.get(key.removeprefix("d_"), ""), back=True)
                    for key, x in task.steps[0].items()}
            if name == "conv2d":
                assert ours["x"].shape == tuple(np.array(task.steps[0]["x"].shape)[[0, 2, 3, 1]])
            task.steps[0].update(ours)
            for out in inner(task):
                yield {key: mine.changed(np.asarray(x), arranged.get(key.removeprefix("d_"), ""), back=False)
                       for key, x in out.items()}

        return run


def test_one_line_is_enough():
    assert {r.verdict for r in conform(Elsewhere(), CASES).results} == {Verdict.PASS}


def test_without_the_line_it_fails():
    class Silent(Elsewhere):
        said = {}

    assert conform(Silent(), CASES).count(Verdict.FAIL, Verdict.ERROR) > len(CASES) / 2


def test_the_projection_of_the_released_memory():
    class Transposed(Reference):
        def describe(self):
            return super().describe() | {"conventions": {"projection": "out,in"}}

        def memory(self, task):
            task.params["query_projection"] = task.params["query_projection"].T.copy()
            for out in super().memory(task):
                yield {name: x.T if name == "d_query_projection" else x for name, x in out.items()}

    assert {r.verdict for r in conform(Transposed(), PROJECTED).results} == {Verdict.PASS}


@pytest.mark.parametrize("order", ["i,o,f,g", "i,g,f,o", "g,i,f,o", "o,g,f,i", "i,f,g,o"])
@pytest.mark.parametrize("kind", ["gates", "matrix gates"])
def test_gates_go_there_and_back(order, kind):
    conventions = Conventions({"gates": order, "matrices": "out,in"})
    x = np.arange(24.0).reshape(2, 12)
    there = conventions.changed(x, kind, back=False)
    np.testing.assert_array_equal(conventions.changed(there, kind, back=True), x)
    blocks = dict(zip("ifgo", np.split(x, 4, axis=1), strict=True))
    expected = np.concatenate([blocks[gate] for gate in order.split(",")], axis=1)
    np.testing.assert_array_equal(there, expected.T if kind == "matrix gates" else expected)


@pytest.mark.parametrize("order", ["NCHW", "NHWC", "HWCN", "CHWN"])
def test_images_go_there_and_back(order):
    conventions = Conventions({"images": order})
    x = np.arange(120).reshape(2, 3, 4, 5)  # N, H, W, C
    there = conventions.changed(x, "image", back=False)
    assert there.shape == tuple({"N": 2, "H": 3, "W": 4, "C": 5}[letter] for letter in order)
    np.testing.assert_array_equal(conventions.changed(there, "image", back=True), x)


@pytest.mark.parametrize(("said", "words"), [({"image": "NCHW"}, "must be one of"), ({"images": "NCWW"}, "an order of"),
                                             ({"gates": "i,f,o"}, "an order of"), ({"kernels": 3}, "an order of")])
def test_a_convention_that_is_none_is_refused(said, words):
    with pytest.raises(ValueError, match=words):
        Conventions(said)

    class Wrong(Reference):
        def describe(self):
            return super().describe() | {"conventions": said}

    with pytest.raises(TypeError, match=words):
        described(Wrong())


def test_our_own_order_changes_nothing():
    reference = Reference()
    assert translated(reference, {"conventions": {"images": "NHWC", "gates": "i,f,g,o"}}) is reference


# --- Not declared: the hint says what to declare ------------------------------------------------------------------


def hints_of(implementation, group, **more):
    run = conform(implementation, [case for case in load_all() if case.group == group and case.dtype == "float64"])
    return run, [hint for result in run.results for hint in result.hints]


class Keeps(Reference):
    """Does one group in an order that it does not speak of."""

    def __init__(self, group, **said):
        self._group, self._order = group, Conventions(said)

    def describe(self):
        return {"name": "keeps", "groups": [self._group]}

    def __getattr__(self, name):
        inner = super().__getattr__(name)

        def run(task):
            for out in inner(self._order.task(task, layouts(name), back=True)):
                yield self._order.step({key: np.asarray(x) for key, x in out.items()}, layouts(name), back=False)

        return run


@pytest.mark.parametrize(("group", "said"), [
    ("lstm_cell", {"gates": "i,o,f,g"}), ("lstm_cell", {"gates": "i,g,f,o"}), ("lstm_cell", {"gates": "f,i,g,o"}),
    ("lstm_cell", {"gates": "o,g,i,f"}), ("lstm", {"gates": "g,i,f,o"}), ("linear", {"matrices": "out,in"})])
def test_what_was_not_declared_is_found_out(group, said):
    run, hints = hints_of(Keeps(group, **said), group)
    assert run.exit_code == 1
    name, order = next(iter(said.items()))
    assert any(f"matches if {name} are {order}:" in hint and "conventions" in hint for hint in hints), hints
