"""Imports run one way (see the README): reference_models -> refmem.{memory, ops, neighbours} -> refmem.arrays."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {  # room: the rooms of refmem that it may look into, besides itself
    "refmem.arrays": set(),
    "refmem.storage": set(),
    "refmem.workers": set(),
    "refmem.ops": {"arrays"},
    "refmem.neighbours": {"arrays", "storage"},
    "refmem.memory": {"arrays", "storage", "ops", "neighbours"},
    "refmem.gradcheck": {"arrays", "storage", "workers", "ops", "neighbours", "memory"},
    "refmem.conformance": {"arrays", "storage", "workers", "ops", "neighbours", "memory", "gradcheck"},
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """The modules that a file imports anywhere, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", files("refmem"), ids=lambda path: str(path.relative_to(ROOT)))
def test_refmem_looks_only_downwards(path):
    name = module_name(path)
    seen = set(imports(path))
    if not name.startswith("refmem.cli"):
        assert not {other for other in seen if other.partition(".")[0] in ("reference_models", "tests", "bench")}
    room = next((room for room in ROOMS if name == room or name.startswith(room + ".")), None)
    if room is None:
        return  # the package's face, its commands and its pytest plugin may look everywhere
    allowed = ROOMS[room] | {room.partition(".")[2]}
    inside = {other.split(".")[1] for other in seen if other.startswith("refmem.")}
    assert inside <= allowed, f"{name} looks into {sorted(inside - allowed)}"


@pytest.mark.parametrize("path", files("reference_models"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_models_stand_on_the_specification(path):
    seen = {other for other in imports(path) if other.startswith("refmem.")}
    assert not {other for other in seen if other.split(".")[1] in ("cli", "gradcheck", "conformance")}
    if "cli" not in path.parts and path.name != "__main__.py":
        assert not [other for other in imports(path) if other.startswith("reference_models.cli")]


@pytest.mark.parametrize("heavy", ["numba", "scipy", "torch", "matplotlib", "hypothesis", "pytest"])
def test_importing_the_specification_brings_nothing_heavy(heavy):
    code = f"import sys, refmem, refmem.memory, refmem.ops.conv2d; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
