"""What the command `catch` does: one network after the other plays and learns, each with a checkpoint of its own."""

import dataclasses
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from refmem.ops.fast_weights_choices import FW2016
from refmem.storage import FileRefused

from reference_models.cli import output
from reference_models.cli.grid import experiment
from reference_models.fast_weights.catch_agent import Agent
from reference_models.fast_weights.cores import catalogue
from reference_models.tasks.catch import Games, Rules
from reference_models.training import checkpoint, loop
from reference_models.training.adam import Adam
from reference_models.training.catch.actor_critic import TASK, ActorCriticTraining, Recipe
from reference_models.training.schedule import Budget

HIDDEN = CELLS = 128  # FW appendix A.3
TEST_GAMES = 2000
WINDOW = 1280  # games, over which the share of balls caught is taken while they are played
UPDATES = 3000  # at most, where no budget is given

RATES = {"fast-weights": 6e-3, "lstm": 6e-3, "irnn": 3e-3}
"""Of Adam, by pilots at (16, 3): seven rates or more a model, one seed or two each. (FW: a random search.)"""

FAST_RATE, RECURRENT_SCALE = 1.0, 0.5
"""eta, from 0.1, 0.3 and 1; and W = 0.5 I at first, as in the ReLU RNN. FW A.3 gives neither."""

DEFAULTS: dict[str, Any] = {
    "updates": None, "minutes": None, "goal": 0.9, "games": 16, "rate": None, "entropy": 0.01, "returns": None,
    "steps": 1, "fast_rate": FAST_RATE, "decay": 0.95, "paddle_start": "middle", "wall": "stop", "blank": "screen"}
BUDGET = ("updates", "minutes", "goal")
"""What may be given anew when a run goes on; the goal no lower, since the player that first reached it is not kept."""


@dataclass(frozen=True, order=True)
class Leg:
    """One network to train."""

    model: str
    screen: str  # "NxM"
    seed: int

    @property
    def name(self) -> str:
        """Of its checkpoint, without the ending."""
        return f"{self.model}-{self.screen}-{self.seed}"


@dataclass
class Done:
    """What a leg has come to."""

    leg: Leg
    saved: checkpoint.Checkpoint

    @property
    def reached(self) -> int | None:
        """Frames until the goal; None where it was not reached (yet)."""
        return self.saved.notes.get("reached")

    @property
    def test(self) -> float | None:
        """Share of balls caught in new games; None where the leg is not finished."""
        return self.saved.notes.get("test")


# --- What was asked for ---------------------------------------------------------------------------------------------


