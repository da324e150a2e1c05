"""The Neural GPU; the Extended Neural GPU and its memory stand in `extended`.    (LTRRE §2.1)"""

from reference_models.neural_gpu.model import (
    CELLS,
    Cache,
    Size,
    answer,
    backward,
    check_inputs,
    embed,
    forward,
    images,
    initial_cells,
    initial_params,
    loss,
)

__all__ = ["CELLS", "Cache", "Size", "answer", "backward", "check_inputs", "embed", "forward", "images",
           "initial_cells", "initial_params", "loss"]
