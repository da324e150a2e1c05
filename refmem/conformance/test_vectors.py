"""Collected by `pytest --pyargs refmem.conformance`; see `plugin.py`."""

from typing import Any

import pytest

from refmem.conformance.adapters.conventions import translated
from refmem.conformance.adapters.loading import load
from refmem.conformance.runner import described, one
from refmem.conformance.verdict import Verdict


@pytest.fixture(scope="session")
def refmem_implementation(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    """The implementation that the option names, and what it says of itself."""
    implementation = load(request.config.getoption("--refmem-impl"))
    describes = described(implementation)
    return translated(implementation, describes), describes


def test_vector(refmem_case: Any, refmem_implementation: tuple[Any, dict[str, Any]]) -> None:
    """One case."""
    result = one(*refmem_implementation, refmem_case)
    if result.verdict is Verdict.SKIP:
        pytest.skip(result.reason)
    if result.verdict is not Verdict.PASS:
        pytest.fail(f"{refmem_case.rule}: {result.reason}\nagain: refmem repro {refmem_case.id}", pytrace=False)
