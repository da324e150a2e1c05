"""Other libraries keep the same arrays in another order. An adapter says so in one line, and nothing else changes:

    def describe(self):
        return {"name": "mine", "groups": ["conv2d", "lstm_cell"],
                "conventions": {"images": "NCHW", "kernels": "OIHW", "matrices": "out,in", "gates": "i,o,f,g"}}

The arrays of a case are brought into that order before the implementation sees them, and what it returns is brought
back, gradients too. A runner in another language says it in its own `describe`.

| what | ours | others |
|---|---|---|
| images | NHWC | NCHW, or any order of the four letters |
| kernels | HWIO | OIHW, or any order of the four letters |
| matrices | in,out: y = x W | out,in: y = x W^T |
| gates | i,f,g,o, blocks of the last axis | any order of the four; PyTorch i,f,g,o; ONNX i,o,f,g; TF1 i,g,f,o |
| projection | in,out: q = x W | out,in |

"matrices" concerns the weights of all operations, "projection" the map before the query of the memory of the released
code.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task

OURS = {"images": "NHWC", "kernels": "HWIO", "matrices": "in,out", "gates": "i,f,g,o", "projection": "in,out"}

Change = Callable[[HostArray], HostArray]


class Conventions:
    """The order in which an implementation keeps its arrays.

    Raises
    ------
    ValueError
        If a convention is not known, or is no order of the letters or words that it should be.
    """

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = dict(said)
        for name, order in self.said.items():
            if name not in OURS:
                raise ValueError(f"a convention must be one of {', '.join(OURS)}, got {name!r}")
            if not isinstance(order, str) or sorted(_words(order)) != sorted(_words(OURS[name])):
                raise ValueError(f"the convention {name!r} must be an order of {OURS[name]!r}, got {order!r}")

    def __bool__(self) -> bool:
        return any(_words(order) != _words(OURS[name]) for name, order in self.said.items())

    def task(self, task: Task, layouts: Mapping[str, str], *, back: bool = False) -> Task:
        """The task with its arrays in the order of the implementation."""
        def theirs(arrays: Inputs) -> Inputs:
            return Inputs({name: self.changed(array, _kind(name, layouts), back=back)
                           for name, array in arrays.items()})

        return dataclasses.replace(task, params=theirs(task.params), steps=[theirs(step) for step in task.steps])

    def step(self, given: Mapping[str, HostArray], layouts: Mapping[str, str], *,
             back: bool = True) -> dict[str, HostArray]:
        """The outputs of a step in our order."""
        return {name: self.changed(array, _kind(name, layouts), back=back) for name, array in given.items()}

    def changed(self, x: HostArray, kind: str, *, back: bool) -> HostArray:
        """One array from our order into theirs, or back. What has the wrong rank stays, and is found wrong later."""
        words = kind.split()
        if "image" in words or "kernel" in words:
            name = "images" if "image" in words else "kernels"
            axes = _permutation(OURS[name], self.said.get(name, OURS[name]), back)
            return x.transpose(axes) if x.ndim == 4 else x
        steps: list[Change] = []
        if "gates" in words:
            order = _permutation(OURS["gates"], self.said.get("gates", OURS["gates"]), back)
            steps.append(lambda x: _blocks(x, order))
        map_ = next((word for word in ("matrix", "projection") if word in words), None)
        if map_ and self.said.get("matrices" if map_ == "matrix" else map_, "in,out") == "out,in":
            steps.insert(0 if back else len(steps), lambda x: x.T if x.ndim == 2 else x)
        for change in steps:
            x = change(x)
        return x


def _kind(name: str, layouts: Mapping[str, str]) -> str:
    return layouts.get(name, layouts.get(name.removeprefix("d_"), ""))


def _words(order: str) -> list[str]:
    return order.split(",") if "," in order else list(order)


def _permutation(ours: str, theirs: str, back: bool) -> list[int]:
    a, b = (_words(theirs), _words(ours)) if back else (_words(ours), _words(theirs))
    return [a.index(word) for word in b]


def _blocks(x: HostArray, order: Iterable[int]) -> HostArray:
    """The four blocks of the last axis in another order."""
    if x.ndim == 0 or x.shape[-1] % 4:
        return x
    return np.concatenate([np.split(x, 4, axis=-1)[i] for i in order], axis=-1)


class Translated:
    """An implementation that sees every case in its own conventions."""

    def __init__(self, implementation: Any, said: Mapping[str, str]) -> None:
        self._implementation, self._conventions = implementation, Conventions(said)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._implementation, name)
        if name.startswith("_") or name in ("describe", "stop"):
            return found
        arranged = layouts(name)

        def run(task: Task) -> Iterator[dict[str, HostArray]]:
            from refmem.conformance.compare import to_host

            produced = found(self._conventions.task(task, arranged))
            for step in [produced] if isinstance(produced, Mapping) else produced:
                given = {output: to_host(x) for output, x in step.items() if x is not None}
                yield self._conventions.step(given, arranged)

        return run


def translated(implementation: Any, describes: Mapping[str, Any]) -> Any:
    """The implementation, in our conventions."""
    said = describes.get("conventions") or {}
    if not isinstance(said, Mapping):
        raise ValueError(f"'conventions' must be an object such as {{'images': 'NCHW'}}, got {said!r}")
    return Translated(implementation, said) if Conventions(said) else implementation


def layouts(group: str) -> Mapping[str, str]:
    """Which arrays of a group other libraries keep in another order."""
    from refmem.conformance.groups import groups

    if group == "memory":
        return {"query_projection": "projection"}
    return groups()[group].layouts if group in groups() else {}


def candidates(layouts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The conventions that a group could be held in without saying so: first one at a time, then two."""
    words = {word for kind in layouts.values() for word in kind.split()}
    orders = [",".join(order) for order in itertools.permutations(_words(OURS["gates"]))][1:]
    options = {"image": [("images", "NCHW")], "kernel": [("kernels", "OIHW")], "matrix": [("matrices", "out,in")],
               "projection": [("projection", "out,in")], "gates": [("gates", order) for order in orders]}
    found = [pair for word, pairs in options.items() if word in words for pair in pairs]
    yield from ({name: order} for name, order in found)
    yield from (dict(pairs) for pairs in itertools.combinations(found, 2) if pairs[0][0] != pairs[1][0])
