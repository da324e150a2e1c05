"""The recurrent cores by name."""

from collections.abc import Callable

from refmem.ops.fast_weights_choices import FW2016, Choices

from reference_models.cores.core import Core
from reference_models.cores.irnn import IRNN
from reference_models.cores.lstm import LSTM
from reference_models.fast_weights import FastWeights

Make = Callable[[int, int, Choices], Core]

CORES: dict[str, Make] = {
    "fast-weights": lambda inputs, units, choices: FastWeights(inputs, units, choices=choices),
    "irnn": lambda inputs, units, choices: IRNN(inputs, units),
    "lstm": lambda inputs, units, choices: LSTM(inputs, units),
}
"""Name -> make(inputs, units, choices); only the fast weights have choices."""

TITLES = {"fast-weights": "fast weights", "irnn": "IRNN", "lstm": "LSTM", "a-lstm": "A-LSTM"}
"""What tables and plots call them."""


def make(name: str, inputs: int, units: int, choices: Choices = FW2016) -> Core:
    """The core of this name.

    Raises
    ------
    ValueError
        If there is none, or a width is wrong.
    """
    if name not in CORES:
        raise ValueError(f"the core must be one of {', '.join(CORES)}, got {name!r}")
    return CORES[name](inputs, units, choices)
