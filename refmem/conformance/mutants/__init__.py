"""Implementations that are wrong on purpose."""

from refmem.conformance.mutants.registry import Mutant, all_mutants

__all__ = ["Mutant", "all_mutants"]
