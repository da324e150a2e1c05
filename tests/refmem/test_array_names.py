"""Every name asked of an array module is one that CuPy has: by a list, and by CuPy itself where it is installed."""

import ast
from pathlib import Path

import pytest
from support.standin import NAMES

ROOT = Path(__file__).parents[2]


def names_used():
    """{name: places} of all `xp.name` in the two packages."""
    used = {}
    for package in ("refmem", "reference_models"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "xp":
                    used.setdefault(node.attr, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return {name: places for name, places in used.items() if not name.startswith("__")}


def test_the_names_are_on_the_list():
    used = names_used()
    assert len(used) > 10, "the search itself is broken"
    assert {name: places for name, places in used.items() if name not in NAMES} == {}


def test_the_list_is_true():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extra `gpu`); the list stands in for it")
    assert [name for name in NAMES if not hasattr(cupy, name)] == []
