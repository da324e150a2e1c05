"""What the command `glimpses` trains: digits seen in 24 glimpses, with any core; or at once, by a ConvNet."""

from typing import Any

import numpy as np

from refmem.ops.fast_weights_choices import Choices

from reference_models.cli.grid.experiment import Leg, fast_weights
from reference_models.fast_weights import fastest_form
from reference_models.fast_weights.cores import catalogue
from reference_models.fast_weights.cores.stretches import StretchedFastWeights
from reference_models.fast_weights.glimpses import GlimpseNetwork, InGlimpses
from reference_models.tasks.glimpses import digits, mnist
from reference_models.tasks.glimpses.images import Images
from reference_models.tasks.glimpses.order import ORDERS, SIDE, WIDTH
from reference_models.training.adam import Adam
from reference_models.training.sequences import Model, Schedule

TASK = "glimpses"

PAPER = {("irnn", 50): 12.95, ("irnn", 100): 1.95, ("irnn", 200): 1.42,
         ("lstm", 50): 12.0, ("lstm", 100): 1.55, ("lstm", 200): 1.10,
         ("convnet", 50): 1.81, ("convnet", 100): 1.00, ("convnet", 200): 0.9,
         ("fast-weights", 50): 7.21, ("fast-weights", 100): 1.30, ("fast-weights", 200): 0.85}
"""FW table 2: test error in percent, on MNIST."""

DEFAULTS: dict[str, Any] = {"data": None, "order": "return", "updates": None, "rate": 2e-3, "hold": 0.3, "batch": 128,
                            "steps": None, "decay": None, "fast_rate": None, "train": None, "shift": 0}
"""None: as the recipe has it."""

MADE_UP = {"train": 10_000, "valid": 1_000, "test": 2_000}
VALID = 5_000  # images of MNIST's training set that are watched along the way instead


class Glimpses:
    """The task and the recipe of each network.

    Parameters
    ----------
    settings : dict
        As `DEFAULTS`.
    data_seed : int
        Of made-up digits.
    """

    name = TASK

    def __init__(self, settings: dict[str, Any], data_seed: int = 0) -> None:
        self.settings, self.order = settings, ORDERS[settings["order"]]
        if settings["data"] is None:
            sizes = MADE_UP | ({"train": settings["train"]} if settings["train"] else {})
            self.parts = {name: Images(*digits.drawn(count, np.random.default_rng([data_seed, number])),
                                       shift=settings["shift"] if name == "train" else 0)
                          for number, (name, count) in enumerate(sizes.items())}
            return
        files = mnist.load(settings["data"])
        images, labels = files["train"]
        if len(images) <= VALID:
            raise ValueError(f"there must be more than {VALID} training images, got {len(images)}")
        last = len(images) - VALID if settings["train"] is None else min(settings["train"], len(images) - VALID)
        self.parts = {"train": Images(images[:last], labels[:last], shift=settings["shift"]),
                      "valid": Images(images[-VALID:], labels[-VALID:]), "test": Images(*files["test"])}

    def build(self, leg: Leg) -> Model:
        """An untrained network."""
        if leg.model == "convnet":
            from reference_models.fast_weights.convnet import ConvNet
            return ConvNet(side=SIDE, units=leg.units, classes=10, seed=leg.seed)
        if leg.model == "fast-weights":
            choices = self.choices(leg)
            form = fastest_form(choices) if leg.units <= 64 else "attention"  # where products of matrices pay
            core = StretchedFastWeights(WIDTH, leg.units, stretches=self.order.stretches, choices=choices, form=form)
            return InGlimpses(GlimpseNetwork(core, classes=10, seed=leg.seed), self.order)
        network = GlimpseNetwork(catalogue.make(leg.model, WIDTH, leg.units), classes=10, seed=leg.seed)
        return InGlimpses(network, self.order)

    def choices(self, leg: Leg) -> Choices:
        """Those of the fast weights."""
        return fast_weights(leg, self.settings)

    def schedule(self, leg: Leg) -> Schedule:
        """How it is trained."""
        s = self.settings
        updates = s["updates"] or (2_000 if s["data"] is None else 6_000)
        return Schedule(updates, batch=s["batch"], adam=Adam(rate=s["rate"]), hold=s["hold"], clip=1.0)

    def examples(self, split: str) -> Images:
        """"train", "valid" or "test"."""
        return self.parts[split]
