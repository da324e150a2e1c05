"""Recipes: the settings that were measured, those that were released, and their way through a checkpoint."""

import dataclasses
import json

from reference_models.training.adam import Adam
from reference_models.training.one_shot.recipes import RECIPE, RECIPES, RELEASED, Recipe


def test_the_released_settings_are_those_of_the_released_code():
    """Flags of its README and constants of model.py: 16 episodes of 5 ways and 30 drawings, memory 8192, clip 5."""
    assert RELEASED.adam == Adam(1e-4, 0.9, 0.999, 1e-4, "epsilon_hat")
    assert RELEASED.side_by_side == 16 and RELEASED.labels == RELEASED.more_labels == 16 * 5
    assert RELEASED.presentations * 5 == 30
    assert (RELEASED.clip, RELEASED.memory_size, RELEASED.scale, RELEASED.size) == (5.0, 8192, "released", "released")
    assert RELEASED.final_rate == 1 and not RELEASED.affine and RELEASED.learn_first_round
    assert RELEASED.profile == "tf2017"


def test_the_recipe_has_more_labels_after_three_tenths_once_it_has_begun_to_learn():
    assert [RECIPE.labels_at(spent, 0.8) for spent in (0, 0.29, 0.3, 1)] == [80, 80, 160, 160]
    assert [RECIPE.labels_at(spent, 0.3) for spent in (0, 1)] == [80, 80]
    assert RECIPE.memory_size >= 160 * RECIPE.presentations  # nothing is evicted


def test_recipes_are_plain_data():
    for profile, recipe in RECIPES.items():
        assert recipe.profile == profile
        assert Recipe.from_facts(json.loads(json.dumps(recipe.as_facts()))) == recipe
    changed = dataclasses.replace(RECIPE, labels=20)
    assert Recipe.from_facts(changed.as_facts()) == changed != RECIPE
