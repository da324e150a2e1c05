"""Catch, with a screen that goes blank: remember where the ball was, and be there when it lands.        (FW §4.4, A.3)

A ball of one pixel falls straight down an N x N screen, one row a frame. A paddle of two pixels in the bottom row
moves left, stays or moves right, one column a frame. After the last of N frames the reward is +1 if the paddle touches
the ball, else -1. From frame M on the screen shows nothing. FW plays (N, M) = (16, 3) and (24, 5).

The paper leaves open what follows; here is where each point is settled, in `Rules`:

    point                              here                               elsewhere
    ---------------------------------  ---------------------------------  -----------------------------------------
    where the paddle starts            in the middle ("middle")           any column ("random")
    the column of the ball             every column alike
    at the wall                        the paddle stays on the screen     it goes through to the other side ("wrap")
    to touch                           the ball is in one of the paddle's two columns
    moves in N frames                  N - 1: the ball starts in row 0 and lands in row N - 1 after N - 1 moves
    what is blank                      the whole screen, the paddle too   only the ball ("ball")

bsuite's Catch, by the same laboratory, starts its paddle in the middle and keeps it on the screen; its paddle has one
pixel. All games of a batch run in step, since all have the same length.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from refmem.arrays import Array

ACTIONS = ("left", "stay", "right")


@dataclass(frozen=True)
class Rules:
    """The game: its size, and every point that the paper leaves open."""

    size: int = 16
    """N: rows, columns and frames."""

    visible: int = 3
    """M: so many frames show something."""

    paddle_start: Literal["middle", "random"] = "middle"
    wall: Literal["stop", "wrap"] = "stop"
    blank: Literal["screen", "ball"] = "screen"

    def __post_init__(self) -> None:
        for name, low in (("size", 3), ("visible", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name} must be a whole number of at least {low}, got {value!r}")
        if self.visible > self.size:
            raise ValueError(f"visible must be at most size: a game of {self.size} frames cannot show {self.visible}")
        for name, known in (("paddle_start", ("middle", "random")), ("wall", ("stop", "wrap")),
                            ("blank", ("screen", "ball"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")

    @property
    def moves(self) -> int:
        """Of a game: one between each two frames."""
        return self.size - 1

    @property
    def places(self) -> int:
        """Columns that the left pixel of the paddle can be in."""
        return self.size if self.wall == "wrap" else self.size - 1


class Games:
    """A batch of games, all at the same frame.

    Parameters
    ----------
    rules : Rules
    batch : int
    rng : numpy.random.Generator
        Where balls and paddles start: first the columns of all balls are drawn, then, where they are random, those of
        all paddles.

    Attributes
    ----------
    frame : int
        0 at the start, N - 1 when the ball has landed.
    ball, paddle : [B] int
        Columns: of the ball, and of the left pixel of the paddle.
    """

    def __init__(self, rules: Rules, batch: int, rng: np.random.Generator) -> None:
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        self.rules, self.batch, self.frame = rules, batch, 0
        self.ball = rng.integers(0, rules.size, batch)  # [B]
        if rules.paddle_start == "random":
            self.paddle = rng.integers(0, rules.places, batch)  # [B]
        else:
            self.paddle = np.full(batch, rules.size // 2 - 1)  # [B]

    @property
    def over(self) -> bool:
        """Whether the ball has landed."""
        return self.frame == self.rules.moves

    def screens(self) -> Array:
        """What is to be seen: [B, N, N] float32 of 0 and 1, row 0 at the top."""
        rules, everyone = self.rules, np.arange(self.batch)
        screens = np.zeros((self.batch, rules.size, rules.size), np.float32)
        shown = self.frame < rules.visible
        if shown:
            screens[everyone, self.frame, self.ball] = 1
        if shown or rules.blank == "ball":
            screens[everyone, -1, self.paddle] = 1
            screens[everyone, -1, (self.paddle + 1) % rules.size] = 1
        return screens

    def move(self, actions: Array) -> None:
        """Move all paddles, then all balls.

        Parameters
        ----------
        actions : [B] int
            0 left, 1 stay, 2 right: places in `ACTIONS`.

        Raises
        ------
        ValueError
            If the games are over, or an action is none of these.
        """
        if self.over:
            raise ValueError(f"the games are over after {self.rules.moves} moves")
        actions = np.asarray(actions)
        if actions.shape != (self.batch,) or actions.dtype.kind not in "iu":
            raise ValueError(f"actions must be {self.batch} whole numbers, got {actions.dtype} of shape "
                             f"{actions.shape}")
        if ((actions < 0) | (actions >= len(ACTIONS))).any():
            raise ValueError(f"actions must be in 0..{len(ACTIONS) - 1}, got {actions.min()} to {actions.max()}")
        moved = self.paddle + actions.astype(np.int64) - 1
        places = self.rules.places
        self.paddle = moved % places if self.rules.wall == "wrap" else np.clip(moved, 0, places - 1)
        self.frame += 1

    def rewards(self) -> Array:
        """[B] float32: 0 while the ball falls; then +1 where the paddle touches it, -1 where it does not."""
        if not self.over:
            return np.zeros(self.batch, np.float32)
        right = (self.paddle + 1) % self.rules.size
        touches = (self.ball == self.paddle) | (self.ball == right)
        return np.where(touches, 1, -1).astype(np.float32)
