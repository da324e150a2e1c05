"""What `refmem gradcheck` can check by name: every operation, the memory, a small instance of every model.

A target is a function `make(dtype, xp) -> Problem`. Whoever adds an operation or a model adds a line here; a test holds
that none is missing. Arguments are drawn away from ties, where the functions have no derivative.
"""

from refmem.cli.gradcheck_targets.memory import MEMORY
from refmem.cli.gradcheck_targets.models import MODELS
from refmem.cli.gradcheck_targets.named import TARGETS, resolve
from refmem.cli.gradcheck_targets.operations import CPU_ONLY, OPS

__all__ = ["CPU_ONLY", "MEMORY", "MODELS", "OPS", "TARGETS", "resolve"]
