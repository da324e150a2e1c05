"""What the command `catch` leaves behind: frames to the goal, learning curves, and a game as a strip of film."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from reference_models.cli import output, pictures
from reference_models.cli.catch import job
from reference_models.cli.catch.job import Done
from reference_models.fast_weights.cores.catalogue import TITLES
from reference_models.tasks.catch import Games

NAMES = TITLES | {"irnn": "ReLU RNN"}
COLOURS = {"fast-weights": "#c0392b", "irnn": "#7f8c8d", "lstm": "#2471a3"}


def write(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = job.found(folder)
    facts: dict[str, Any] = {"task": "catch", "settings": dict(settings), "rows": rows(legs), "out": str(folder),
                             "versions": output.versions()}
    output.write_csv(folder / "curves.csv", [
        {"model": done.leg.model, "screen": done.leg.screen, "seed": done.leg.seed, "frames": int(frames),
         "success": round(float(success), 4)} for done in legs for frames, success in zip(*curve(done), strict=True)])
    if pictures.available():
        draw_curves(folder / "curves.png", legs, goal=settings["goal"])
        for done in legs:
            if done.test is not None:
                draw_film(folder / f"film-{done.leg.name}.png", done)
    output.write_json(folder / "results.json", facts)
    return facts


def rows(legs: Sequence[Done]) -> list[dict[str, Any]]:
    """One for each screen and model: the frames to the goal of each seed, and how many balls are caught then."""
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for done in legs:
        row = table.setdefault((done.leg.screen, done.leg.model), {
            "screen": done.leg.screen, "model": done.leg.model, "frames": {}, "caught": {}, "played": {},
            "seconds": {}})
        seed = str(done.leg.seed)
        row["frames"][seed] = done.reached
        row["caught"][seed] = done.test
        row["played"][seed] = done.saved.counters.images
        row["seconds"][seed] = round(done.saved.counters.seconds, 1)
    for row in table.values():
        counts = sorted(float("inf") if frames is None else frames for frames in row["frames"].values())
        middle = float(np.median(counts))
        row["median_frames"] = int(middle) if np.isfinite(middle) else None
    return list(table.values())


def curve(done: Done) -> tuple[Any, Any]:
    """Frames played, and the share of the last `WINDOW` balls that was caught: two [n]."""
    points, smooth = done.saved.curve, job.window(done.saved.settings["games"])
    size = int(done.leg.screen.partition("x")[0])
    frames = np.array([point["episode"] for point in points]) * done.saved.settings["games"] * size
    sums = np.cumsum(np.array([0.0] + [point["accuracy"] for point in points]))
    first = np.maximum(np.arange(1, len(points) + 1) - smooth, 0)
    success = (sums[1:] - sums[first]) / (np.arange(1, len(points) + 1) - first)
    shown = np.arange(len(points))[::-1] % 10 == 0  # with the last one
    return frames[shown], success[shown]


def draw_curves(path: Path, legs: Sequence[Done], *, goal: float) -> None:
    """Share of balls caught against frames: one panel a screen, one line a network."""
    screens = list(dict.fromkeys(done.leg.screen for done in legs))
    page = pictures.blank(1.5 + 4.4 * max(1, len(screens)), 4.2)
    panels = page.subplots(1, max(1, len(screens)), sharey=True, squeeze=False)[0]
    for axes, screen in zip(panels, screens, strict=False):
        named: set[str] = set()
        for done in legs:
            if done.leg.screen != screen:
                continue
            frames, success = curve(done)
            model, there = done.leg.model, done.reached is not None
            axes.plot(frames / 1e6, 100 * success, color=COLOURS[model], linewidth=1.3, alpha=0.85,
                      marker="o" if there else None, markersize=4, markevery=[-1],
                      label=None if model in named else NAMES[model])
            named.add(model)
        axes.axhline(100 * goal, color="0.4", linewidth=0.8, linestyle=":")
        size, _, visible = screen.partition("x")
        axes.set_title(f"N = {size}, M = {visible}", fontsize=10)
        axes.set_xlabel("frames, in millions")
        axes.set_ylim(0, 100)
        axes.grid(alpha=0.3, linewidth=0.5)
        axes.legend(fontsize=8, loc="lower right")
    panels[0].set_ylabel(f"caught of the last {job.WINDOW:,} balls, %")
    page.suptitle("Catch with a screen that goes blank: each line a seed", fontsize=11)
    pictures.save(page, path)


def draw_film(path: Path, done: Done) -> None:
    """One game: above what the network sees, below where ball and paddle are, and which move it makes."""
    training = job.loaded(done)
    agent, rng = training.agent, np.random.default_rng([done.leg.seed, 7])
    games = Games(agent.rules, 1, rng)
    ball, paddle = int(games.ball[0]), int(games.paddle[0])
    episodes, _, _ = agent.play(training.params, games, rng)
    size, length = agent.rules.size, agent.rules.moves
    page = pictures.blank(0.72 * size + 0.6, 2.5)
    grid = page.subplots(2, size, squeeze=False)
    for t in range(size):
        world = np.zeros((size, size))
        world[t, ball] = 1.0
        world[-1, [paddle, (paddle + 1) % size]] = 0.65 if t < size - 1 else 1.0
        seen = episodes.screens[0, t] if t < length else np.zeros((size, size))
        for axes, image in ((grid[0, t], seen), (grid[1, t], world)):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
        grid[0, t].set_title(str(t), fontsize=7, pad=2)
        if t < length:
            move = int(episodes.actions[0, t])
            grid[1, t].set_xlabel({0: "←", 1: "·", 2: "→"}[move], fontsize=11)
            before = Games(agent.rules, 1, np.random.default_rng(0))
            before.paddle[0] = paddle
            before.move(np.array([move]))
            paddle = int(before.paddle[0])
    grid[0, 0].set_ylabel("it sees", fontsize=8)
    grid[1, 0].set_ylabel("the game", fontsize=8)
    caught = episodes.rewards[0, -1] > 0
    page.suptitle(f"{NAMES.get(done.leg.model, done.leg.model)}, N = {size}, M = {agent.rules.visible}: "
                  f"{'caught' if caught else 'missed'}", fontsize=10)
    pictures.save(page, path)


def show(facts: dict[str, Any]) -> None:
    """Print to stdout."""
    console = Console()
    goal = facts["settings"]["goal"]
    table = Table(title=f"Catch: frames until {100 * goal:g} % of the balls are caught")
    for column in ("screen", "model", "median", "seeds", "then caught, %"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in facts["rows"]:
        def frames(count: int | None) -> str:
            return "not reached" if count is None else f"{count:,}"
        then = ", ".join("-" if share is None else f"{100 * share:.1f}" for share in row["caught"].values())
        table.add_row(row["screen"], NAMES.get(row["model"], row["model"]), frames(row["median_frames"]),
                      ", ".join(frames(count) for count in row["frames"].values()), then)
    console.print(table)
    pictures.show_written(console, output.listed(Path(facts["out"])))