def settled(folder: Path, asked: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
    """The settings of the run in `folder`, as `experiment.settled`; of updates and minutes the later one counts."""
    settings = experiment.settled(folder, asked, DEFAULTS, resume=resume, budget=BUDGET)
    for name, other in (("updates", "minutes"), ("minutes", "updates")):
        if asked[name] is not None:
            settings[other] = None
    return settings


def rules_of(screen: str, settings: Mapping[str, Any]) -> Rules:
    """The game on a screen "NxM".

    Raises
    ------
    ValueError
        If that is no screen.
    """
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", screen)
    if match is None:
        raise ValueError(f"--screen takes NxM, such as 16x3, got {screen!r}")
    return Rules(int(match[1]), int(match[2]), settings["paddle_start"], settings["wall"], settings["blank"])


def build(leg: Leg, settings: Mapping[str, Any]) -> ActorCriticTraining:
    """A run that has not begun."""
    choices = dataclasses.replace(FW2016, steps=settings["steps"], rate=settings["fast_rate"],
                                  decay=settings["decay"], recurrent_scale=RECURRENT_SCALE)
    agent = Agent(rules_of(leg.screen, settings), catalogue.make(leg.model, HIDDEN, CELLS, choices))
    recipe = Recipe(games=settings["games"], steps=settings["returns"] or agent.rules.moves,
                    entropy_weight=settings["entropy"], adam=Adam(rate=settings["rate"] or RATES[leg.model]))
    return ActorCriticTraining(recipe, agent, seed=leg.seed)


def budget(settings: Mapping[str, Any]) -> Budget:
    """Of each leg."""
    if settings["minutes"] is not None:
        return Budget(seconds=60 * settings["minutes"])
    return Budget(episodes=settings["updates"] or UPDATES)


# --- The work -------------------------------------------------------------------------------------------------------


def everything(legs: Iterable[Leg], folder: Path, settings: dict[str, Any]) -> None:
    """Train and measure all legs that are not done yet.

    Raises
    ------
    ValueError
        Before the work, if a leg was trained for a higher goal.
    """
    legs = list(legs)
    for leg in legs:
        saved = saved_leg(leg, folder)
        if saved is not None and saved.settings["goal"] > settings["goal"]:
            raise ValueError(f"{leg.name} was trained for the goal {saved.settings['goal']:g}, and a lower one cannot "
                             f"be given now, got {settings['goal']:g}")
    output.write_json(folder / experiment.SETTINGS, settings)
    with threadpool_limits(1, user_api="blas"):  # the products are small
        for leg in legs:
            train(leg, folder, settings)


def train(leg: Leg, folder: Path, settings: Mapping[str, Any]) -> None:
    """Train one leg, or go on with it, until it has reached the goal or spent its budget; then measure it."""
    path, saved = folder / f"{leg.name}.npz", saved_leg(leg, folder)
    training = build(leg, settings)
    if saved is not None:
        training.resume(saved)
        over = saved.notes.get("reached") is not None or budget(settings).spent(training.counters) == 1
        if "test" in saved.notes and over and saved.settings["goal"] == settings["goal"]:
            return
    facts = dict(settings) | dataclasses.asdict(leg)
    try:
        ended = loop.run(training.advance, counters=training.counters, budget=budget(settings), curve=training.curve,
                         save=lambda: checkpoint.save(path, training.snapshot(facts)), title=leg.name,
                         goal=settings["goal"], smoothing=window(settings["games"]))
    except loop.Interrupted as stopped:
        raise KeyboardInterrupt(f"{leg.name} after {training.counters.episodes} updates; go on with the same "
                                f"--model, --screen, --seed and --seeds, and --resume --out {folder}") from stopped
    done = training.snapshot(facts)
    there = loop.reached(training.curve, settings["goal"], window(settings["games"]))
    done.notes = {"reached": training.counters.images if there else None,
                  "test": caught(training, TEST_GAMES), "ended": ended}
    checkpoint.save(path, done)
    frames = f"{done.notes['reached']:,} frames" if done.notes["reached"] else "not reached"
    print(f"{leg.name}: {100 * settings['goal']:g} % {frames}; {100 * done.notes['test']:.1f} % of new balls caught, "
          f"{training.counters.seconds:.0f} s", file=sys.stderr, flush=True)


def saved_leg(leg: Leg, folder: Path) -> checkpoint.Checkpoint | None:
    """The checkpoint of a leg; None where there is none yet."""
    path = folder / f"{leg.name}.npz"
    return checkpoint.load(path, TASK, needs=DEFAULTS) if path.exists() else None


def window(games: int) -> int:
    """Batches of so many games whose mean must reach the goal: `WINDOW` games."""
    return -(-WINDOW // games)


def caught(training: ActorCriticTraining, games: int) -> float:
    """The share of balls that are caught in new games, moves drawn from the policy as in training."""
    rng = np.random.default_rng([training.seed, 3])
    episodes, _, _ = training.agent.play(training.params, Games(training.agent.rules, games, rng), rng)
    return float((episodes.rewards[:, -1] > 0).mean())


def found(folder: Path) -> list[Done]:
    """All legs in a folder, in order."""
    legs = []
    for path in sorted(folder.glob("*.npz")):
        saved = checkpoint.load(path, TASK)
        try:
            leg = Leg(*(saved.settings[name] for name in ("model", "screen", "seed")))
        except KeyError as error:
            raise FileRefused(f"{path} does not say of which network it is") from error
        legs.append(Done(leg, saved))
    return sorted(legs, key=lambda done: (int(done.leg.screen.partition("x")[0]), done.leg.model, done.leg.seed))


def loaded(done: Done) -> ActorCriticTraining:
    """The trained network of a leg."""
    training = build(done.leg, {name: done.saved.settings[name] for name in DEFAULTS})
    checkpoint.put_params(training.params, done.saved.params)
    return training
