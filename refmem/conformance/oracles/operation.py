"""What the loops of all groups have in common: inputs become numbers on a tape, and outputs and slopes arrays."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from refmem.conformance.case import Task
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.tape import Number

Nested: TypeAlias = Any  # Numbers in lists, in lists ...


class Oracle:
    """The equations of one or more groups, a method each: f(**inputs, options) -> nested lists, or a dict of outputs.

    Inputs of floats come as nested lists of Numbers, whole numbers and constants as they are.
    """

    def run(self, group: Any, numbers: Any, task: Task) -> Iterator[dict[str, Any]]:
        """The outputs of each step, and the gradient of each float input where there is a cotangent.

        `group` is the `Group`; `numbers(array)` gives nested lists of the numbers that are counted with. A group
        that is no operation of one step overrides this.
        """
        (inputs,) = task.steps
        given = {name: array for name, array in inputs.items()
                 if name.removeprefix("d_") not in group.outputs or not name.startswith("d_")}
        leaves: dict[str, Nested] = {}
        for name, array in given.items():
            constant = name in group.constants or array.dtype.kind != "f"
            leaves[name] = array.tolist() if constant else nested(Number, numbers(array))
        produced = getattr(self, group.name)(**leaves, options=task.config)
        outputs = produced if isinstance(produced, dict) else {group.outputs[0]: produced}
        out = {name: nested(tape.constant, y) for name, y in outputs.items()}

        carried = []
        for name, y in outputs.items():
            if f"d_{name}" in inputs:
                d_y = flat(numbers(inputs[f"d_{name}"]))
                carried += [(number, self.cotangent(group.name, d, i))
                            for i, (number, d) in enumerate(zip(flat(y), d_y, strict=True))]
        if carried:
            for name, x in leaves.items():
                numbered = flat(x)
                if numbered and isinstance(numbered[0], Number):
                    on_tape = [(number, d) for number, d in carried if isinstance(number, Number)]
                    slopes = self.gradient(group.name, name, tape.gradients(on_tape, numbered), task.config)
                    out[f"d_{name}"] = shaped(slopes, inputs[name].shape)
        yield out

    def cotangent(self, op: str, d_y: Any, index: int) -> Any:
        """What is carried back through element `index` of the output."""
        return d_y

    def gradient(self, op: str, name: str, slopes: list[Any], options: dict[str, Any]) -> list[Any]:
        """d_`name`, flat."""
        return slopes


def nested(function: Any, x: Nested) -> Nested:
    """`function` of each number."""
    return [nested(function, x_i) for x_i in x] if isinstance(x, list) else function(x)


def stopped(x: Nested) -> Nested:
    """The numbers of nested lists without their past: no gradient goes back through them."""
    return nested(lambda number: Number(number.value) if isinstance(number, Number) else number, x)


def flat(x: Nested) -> list[Any]:
    """The numbers of nested lists, in row-major order."""
    return [number for x_i in x for number in flat(x_i)] if isinstance(x, list) else [x]


def shaped(numbers: list[Any], shape: tuple[int, ...]) -> Any:
    """Nested lists of a shape; `flat` undone."""
    if not shape:
        return numbers[0]
    size = len(numbers) // shape[0] if shape[0] else 0
    return [shaped(numbers[i * size:(i + 1) * size], shape[1:]) for i in range(shape[0])]
