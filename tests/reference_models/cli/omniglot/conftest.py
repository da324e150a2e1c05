"""The command `omniglot` is tested on little data, in a folder of its own, and without pictures."""

import pytest
from support import small_run

from reference_models.cli import pictures


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    small_run.shrink(monkeypatch.setattr, monkeypatch.setitem)
    monkeypatch.setattr(pictures, "available", lambda: False)  # they take a second
    monkeypatch.chdir(tmp_path)
