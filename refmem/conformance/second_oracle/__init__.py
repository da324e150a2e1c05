"""The memory a second time, from the papers' text alone: array code in long double, gradients by the complex step.

The loops (`oracles/`) make the expected values; this package, which imports nothing of them and nothing of refmem,
must come to the same ones. It differs from them on purpose wherever it can: all rows and slots at once, ages kept as
dates of birth, p found in the whole memory at once, and derivatives from a step of 1e-20 into the complex plane.
"""

from refmem.conformance.second_oracle.answer import SecondOracle

__all__ = ["SecondOracle"]
