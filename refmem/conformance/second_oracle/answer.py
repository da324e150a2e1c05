"""The second oracle as an implementation that can be held against the vectors."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from refmem.conformance.case import Task
from refmem.conformance.second_oracle.complex_step import gradient
from refmem.conformance.second_oracle.paper import PaperMemory
from refmem.conformance.second_oracle.released import ReleasedMemory


class SecondOracle:
    """Both memories, counted in long double unless another dtype is given."""

    def __init__(self, dtype: Any = np.longdouble) -> None:
        self.dtype = np.dtype(dtype).type

    def describe(self) -> dict[str, Any]:
        """The memory, both profiles."""
        return {"name": "arrays and the complex step", "groups": ["memory"], "profiles": ["paper", "tf2017"],
                "needs": ["noise", "sources"]}

    def memory(self, task: Task) -> Iterator[dict[str, Any]]:
        """One dict of outputs a step, floats in the dtype of the task."""
        kind: Any = {"paper": PaperMemory, "tf2017": ReleasedMemory}[str(task.profile)]
        memory = kind(task.config, self.dtype)
        if task.state is not None:
            memory.take_over(task.state)
        W = task.params["query_projection"].astype(self.dtype) if task.profile == "tf2017" else None
        for step in task.steps:
            x, labels = step["queries"].astype(self.dtype), step.get("labels")
            out = memory.answer(x, labels, W)
            given = {name: out[name] for name in ("neighbours", "cosines", "values", "confidence", "loss")
                     if name in out}
            if "d_loss" in step or "d_confidence" in step:
                given["d_queries"] = gradient(partial(_objective, memory, step, W=W), x)
                if W is not None:
                    given["d_query_projection"] = gradient(partial(_objective, memory, step, x), W)
            if labels is not None and task.config.get("update", True):
                memory.learn(out, labels, step.get("noise"), step.get("oldest"), step.get("sources"))
            given |= {f"state.{name}": array for name, array in memory.state().items()}
            yield {name: np.asarray(a).astype(task.dtype) if np.asarray(a).dtype.kind == "f" else a
                   for name, a in given.items()}


def _objective(memory: Any, step: Any, x: Any, W: Any) -> Any:
    """<d_loss, loss> + <d_confidence, confidence>, at queries x and projection W."""
    out = memory.answer(x, step.get("labels"), W)
    parts = [(step[f"d_{name}"].astype(memory.dtype) * out[name]).sum() for name in ("loss", "confidence")
             if f"d_{name}" in step and name in out]
    return sum(parts[1:], parts[0])
