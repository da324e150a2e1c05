"""Lives: shown once, asked at the right moment by drawings never stored, every lag on the same characters."""

import numpy as np
import pytest

from reference_models.tasks.one_shot.characters import Characters
from reference_models.tasks.one_shot.life_long import CALL, lives

LAGS = (10, 50, 200)


def some(classes, drawers=8):
    return Characters(np.zeros((classes, drawers, 28, 28), np.uint8), ("a",) * classes, ("b",) * classes)


def planned(known=60, unseen=14, seed=0, **changed):
    return lives(some(known), some(unseen), rng=np.random.default_rng(seed),
                 **{"lags": LAGS, "steps": 400, "window": 100, **changed})


@pytest.mark.parametrize("seed", range(5))
def test_every_unseen_character_is_shown_once_and_asked_its_lag_later(seed):
    for life in planned(seed=seed):
        assert life.shown.shape == (40, CALL) and life.shown.dtype == np.int64
        assert len(np.unique(life.shown)) == 400  # no drawing twice, of whatever character
        classes, _ = life.characters.drawings(life.shown)
        assert len(life.labels) == 12 and (life.labels >= 60).all() and len(np.unique(life.labels)) == 12
        for n, label in enumerate(life.labels):
            calls, _ = np.nonzero(classes == label)
            assert calls.tolist() == [life.shown_in[n]]
            assert (life.asked_before[n] - life.shown_in[n]) * CALL == life.lag[n]
            assert 30 <= life.asked_before[n] < 40  # in the window
        asked, _ = life.characters.drawings(life.questions)
        np.testing.assert_array_equal(asked, np.tile(life.labels[:, None], (1, 7)))
        assert not np.isin(life.questions, life.shown).any()


def test_all_lags_are_measured_on_the_same_characters_at_the_same_times():
    all_lives = planned()
    assert len(all_lives) == len(LAGS)
    for life in all_lives:
        assert [int((life.lag == lag).sum()) for lag in LAGS] == [4, 4, 4]
        np.testing.assert_array_equal(life.questions, all_lives[0].questions)
        when = [sorted(life.asked_before[life.lag == lag]) for lag in LAGS]
        assert when[0] == when[1] == when[2]
    lags = np.stack([life.lag for life in all_lives])  # [lives, n]
    np.testing.assert_array_equal(np.sort(lags, axis=0), np.tile(np.array(LAGS)[:, None], 12))


def test_the_generator_decides():
    for one, other in zip(planned(seed=3), planned(seed=3), strict=True):
        np.testing.assert_array_equal(one.shown, other.shown)
        np.testing.assert_array_equal(one.questions, other.questions)
    assert not np.array_equal(planned(seed=3)[0].shown, planned(seed=4)[0].shown)


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"lags": (10, 55)}, "must be multiples of 10"),
    ({"lags": ()}, "at most 10 lags"),
    ({"steps": 299, "window": 100}, "must be multiples of 10"),
    ({"steps": 290, "window": 100}, "a lag of 200 and a window of 100 steps do not fit into a life of 290"),
    ({"known": 49}, "a life of 400 steps needs as many drawings of known characters, and there are only 392"),
    ({"unseen": 2}, "3 lags need as many unseen characters, and there are only 2"),
])
def test_a_life_that_does_not_fit_is_one_sentence(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        planned(**changed)


def test_asking_needs_a_second_drawing():
    with pytest.raises(ValueError, match="if there are two drawings of it"):
        lives(some(60), some(9, drawers=1), rng=np.random.default_rng(0), lags=LAGS, steps=400, window=100)
