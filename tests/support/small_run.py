"""The command `omniglot` on few glyphs, with a small network and recipe, so that a test of it takes no time."""

import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np

from reference_models.classifier import embedding
from reference_models.classifier.embedding import Size
from reference_models.tasks.one_shot import glyphs
from reference_models.training import checkpoint
from reference_models.training.one_shot import recipes

TINY = ["omniglot", "--episodes", "4", "--test-episodes", "4", "--shots", "2", "--ways", "5"]

SMALL = {"paper": {"labels": 6, "more_labels": 9, "presentations": 3, "memory_size": 64, "watch_every": 2,
                   "watch_episodes": 2},
         "tf2017": {"labels": 6, "more_labels": 6, "presentations": 3, "memory_size": 64, "side_by_side": 2,
                    "watch_every": 2, "watch_episodes": 2}}

SMALL_SIZES = {"recipe": Size((4, 4, 4, 4), (16,), 1.0, "fan_in"),
               "released": Size((4, 4, 4, 4), (16,), 0.3, "truncated")}

small_glyphs = functools.cache(functools.partial(glyphs.load, train_alphabets=2, test_alphabets=1))


def shrink(set_attribute, set_item) -> None:
    """Make the data, the networks and the recipes small, with the two functions of pytest's monkeypatch or the like."""
    set_attribute(glyphs, "load", small_glyphs)
    for name, size in SMALL_SIZES.items():
        set_item(embedding.SIZES, name, size)
    for profile, changes in SMALL.items():
        set_item(recipes.RECIPES, profile, dataclasses.replace(recipes.RECIPES[profile], **changes))


def same_bits(one: Path, other: Path) -> None:
    """Both checkpoints hold the same run; only the clock may differ."""
    a, b = (checkpoint.load(path / "checkpoint.npz", "omniglot") for path in (one, other))
    assert (a.counters.episodes, a.counters.images, a.adam.step, a.rng) == (
        b.counters.episodes, b.counters.images, b.adam.step, b.rng)
    assert [p | {"seconds": 0} for p in a.curve] == [p | {"seconds": 0} for p in b.curve]
    groups = [(a.params, b.params), (a.adam.first, b.adam.first), (a.adam.second, b.adam.second)]
    groups += [(a.extras[name], b.extras[name]) for name in a.extras]
    assert a.extras.keys() == b.extras.keys()
    for old, new in groups:
        assert old.keys() == new.keys()
        for name in old:
            np.testing.assert_array_equal(old[name], new[name])


def main() -> int:
    """The command in a process of its own: `python -c "from support.small_run import main; main()" omniglot ...`."""
    from reference_models.cli.main import main as command

    shrink(setattr, dict.__setitem__)
    return command(sys.argv[1:])
