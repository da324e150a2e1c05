"""A finished run of `omniglot`, read back: the network, its memory of the unseen characters, and their drawings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refmem.memory.explain import Evidence, explain
from refmem.memory.memory import Memory
from refmem.storage import FileRefused

from reference_models.classifier import Classifier
from reference_models.cli.output import CHECKPOINT
from reference_models.tasks.one_shot.characters import Array, as_pixels
from reference_models.training import checkpoint
from reference_models.training.one_shot.classifier import TASK, build
from reference_models.training.one_shot.recipes import Recipe


@dataclass
class Trained:
    """Ready to be asked."""

    recipe: Recipe
    classifier: Classifier
    memory: Memory  # the value of a slot is a position in `names`, its source one in `drawings`
    names: list[str]
    drawings: Array  # [classes, 28, 28] ink

    @staticmethod
    def load(path: Path) -> "Trained":
        """Read a checkpoint, or that of a run's folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        FileRefused
            If it is damaged, foreign, of another version, or of a run that has not ended.
        """
        path = path / CHECKPOINT if path.is_dir() else path
        saved = checkpoint.load(path, TASK)
        if "gallery" not in saved.extras:
            raise FileRefused(f"{path} is of a run that has not ended, and holds no memory yet; go on with it first "
                              f"(omniglot --resume --out {path.parent})")
        try:
            recipe = Recipe.from_facts(saved.settings["recipe"])
            classifier = build(recipe, seed=0)
            checkpoint.put_params(classifier.params, saved.params)
            memory = Memory.from_contents(saved.notes["memory"], saved.extras["memory"])
            return Trained(recipe, classifier, memory, saved.notes["gallery"], saved.extras["gallery"]["drawings"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileRefused(f"{path} does not hold a whole run: {error}") from error

    def explain(self, ink: Array, top: int) -> list[Evidence]:
        """The stored drawings nearest to this one, [28, 28] uint8; the answer is the value of the first."""
        queries = self.classifier.embed(as_pixels(ink[None], scale=self.recipe.scale))
        found, = explain(self.memory, np.asarray(queries, self.memory.dtype), top=top)
        return [e for e in found if e.source >= 0]  # in the released code empty slots answer too
