"""An index of keys: search, update, rebuild. The rules of `refmem.neighbours`.

Its loops, recipes and mutants have files of their own, in the rooms of those.

A step first writes (`slots` and `keys`), or makes the index anew (`all_keys` and `filled`), and then searches
(`queries` and `k`). What is returned is `slots` [B, k], `cosines` [B, k], and `refused`, 1 where the search raised.

An index that only looks at some keys still finds every key by itself, and all of them when it is asked for as many as
are written: that is what most vectors ask. The others need an exact search and say so in `needs`.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making.recipes.neighbours import recipes
from refmem.conformance.oracles.neighbours import ABSENT, Index


def arrays(task: Task) -> Iterator[dict[str, Any]]:
    """The second oracle: all slots at once, in long double, sorted by NumPy."""
    assert task.state is not None
    keys, filled = task.state["keys"].astype(np.longdouble), task.state["filled"].astype(bool)
    for step in task.steps:
        if "slots" in step:
            last = {int(slot): row for row, slot in enumerate(step["slots"])}
            keys[list(last)], filled[list(last)] = step["keys"][list(last.values())], True
        if "all_keys" in step:
            keys, filled = step["all_keys"].astype(np.longdouble), step["filled"].astype(bool)
        k = int(step["k"])
        if k not in range(1, len(keys) + 1):
            yield {"refused": np.array(1)}
            continue
        products = (step["queries"].astype(np.longdouble)[:, None] * keys).sum(axis=2)  # [B, m]
        scores = np.where(filled, products, -np.inf)
        slots = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        cosines = np.take_along_axis(scores, slots, axis=1)
        there = np.isfinite(cosines)
        yield {"slots": np.where(there, slots, ABSENT), "cosines": np.where(there, cosines, -1.0).astype(task.dtype),
               "refused": np.array(0)}


def reference(task: Task) -> Iterator[dict[str, Any]]:
    """refmem's exact index."""
    from refmem.neighbours import make

    assert task.state is not None
    index = make(task.config.get("search", "exact"), task.state["keys"].copy(),
                 filled=task.state["filled"].astype(bool))
    for step in task.steps:
        if "slots" in step:
            index.update(step["slots"], step["keys"])
        if "all_keys" in step:
            index.rebuild(step["all_keys"].copy(), step["filled"].astype(bool))
        try:
            slots, cosines = index.search(step["queries"], int(step["k"]))
            yield {"slots": slots, "cosines": cosines, "refused": np.array(0)}
        except ValueError:
            yield {"refused": np.array(1)}


GROUPS = (Group("neighbours", Index, second=arrays, reference=reference),)

importlib.import_module("refmem.conformance.mutants.neighbours")

__all__ = ["GROUPS", "recipes"]
