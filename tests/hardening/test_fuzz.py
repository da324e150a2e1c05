"""No broken file crashes a parser, and none is taken for what it is not.

The long run, 3,000 inputs a target (`SLOW`), is `pytest -m slow tests/hardening`.
"""

import numpy as np
import pytest

from hardening import formats_models, formats_refmem
from hardening.accidents import broken

TARGETS = formats_models.TARGETS | formats_refmem.TARGETS
QUICK, SLOW = 60, 3000


def run(target, folder, inputs):
    """How many of so many broken files were accepted. Every eighth is no file that broke, but random bytes."""
    whole, check = TARGETS[target](folder)
    assert check(whole)  # the whole file is read
    rng = np.random.default_rng(sorted(TARGETS).index(target))
    accepted = 0
    for number in range(inputs):
        data = broken(rng, whole) if number % 8 else rng.bytes(int(rng.integers(0, 2 * len(whole))))
        try:
            accepted += check(data)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise AssertionError(f"{target}, input {number}: {what}\n{data[:200]!r}") from error
    return accepted


@pytest.mark.parametrize("target", TARGETS)
def test_broken_files_are_refused(target, tmp_path):
    assert run(target, tmp_path, QUICK) < QUICK


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_many_broken_files_are_refused(target, tmp_path):
    print(f"{target}: {run(target, tmp_path, SLOW)} of {SLOW} accepted")
