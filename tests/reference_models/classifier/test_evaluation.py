"""Evaluation: a perfect embedding is always right, a hopeless one guesses, and the interval is what it says it is."""

import numpy as np
import pytest

from refmem.memory import Memory
from refmem.memory.profiles import PAPER, TF2017
from reference_models.classifier import Classifier
from reference_models.classifier import evaluation
from reference_models.classifier.embedding import Size
from reference_models.tasks.one_shot.characters import Characters

CLASSES, DRAWERS, D = 12, 8, 16


@pytest.fixture
def characters():
    images = np.random.default_rng(0).integers(0, 256, (CLASSES, DRAWERS, 28, 28)).astype(np.uint8)
    return Characters(images, ("Noise",) * CLASSES, tuple(f"c{i}" for i in range(CLASSES)))


def plans(characters, ways=5, shots=3, count=200, seed=0):
    return evaluation.plans(characters, ways=ways, shots=shots, count=count, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("profile", [PAPER, TF2017], ids=lambda profile: profile.name)
def test_a_perfect_embedding_is_always_right_from_one_shot_on(characters, profile):
    queries = np.repeat(np.eye(CLASSES, D), DRAWERS, axis=0)  # a direction of its own for each class
    if profile is TF2017:
        profile = evaluation.dataclasses.replace(profile, recent_hint=False, query_projection=False)
    memory = Memory(D, 64, profile=profile)
    seen = evaluation.few_shot(memory, queries, plans(characters, count=20))
    assert (seen.ways, seen.episodes, seen.shots.tolist()) == (5, 20, [1, 2, 3])
    np.testing.assert_array_equal(seen.accuracy, np.ones(3))
    np.testing.assert_array_equal(seen.half_width, np.zeros(3))


def test_a_hopeless_embedding_guesses_among_the_stored_drawings(characters):
    """The r-th drawing of the second round meets 4 keys, one of its class, and one more for each error before it."""
    queries = np.random.default_rng(1).normal(size=(CLASSES * DRAWERS, 32))
    seen = evaluation.few_shot(Memory(32, 64), queries, plans(characters, ways=4, shots=1, count=800))
    errors, expected = np.array([1.0, 0, 0, 0, 0]), 0.0  # how probable so many errors are; the sum of the chances
    for _ in range(4):
        right = errors / (4 + np.arange(5))
        expected += right.sum() / 4
        errors = right + np.concatenate([[0], (errors - right)[:-1]])
    assert expected == pytest.approx(0.2, abs=0.01)
    assert seen.accuracy[0] == pytest.approx(expected, abs=0.03)


def test_an_embedding_that_sees_all_alike_answers_with_one_class(characters):
    """All cosines are equal, so that the lowest slot answers: right for one class in four in the first round asked."""
    seen = evaluation.few_shot(Memory(D, 64), np.ones((CLASSES * DRAWERS, D)), plans(characters, ways=4, count=10))
    np.testing.assert_allclose(seen.accuracy, 1 / 4)


def test_the_first_presentation_of_a_class_is_never_recognised_and_episodes_forget(characters):
    queries = np.repeat(np.eye(CLASSES, D), DRAWERS, axis=0)
    memory = Memory(D, 64)
    for plan in plans(characters, count=3):
        right = evaluation.answers(memory, queries, plan)
        assert not right[0].any() and right[1:].all()
        assert (memory.state.values >= 0).sum() == 5


@pytest.mark.parametrize("protocol, right", [("online", [0.2, 0.2, 0.2]), ("rounds", [1.0, 1.0, 1.0])])
def test_online_a_drawing_meets_what_was_written_in_its_own_round(characters, protocol, right):
    """Every round has a direction of its own. Half a step before it, the five classes of the round before lie apart."""
    plan = plans(characters, count=1)[0]  # [4 rounds, 5 ways]
    queries = np.zeros((CLASSES * DRAWERS, 20))
    for r, (sources, labels) in enumerate(zip(plan.sources, plan.labels, strict=True)):
        queries[sources, labels] = 1.0  # what tells the classes apart,
        queries[sources, 5 + r] = 3.0  # and less so than what the drawings of a round have in common
    found = evaluation.answers(Memory(20, 64), queries, plan, protocol=protocol)
    assert not found[0].any()
    np.testing.assert_allclose(found[1:].mean(axis=1), right)


def test_another_protocol_is_refused(characters):
    with pytest.raises(ValueError, match="protocol"):
        evaluation.answers(Memory(D, 64), np.ones((CLASSES * DRAWERS, D)), plans(characters, count=1)[0],
                           protocol="offline")


def test_the_interval_covers_the_truth_about_95_times_in_100():
    """Episodes whose K-shot accuracy is a known coin: 200 measurements of 60 episodes each."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        right = rng.binomial(5, 0.8, size=60) / 5  # accuracy of each episode
        accuracy, half_width = evaluation.mean_and_half_width(right[:, None])
        covered += abs(accuracy[0] - 0.8) <= half_width[0]
    assert 180 <= covered <= 199


def test_one_episode_has_no_interval(characters):
    seen = evaluation.few_shot(Memory(D, 64), np.ones((CLASSES * DRAWERS, D)), plans(characters, count=1))
    assert np.isnan(seen.half_width).all()


def test_embeddings_are_those_of_the_network_and_only_those_asked_for(characters):
    size = Size((2, 2, 2, 2), (D,), 0.5, "fan_in")
    classifier = Classifier(size, memory_size=8)
    every = evaluation.embed(classifier, characters, scale="ink")
    np.testing.assert_allclose(every[5], classifier.embed(characters.batch(np.array([5]), scale="ink"))[0], atol=1e-5)
    some = evaluation.embed(classifier, characters, scale="ink", sources=np.array([7, 3, 7]))
    np.testing.assert_allclose(some[[3, 7]], every[[3, 7]], atol=1e-5)
    assert np.isnan(np.delete(some, [3, 7], axis=0)).all()
    with pytest.raises(ValueError, match="finite"):
        Memory(D, 4, dtype=np.float32).forward(some[:1])


def test_a_fresh_memory_reads_as_the_classifier_does_without_the_hint():
    size = Size((2, 2, 2, 2), (D,), 0.5, "fan_in")
    classifier = Classifier(size, memory_size=32, profile=TF2017, vocab_size=10)
    memory = evaluation.fresh_memory(classifier, 8)
    assert memory.memory_size == 32 and memory.state.recent is None
    np.testing.assert_array_equal(memory.params["query_projection"], classifier.params["query_projection"])
    assert memory.params["query_projection"] is not classifier.params["query_projection"]
    assert evaluation.fresh_memory(Classifier(size, memory_size=32), 8).memory_size == 8
