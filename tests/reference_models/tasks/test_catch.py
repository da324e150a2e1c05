"""The game of Catch: the rules that were settled, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks.catch import Games, Rules

LEFT, STAY, RIGHT = 0, 1, 2


def games(rules, batch=50, seed=0):
    return Games(rules, batch, np.random.default_rng(seed))


@settings(deadline=None)
@given(st.integers(3, 9), st.data())
def test_it_is_the_game_one_by_one(size, data):
    """Against a plain game of one ball: what is seen at each frame, where the paddle is, and the reward."""
    visible = data.draw(st.integers(1, size))
    rules = Rules(size, visible, data.draw(st.sampled_from(["middle", "random"])),
                  data.draw(st.sampled_from(["stop", "wrap"])), data.draw(st.sampled_from(["screen", "ball"])))
    batch = games(rules, 4, data.draw(st.integers(0, 99)))
    paddles = batch.paddle.tolist()
    for frame in range(size):
        for b in range(4):
            pixels = set()
            if frame < visible:
                pixels.add((frame, int(batch.ball[b])))
            if frame < visible or rules.blank == "ball":
                pixels |= {(size - 1, paddles[b]), (size - 1, (paddles[b] + 1) % size)}
            assert set(zip(*map(list, np.nonzero(batch.screens()[b])), strict=True)) == pixels
        if frame == size - 1:
            break
        assert not batch.rewards().any()
        actions = data.draw(st.lists(st.integers(0, 2), min_size=4, max_size=4))
        batch.move(np.array(actions))
        for b, action in enumerate(actions):
            moved = paddles[b] + action - 1
            paddles[b] = moved % size if rules.wall == "wrap" else min(max(moved, 0), size - 2)
    assert batch.over and batch.paddle.tolist() == paddles
    touched = [int(ball) in (p, (p + 1) % size) for ball, p in zip(batch.ball, paddles, strict=True)]
    assert batch.rewards().tolist() == [1 if t else -1 for t in touched]


def test_balls_start_everywhere_and_the_paddle_in_the_middle():
    batch = games(Rules(16, 3), 2000)
    counts = np.bincount(batch.ball, minlength=16)
    assert counts.min() > 80 and counts.max() < 180
    assert set(batch.paddle.tolist()) == {7}
    assert set(games(Rules(16, 3, "random"), 2000).paddle.tolist()) == set(range(15))


@pytest.mark.parametrize("rules", [Rules(16, 3), Rules(24, 5)])
def test_whoever_remembers_the_ball_can_always_catch_it(rules):
    batch = games(rules, 200)
    target = np.minimum(batch.ball, rules.size - 2)  # known from the first frame
    while not batch.over:
        batch.move(1 + np.sign(target - batch.paddle))
    assert (batch.rewards() == 1).all()


def test_a_game_of_n_frames_has_one_move_fewer():
    batch = games(Rules(5, 2), 3)
    for _ in range(4):
        batch.move(np.full(3, STAY))
    assert batch.over
    with pytest.raises(ValueError, match="the games are over after 4 moves"):
        batch.move(np.full(3, STAY))


@pytest.mark.parametrize(("given_", "message"), [
    ({"size": 3, "visible": 4}, "visible must be at most size: a game of 3 frames cannot show 4"),
    ({"size": 2, "visible": 1}, "size must be a whole number of at least 3, got 2"),
    ({"size": 16, "visible": 0}, "visible must be a whole number of at least 1, got 0"),
    ({"size": 16.0}, "size must be a whole number"),
    ({"wall": "bounce"}, "wall must be one of stop, wrap, got 'bounce'"),
    ({"paddle_start": "left"}, "paddle_start must be one of middle, random"),
    ({"blank": "all"}, "blank must be one of screen, ball"),
])
def test_impossible_games_are_refused(given_, message):
    with pytest.raises(ValueError, match=message):
        Rules(**given_)


@pytest.mark.parametrize(("actions", "message"), [
    (np.array([0, 1]), "actions must be 3 whole numbers"),
    (np.array([0.0, 1.0, 2.0]), "actions must be 3 whole numbers"),
    (np.array([0, 1, 3]), r"actions must be in 0\.\.2"),
])
def test_impossible_moves_are_refused(actions, message):
    batch = games(Rules(5, 2), 3)
    with pytest.raises(ValueError, match=message):
        batch.move(actions)
    assert batch.frame == 0
