"""The JSON lines that a runner in any language speaks: one object a line, a request on stdin, a reply on stdout.

    {"command": "describe"}                 ->  {"name": ..., "groups": [...], "profiles": [...], "needs": [...]}
    {"command": "run", "task": {...}}       ->  {"steps": [{"values": ARRAY, ...}, ...]}  or  {"error": "..."}
    {"command": "stop"}                     ->  nothing; the runner ends

ARRAY is {"dtype": "float64", "shape": [2, 3], "data": [...]}, row-major; NaN and infinities are the strings "nan",
"inf" and "-inf". `schema/protocol.schema.json` says the same for machines.
"""

import math
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task

DTYPES = ("float64", "float32", "int64", "int32", "bool")


class ProtocolError(ValueError):
    """What came was not an answer in the sense of the protocol."""

    kind = "protocol"


class Misnamed(ValueError):
    """There is no implementation of the name that was given."""


class AdapterFailed(TypeError):
    """The implementation cannot be made, or does not say what it is."""


def encoded(array: HostArray) -> dict[str, Any]:
    """An ARRAY. Floats are written so that they read back the same."""
    flat = array.ravel().tolist()
    if array.dtype.kind == "f":
        flat = [x if math.isfinite(x) else str(x) for x in flat]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": flat}


def decoded(value: Any, name: str) -> HostArray:
    """The array of an ARRAY.

    Raises
    ------
    ProtocolError
        If it is none.
    """
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data"}:
        raise ProtocolError(f"{name} is not an object with dtype, shape and data")
    if value["dtype"] not in DTYPES:
        raise ProtocolError(f"{name} has the dtype {value['dtype']!r}; known are {', '.join(DTYPES)}")
    if not isinstance(value["data"], list) or not isinstance(value["shape"], list):
        raise ProtocolError(f"{name} must have its shape and data in arrays")
    try:
        if any(n < 0 for n in value["shape"]):
            raise ValueError(f"its shape is {value['shape']}")
        flat = [float(x) if isinstance(x, str) else x for x in value["data"]]
        return np.array(flat, dtype=value["dtype"]).reshape([int(n) for n in value["shape"]])
    except (TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"{name} cannot be read: {error}") from error


def encoded_task(task: Task) -> dict[str, Any]:
    """A task, as a runner gets it."""
    def arrays(inputs: Inputs | None) -> Any:
        return None if inputs is None else {name: encoded(array) for name, array in inputs.items()}

    return {"id": task.id, "group": task.group, "profile": task.profile, "dtype": task.dtype, "config": task.config,
            "state": arrays(task.state), "params": arrays(task.params), "steps": [arrays(step) for step in task.steps]}


def decoded_task(value: dict[str, Any]) -> Task:
    """The task of a request: for runners written in Python."""
    def arrays(given: Any) -> Inputs:
        return Inputs({name: decoded(array, name) for name, array in given.items()})

    state = None if value["state"] is None else arrays(value["state"])
    return Task(value["id"], value["group"], value["profile"], value["dtype"], value["config"], state,
                arrays(value["params"]), [arrays(step) for step in value["steps"]])
