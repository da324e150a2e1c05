"""The loop oracles as an implementation that can be held against the vectors; mutants come in through here too."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task
from refmem.conformance.oracles import scalars
from refmem.conformance.oracles.loops import Answer, Loops
from refmem.conformance.oracles.operation import Oracle, flat, nested
from refmem.conformance.oracles.paper import Paper
from refmem.conformance.oracles.released import Released


def groups() -> dict[str, Any]:
    """All groups; their modules import this one."""
    from refmem.conformance.groups import groups as found

    return found()


class LoopAdapter:
    """Runs `Paper`, `Released` and the loops of all groups, or what is given in the place of one.

    `scalar` turns a float into the number to count with: `float` itself, a number of mpmath, or one that knows about
    rounding.
    """

    def __init__(self, paper: type[Paper] = Paper, released: type[Released] = Released,
                 oracle: Oracle | None = None, *, scalar: Callable[[float], Any] = float, raw: bool = False) -> None:
        self.paper, self.released, self.oracle, self.scalar, self.raw = paper, released, oracle, scalar, raw
        self.smallest_gap = float("inf")

    def describe(self) -> dict[str, Any]:
        """Everything that there is to give."""
        return {"name": "loop oracle", "groups": ["memory", *groups()], "profiles": ["paper", "tf2017"],
                "needs": ["noise", "sources", "exact"]}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in groups():
            raise AttributeError(name)
        group = groups()[name]
        oracle = type(self.oracle)() if isinstance(self.oracle, group.oracle) else group.oracle()

        def run(task: Task) -> Iterator[dict[str, HostArray]]:
            for step in oracle.run(group, self.scalars, task):
                yield {output: self.array(x, task.dtype) for output, x in step.items()}

        return run

    # --- The memory -------------------------------------------------------------------------------------------

    def memory(self, task: Task) -> Iterator[dict[str, HostArray]]:
        """One dict of outputs a step."""
        memory = self.memory_of(task)
        if task.state is not None:
            for name, array in task.state.items():
                setattr(memory, name, self.scalars(array) if array.dtype.kind == "f" else array.tolist())
        for name, array in task.params.items():
            memory.projection = self.scalars(array)
        for inputs in task.steps:
            yield self.memory_step(memory, task, inputs)

    def memory_of(self, task: Task) -> Loops:
        """An empty memory for a task."""
        c = task.config
        if task.profile == "paper":
            return self.paper(c["key_dim"], c["memory_size"], c["k"], c["inverse_temperature"], c["alpha"],
                              c["correct_in_top"])
        return self.released(c["key_dim"], c["memory_size"], c["vocab_size"], c["k"], c["alpha"],
                             c["correct_in_top"], c["recent_hint"])

    def memory_step(self, memory: Loops, task: Task, inputs: Inputs) -> dict[str, Any]:
        answer = memory.step(self.scalars(inputs["queries"]), _listed(inputs.labels),
                             update=task.config.get("update", True), noise=_listed(inputs.noise),
                             oldest=_listed(inputs.oldest), sources=_listed(inputs.sources))
        self.smallest_gap = min(self.smallest_gap, answer.smallest_gap)
        out: dict[str, Any] = {"values": answer.values, "confidence": answer.confidence,
                               "neighbours": answer.neighbours, "cosines": answer.cosines}
        if answer.loss is not None:
            out["loss"] = answer.loss
        if "d_loss" in inputs or "d_confidence" in inputs:
            out |= self.memory_gradients(answer, inputs)
        state = {name: getattr(memory, name) for name in ("keys", "values", "ages", "sources")}
        if getattr(memory, "recent_hint", False):
            state["recent"] = getattr(memory, "recent")
        out |= {f"state.{name}": list(content) for name, content in state.items()}
        return {name: self.array(x, task.dtype) for name, x in out.items()}

    def memory_gradients(self, answer: Answer, inputs: Inputs) -> dict[str, Any]:
        """d_queries, and d_query_projection where there is a projection."""
        d_loss = self.scalar(0.0 if inputs.d_loss is None else float(inputs.d_loss))
        d_confidence = None if inputs.d_confidence is None else self.scalars(inputs.d_confidence)
        d_queries, d_projection = answer.gradients(d_loss, d_confidence)
        return {"d_queries": d_queries} | ({} if d_projection is None else {"d_query_projection": d_projection})

    # --- Numbers ----------------------------------------------------------------------------------------------

    def scalars(self, array: HostArray) -> Any:
        """Nested lists of the numbers that are counted with."""
        return nested(self.scalar, array.astype(np.float64).tolist())

    def array(self, x: Any, dtype: str) -> Any:
        """An array of the task's dtype, or with `raw` the numbers as they are, in an array of objects."""
        numbers = flat(x)
        if numbers and all(isinstance(number, int) for number in numbers):
            return np.array(x, np.int64)
        if self.raw:
            return np.array(x, dtype=object)
        return np.array(nested(scalars.plain, x), np.float64).astype(dtype)


def _listed(array: HostArray | None) -> Any:
    return None if array is None else array.tolist()
