"""The equations once more, in plain Python loops: what the vectors are made with, and what the mutants bend."""

from refmem.conformance.oracles.paper import Paper
from refmem.conformance.oracles.released import Released

__all__ = ["Paper", "Released"]
