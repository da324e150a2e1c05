"""What the command `recall` trains: associative retrieval, with any core."""

from typing import Any

import numpy as np

from refmem.ops.fast_weights_choices import CHOICES, Choices

from reference_models.cli.grid.experiment import Leg, fast_weights
from reference_models.fast_weights.cores import catalogue
from reference_models.fast_weights.retrieval import EXPANDED, RetrievalNetwork
from reference_models.tasks import retrieval
from reference_models.training.adam import Adam
from reference_models.training.sequences import Schedule

TASK = "recall"

PAPER = {("irnn", 20): 62.11, ("irnn", 50): 60.23, ("irnn", 100): 0.34,
         ("lstm", 20): 60.81, ("lstm", 50): 1.85, ("lstm", 100): 0.0,
         ("a-lstm", 20): 60.13, ("a-lstm", 50): 1.62, ("a-lstm", 100): 0.0,
         ("fast-weights", 20): 1.81, ("fast-weights", 50): 0.0, ("fast-weights", 100): 0.0}
"""FW table 1: test error in percent."""

DEFAULTS: dict[str, Any] = {"pairs": 4, "updates": None, "rate": None, "hold": None, "batch": 128, "choices": "fw2016",
                            "steps": None, "decay": None, "fast_rate": None, "train": 100_000}
"""None: as the recipe has it."""


class Recall:
    """The task and the recipe of each network.

    Parameters
    ----------
    settings : dict
        As `DEFAULTS`.
    data_seed : int
        Of the sequences, which are the same for all networks.
    """

    name = TASK

    def __init__(self, settings: dict[str, Any], data_seed: int = 0) -> None:
        if settings["choices"] not in CHOICES:
            raise ValueError(f"--choices must be one of {', '.join(CHOICES)}, got {settings['choices']!r}")
        self.settings = settings
        sizes = retrieval.SIZES | {"train": settings["train"]}
        self.splits = retrieval.splits(settings["pairs"], data_seed, sizes)

    def build(self, leg: Leg, form: str | None = None) -> RetrievalNetwork:
        """An untrained network; `form` is that of the fast weights, by default the fastest."""
        core = catalogue.make(leg.model, EXPANDED, leg.units, self.choices(leg), form)
        return RetrievalNetwork(core, symbols=len(retrieval.ALPHABET), classes=len(retrieval.DIGITS), seed=leg.seed,
                                dtype=np.float32)

    def choices(self, leg: Leg) -> Choices:
        """Those of the fast weights."""
        return fast_weights(leg, self.settings, CHOICES[self.settings["choices"]])

    def schedule(self, leg: Leg) -> Schedule:
        """How it is trained."""
        small = leg.units <= 20
        recipe = {"updates": 25_000 if small else 20_000, "hold": 0.4 if small else 0.3,
                  "rate": 2e-3 if small or leg.model != "fast-weights" else 1e-3}
        asked = {name: self.settings[name] for name in recipe if self.settings[name] is not None}
        recipe |= asked
        return Schedule(int(recipe["updates"]), batch=self.settings["batch"], adam=Adam(rate=recipe["rate"]),
                        hold=recipe["hold"], clip=1.0)

    def examples(self, split: str) -> retrieval.Sequences:
        """"train", "valid" or "test"."""
        return self.splits[split]
