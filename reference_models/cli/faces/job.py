"""What the command `faces` trains: six expressions, with any core, or with a ConvNet."""

from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.ops.fast_weights_choices import Choices

from reference_models.cli.grid.experiment import Leg, fast_weights
from reference_models.fast_weights.convnet import ConvNet
from reference_models.fast_weights.cores import catalogue
from reference_models.fast_weights.cores.core import Core
from reference_models.fast_weights.cores.stretches import StretchedFastWeights
from reference_models.fast_weights.glimpses import GlimpseNetwork, InGlimpses
from reference_models.tasks.faces import made_up, multi_pie
from reference_models.tasks.faces.expressions import EXPRESSIONS, SIDE, Faces, as_pixels
from reference_models.tasks.glimpses.order import RETURN, width
from reference_models.training.adam import Adam
from reference_models.training.sequences import Model, Schedule

TASK = "faces"

PAPER = {"irnn": 81.11, "lstm": 81.32, "convnet": 88.23, "fast-weights": 86.34}
"""FW §4.3, 200 units: accuracy in percent, on Multi-PIE."""

DEFAULTS: dict[str, Any] = {"data": None, "people": 300, "test_people": None, "updates": 3000, "batch": 64,
                            "rate": 1e-3, "fast_rate": None, "decay": None, "steps": None}
"""None: as the recipe has it."""

VALID = 0.1  # of the people to learn from, at least one, are watched along the way instead


class Pictures:
    """Faces as examples for the training."""

    def __init__(self, of: Faces, which: Array) -> None:
        self.images, self.labels = as_pixels(of.images[which]), of.expressions[which]

    def rows(self, which: Any) -> Array:
        """[B, 48, 48]."""
        images: Array = self.images[which]
        return images


class FaceTask:
    """The task and the recipe of each network.

    Parameters
    ----------
    settings : dict
        As `DEFAULTS`.
    data_seed : int
        Of the faces, which are the same for all networks.
    """

    name = TASK

    def __init__(self, settings: dict[str, Any], data_seed: int = 0) -> None:
        self.settings = settings
        kept = settings["test_people"]
        if settings["data"] is None:
            self.split = made_up.load(data_seed, train_people=settings["people"], test_people=kept or 100)
        else:
            self.split = multi_pie.load(settings["data"], test_people=kept or multi_pie.TEST_PEOPLE, seed=data_seed)
        everyone = np.unique(self.split.train.people)
        if len(everyone) < 2:
            raise ValueError("there must be at least 2 people to learn from: one of them is watched along the way")
        watched = everyone[-max(1, int(VALID * len(everyone))):]
        aside = np.isin(self.split.train.people, watched)
        self.parts = {"train": Pictures(self.split.train, ~aside), "valid": Pictures(self.split.train, aside),
                      "test": Pictures(self.split.test, np.ones(len(self.split.test.images), bool))}

    def build(self, leg: Leg) -> Model:
        """An untrained network."""
        if leg.model == "convnet":
            return ConvNet(side=SIDE, units=leg.units, classes=len(EXPRESSIONS), seed=leg.seed)
        core: Core
        if leg.model == "fast-weights":  # stored, and the hidden state wiped, after each quadrant
            core = StretchedFastWeights(width(SIDE), leg.units, stretches=RETURN.stretches, choices=self.choices(leg))
        else:
            core = catalogue.make(leg.model, width(SIDE), leg.units)
        return InGlimpses(GlimpseNetwork(core, classes=len(EXPRESSIONS), seed=leg.seed), RETURN, side=SIDE)

    def choices(self, leg: Leg) -> Choices:
        """Those of the fast weights."""
        return fast_weights(leg, self.settings)

    def schedule(self, leg: Leg) -> Schedule:
        """How it is trained."""
        return Schedule(self.settings["updates"], batch=self.settings["batch"],
                        adam=Adam(rate=self.settings["rate"]), hold=0.5, clip=1.0)

    def examples(self, split: str) -> Pictures:
        """"train", "valid" or "test"."""
        return self.parts[split]
