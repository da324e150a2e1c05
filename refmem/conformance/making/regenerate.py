"""Make all vectors anew: the same text and the same arrays, to the byte, on every machine.

The `.npz` around the arrays is not compared: what stands in the headers of a zip file differs between versions of
Python.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from refmem.conformance.groups import modules
from refmem.conformance.making.make import DTYPES, make
from refmem.conformance.making.recipe import Recipe
from refmem.conformance.making.recipes import ops, paper, tf2017
from refmem.conformance.case import FOLDER, paths, same, save

RECIPES = (paper, tf2017, ops)
"""The recipes of the memory and of the CNN. Other groups bring theirs, see `groups`."""


def all_recipes() -> list[Recipe]:
    """The recipes of all vectors."""
    mine = [module for module in modules() if hasattr(module, "recipes")]
    return [recipe for module in (*RECIPES, *mine) for recipe in module.recipes()]


def regenerate(folder: str | os.PathLike[str], recipes: Iterable[Recipe] | None = None) -> Iterator[Path]:
    """Write every vector below a folder; yields the `.json` of each."""
    for recipe in all_recipes() if recipes is None else recipes:
        for dtype in DTYPES:
            yield save(make(recipe, dtype), folder)


def changed(recipes: Iterable[Recipe] | None = None) -> Iterator[tuple[str, bool]]:
    """(id, whether it would change) for each vector made anew; at the end those that no recipe makes."""
    made = set()
    with tempfile.TemporaryDirectory() as fresh:
        for path in regenerate(fresh, recipes):
            name = path.relative_to(fresh)
            made.add(str(name))
            yield str(name.with_suffix("")), not same(path, FOLDER / name)
    if recipes is None:
        for path in paths():
            if str(path.relative_to(FOLDER)) not in made:
                yield str(path.relative_to(FOLDER).with_suffix("")), True
