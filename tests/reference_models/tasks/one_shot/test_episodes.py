"""Episodes: every class once a round, never a drawing twice, labels at random, errors in sentences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks.one_shot.characters import Characters
from reference_models.tasks.one_shot.episodes import in_rounds, side_by_side


def some(classes, drawers):
    return Characters(np.zeros((classes, drawers, 28, 28), np.uint8), ("a",) * classes, ("b",) * classes)


SIZES = st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(0, 4), st.integers(0, 3), st.integers(0, 99))


@settings(deadline=None)
@given(SIZES)
def test_every_class_is_shown_once_a_round_and_no_drawing_twice(sizes):
    ways, presentations, more_classes, more_drawers, seed = sizes
    characters = some(ways + more_classes, presentations + more_drawers)
    episode = in_rounds(characters, ways=ways, presentations=presentations, rng=np.random.default_rng(seed))
    for field in episode:
        assert field.shape == (presentations, ways) and field.dtype == np.int64
    for row, labels in enumerate(episode.labels):
        assert sorted(labels) == list(range(ways))
        assert (episode.rounds[row] == row).all()
    assert len(np.unique(episode.sources)) == ways * presentations

    classes, _ = characters.drawings(episode.sources)
    meant = dict(zip(episode.labels[0].tolist(), classes[0].tolist(), strict=True))
    assert len(set(meant.values())) == ways
    np.testing.assert_array_equal(classes, np.vectorize(meant.get)(episode.labels))


@settings(deadline=None)
@given(SIZES, st.integers(1, 5))
def test_side_by_side_are_episodes_with_labels_of_their_own(sizes, episodes):
    ways, presentations, more_classes, more_drawers, seed = sizes
    characters = some(ways + more_classes, presentations + more_drawers)
    batch = side_by_side(characters, episodes=episodes, ways=ways, presentations=presentations,
                         rng=np.random.default_rng(seed))
    for field in batch:
        assert field.shape == (ways * presentations, episodes) and field.dtype == np.int64
    for b in range(episodes):
        seen = {label: 0 for label in range(b * ways, (b + 1) * ways)}
        classes = {}
        for call in range(ways * presentations):
            label, source = int(batch.labels[call, b]), int(batch.sources[call, b])
            assert batch.rounds[call, b] == seen[label] == call // ways
            seen[label] += 1
            assert classes.setdefault(label, source // characters.drawers) == source // characters.drawers
        assert len(set(classes.values())) == ways
        assert len(np.unique(batch.sources[:, b])) == ways * presentations


def test_labels_classes_drawings_and_order_are_drawn_at_random():
    characters = some(6, 5)
    rng = np.random.default_rng(0)
    plans = [in_rounds(characters, ways=3, presentations=2, rng=rng) for _ in range(600)]
    classes = np.stack([characters.drawings(plan.sources)[0] for plan in plans])  # [E, R, N]
    drawers = np.stack([characters.drawings(plan.sources)[1] for plan in plans])
    labels = np.stack([plan.labels for plan in plans])
    for c in range(6):  # class c behind label l, first at place p, by drawer d: each as often as the others
        for label in range(3):
            assert 60 < np.sum((classes == c) & (labels == label)) / 2 < 145
        for place in range(3):
            assert 60 < np.sum(classes[:, 1, place] == c) < 145
        for drawer in range(5):
            assert 25 < np.sum((classes[:, 0] == c) & (drawers[:, 0] == drawer)) < 100
    assert (labels[:, 0] != labels[:, 1]).any(axis=1).mean() > 0.7  # each round in an order of its own


def test_the_generator_decides():
    characters = some(9, 6)
    one, other = (in_rounds(characters, ways=5, presentations=6, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.sources, other.sources)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_batches_bring_the_images_of_their_sources():
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 28, 28)).astype(np.uint8)
    characters = Characters(images, ("a",) * 5, ("b",) * 5)
    episode = in_rounds(characters, ways=4, presentations=3, rng=np.random.default_rng(0))
    batches = list(episode.batches(characters, scale="released"))
    assert len(batches) == 3
    for batch, sources, labels in zip(batches, episode.sources, episode.labels, strict=True):
        assert batch.images.shape == (4, 28, 28, 1) and batch.images.dtype == np.float32
        np.testing.assert_array_equal(batch.images[..., 0], 255 - images.reshape(-1, 28, 28)[sources])
        np.testing.assert_array_equal(batch.labels, labels)
        np.testing.assert_array_equal(batch.sources, sources)


@pytest.mark.parametrize(("sizes", "sentence"), [
    ({"ways": 6, "presentations": 2}, "an episode of 6 ways needs as many classes, and there are only 5"),
    ({"ways": 5, "presentations": 4},
     "4 presentations need as many drawings of each class, and there are only 3"),
    ({"ways": 0, "presentations": 2}, "ways and presentations must be at least 1, got 0 and 2"),
])
def test_too_much_asked_of_the_data_is_one_sentence(sizes, sentence):
    with pytest.raises(ValueError, match=sentence):
        in_rounds(some(5, 3), rng=np.random.default_rng(0), **sizes)
    with pytest.raises(ValueError, match=sentence):
        side_by_side(some(5, 3), episodes=2, rng=np.random.default_rng(0), **sizes)


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
        side_by_side(some(5, 3), episodes=0, ways=5, presentations=3, rng=np.random.default_rng(0))
