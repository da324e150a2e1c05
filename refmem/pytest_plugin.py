"""What refmem adds to pytest: the fixture `refmem_gradcheck`. It imports nothing before it is used.

    def test_my_operation(refmem_gradcheck):
        refmem_gradcheck(my_function, my_vjp, [x, weights])
"""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def refmem_gradcheck() -> Callable[..., Any]:
    """`refmem.gradcheck.assert_gradients`."""
    from refmem.gradcheck import assert_gradients

    return assert_gradients
