"""The loop oracles as an implementation that can be held against the vectors; mutants come in through here too."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task
from refmem.conformance.oracles import ops as loop_ops
from refmem.conformance.oracles import scalars, tape
from refmem.conformance.oracles.loops import Answer, Loops
from refmem.conformance.oracles.paper import Paper
from refmem.conformance.oracles.released import Released
from refmem.conformance.oracles.tape import Number


class LoopAdapter:
    """Runs `Paper`, `Released` and `Ops`, or what is given in their place.

    `scalar` turns a float into the number to count with: `float` itself, or one of `scalars`.
    """

    def __init__(self, paper: type[Paper] = Paper, released: type[Released] = Released,
                 ops: loop_ops.Ops | None = None, *, scalar: Callable[[float], Any] = float,
                 raw: bool = False) -> None:
        self.paper, self.released, self.ops, self.scalar, self.raw = paper, released, ops or loop_ops.Ops(), scalar, raw
        self.smallest_gap = float("inf")

    def describe(self) -> dict[str, Any]:
        """Everything that there is to give."""
        return {"name": "loop oracle", "groups": ["memory", *loop_ops.OPERATIONS], "profiles": ["paper", "tf2017"],
                "needs": ["noise", "sources"]}

    def __getattr__(self, name: str) -> Any:
        if name in loop_ops.OPERATIONS:
            return lambda task: self.operation(task)
        raise AttributeError(name)

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

    # --- The operations ---------------------------------------------------------------------------------------

    def operation(self, task: Task) -> Iterator[dict[str, HostArray]]:
        """Output, and the gradient of each float input where there is a cotangent."""
        (inputs,) = task.steps
        output = loop_ops.OUTPUT.get(task.group, "y")
        numbers: dict[str, Any] = {}
        for name, array in inputs.items():
            if name == f"d_{output}":
                continue
            plainly = name == "uniforms" or array.dtype.kind != "f"
            numbers[name] = array.tolist() if plainly else loop_ops.nested(Number, self.scalars(array))
        y = getattr(self.ops, task.group)(**numbers, options=task.config)
        out = {output: loop_ops.nested(tape.constant, y)}
        if f"d_{output}" in inputs:
            d_y = loop_ops.flat(self.scalars(inputs[f"d_{output}"]))
            carried = [(number, self.ops.cotangent(task.group, d, i))
                       for i, (number, d) in enumerate(zip(loop_ops.flat(y), d_y, strict=True))]
            for name, x in numbers.items():
                leaves = loop_ops.flat(x)
                if isinstance(leaves[0], Number):
                    slopes = self.ops.gradient(task.group, name, tape.gradients(carried, leaves), task.config)
                    out[f"d_{name}"] = _shaped(slopes, inputs[name].shape)
        yield {name: self.array(x, task.dtype) for name, x in out.items()}

    # --- Numbers ----------------------------------------------------------------------------------------------

    def scalars(self, array: HostArray) -> Any:
        """Nested lists of the numbers that are counted with."""
        return loop_ops.nested(self.scalar, array.astype(np.float64).tolist())

    def array(self, x: Any, dtype: str) -> Any:
        """An array of the task's dtype, or with `raw` the numbers as they are, in an array of objects."""
        flat = loop_ops.flat(x)
        if flat and all(isinstance(number, int) for number in flat):
            return np.array(x, np.int64)
        if self.raw:
            return np.array(x, dtype=object)
        return np.array(loop_ops.nested(scalars.plain, x), np.float64).astype(dtype)


def _listed(array: HostArray | None) -> Any:
    return None if array is None else array.tolist()


def _shaped(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    size = len(flat) // shape[0] if shape[0] else 0
    return [_shaped(flat[i * size:(i + 1) * size], shape[1:]) for i in range(shape[0])]
