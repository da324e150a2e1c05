"""The grid of a sweep: from a TOML file to command lines, each with an id that says what it is."""

import hashlib
import itertools
import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

KEYS = {"command", "fixed", "grid"}


class Point(NamedTuple):
    """One run."""

    id: str  # the same for the same command line, whatever the order in the file
    values: dict[str, Any]  # of the grid
    arguments: list[str]


class Grid(NamedTuple):
    """All runs of a sweep, none of them twice."""

    command: str
    points: list[Point]


def load(path: Path) -> Grid:
    """Read a configuration.

    Raises
    ------
    ValueError
        If it is not TOML, or not a grid of a command.
    """
    try:
        told = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    if unknown := set(told) - KEYS:
        raise ValueError(f"{path} has a key that means nothing here: {', '.join(sorted(unknown))}")
    command, fixed, grid = told.get("command"), told.get("fixed", {}), told.get("grid", {})
    if not isinstance(command, str) or not command.strip():
        raise ValueError(f"{path} must name a command, got {command!r}")
    if not isinstance(fixed, dict) or not isinstance(grid, dict) or not grid:
        raise ValueError(f"{path} must have a table [grid] that is not empty, and may have a table [fixed]")
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{path}: {name} of the grid must be a list that is not empty, got {values!r}")
    if both := set(fixed) & set(grid):
        raise ValueError(f"{path}: {', '.join(sorted(both))} cannot be both fixed and in the grid")
    if taken := {"json", "out"} & {*fixed, *grid}:
        raise ValueError(f"{path}: {', '.join(sorted(taken))} is for the sweep itself to say")
    points = {}
    for combination in itertools.product(*grid.values()):
        values = dict(zip(grid, combination, strict=True))
        arguments = [command, *(word for name, value in sorted({**fixed, **values}.items())
                                for word in words(path, name, value))]
        name = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()[:12]
        points[name] = Point(name, values, arguments)
    return Grid(command, list(points.values()))


def words(path: Path, name: str, value: Any) -> list[str]:
    """An option of the command line: true is a flag, false is none, a list is several values."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else []
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | int | float) for each in values):
        raise ValueError(f"{path}: {name} must be text, a number, true, false or a list of them, got {value!r}")
    return [flag, *map(str, values)]
