"""Mistakes in the operations of sequence models, listed in this order."""

from refmem.conformance.mutants.sequences import squashing  # isort: skip
from refmem.conformance.mutants.sequences import embedding  # isort: skip
from refmem.conformance.mutants.sequences import lstm  # isort: skip
from refmem.conformance.mutants.sequences import attention  # isort: skip
from refmem.conformance.mutants.sequences import masked_cross_entropy  # isort: skip
from refmem.conformance.mutants.sequences import batch_norm  # isort: skip

__all__ = ["attention", "batch_norm", "embedding", "lstm", "masked_cross_entropy", "squashing"]
