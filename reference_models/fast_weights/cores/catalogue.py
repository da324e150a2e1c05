"""The recurrent cores by name."""

from collections.abc import Callable

from refmem.ops.fast_weights_choices import FW2016, Choices

from reference_models.fast_weights import FastWeights, fastest_form
from reference_models.fast_weights.cores.associative_lstm import AssociativeLSTM
from reference_models.fast_weights.cores.core import Core
from reference_models.fast_weights.cores.irnn import IRNN
from reference_models.fast_weights.cores.lstm import LSTM

Make = Callable[[int, int, Choices, str | None], Core]

CORES: dict[str, Make] = {
    "fast-weights": lambda inputs, units, choices, form: FastWeights(inputs, units, choices=choices,
                                                                     form=form or fastest_form(choices)),
    "irnn": lambda inputs, units, choices, form: IRNN(inputs, units),
    "lstm": lambda inputs, units, choices, form: LSTM(inputs, units),
    "a-lstm": lambda inputs, units, choices, form: AssociativeLSTM(inputs, units),
}
"""Name -> make(inputs, units, choices, form); only the fast weights have choices and a form, None for the fastest."""

TITLES = {"fast-weights": "fast weights", "irnn": "IRNN", "lstm": "LSTM", "a-lstm": "A-LSTM",
          "convnet": "ConvNet"}
"""What tables and plots call them."""


def make(name: str, inputs: int, units: int, choices: Choices = FW2016, form: str | None = None) -> Core:
    """The core of this name.

    Raises
    ------
    ValueError
        If there is none, or a width is wrong.
    """
    if name not in CORES:
        raise ValueError(f"the core must be one of {', '.join(CORES)}, got {name!r}")
    return CORES[name](inputs, units, choices, form)
