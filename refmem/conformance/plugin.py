"""The vectors as tests of pytest: `pytest --pyargs refmem.conformance --refmem-impl package.module:Implementation`.

Without the option nothing is collected and nothing is imported.
"""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the options."""
    group = parser.getgroup("refmem", "hold an implementation against the vectors of refmem")
    group.addoption("--refmem-impl", metavar="NAME", help="package.module:Implementation")
    group.addoption("--refmem-level", choices=("L1", "L2", "L3", "L4"), default="L4", help="no level above this one")


def pytest_generate_tests(metafunc: Any) -> None:
    """One test a case, for `test_vectors.py` of this package."""
    if "refmem_case" not in metafunc.fixturenames:
        return
    cases: list[Any] = []
    if metafunc.config.getoption("--refmem-impl"):
        from refmem.conformance.case import load_all

        cases = [case for case in load_all() if case.level <= metafunc.config.getoption("--refmem-level")]
    metafunc.parametrize("refmem_case", cases, ids=[case.id for case in cases])
