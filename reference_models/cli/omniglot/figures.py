"""One episode as it happened: the drawings shown, what the memory answered, and from which stored drawing."""

from pathlib import Path

import numpy as np

from reference_models.classifier import Classifier
from reference_models.classifier import evaluation
from reference_models.cli import pictures
from reference_models.tasks.one_shot.characters import Array, Characters

WAYS, ROUNDS = 5, 4


def draw_episode(path: Path, classifier: Classifier, queries: Array, unseen: Characters, *, seed: int) -> None:
    """Run one 5-way episode of four presentations from an empty memory, and draw it."""
    ways, rounds = min(WAYS, unseen.classes), min(ROUNDS, unseen.drawers)
    plan, = evaluation.plans(unseen, ways=ways, shots=rounds - 1, count=1, rng=np.random.default_rng([seed, 4]))
    memory = evaluation.fresh_memory(classifier, ways * rounds)
    answers: list[list[pictures.Answer]] = [[] for _ in range(rounds)]
    for where in np.ndindex(plan.labels.shape):
        source, label = plan.sources[where], plan.labels[where]
        before = memory.state.sources.copy()  # the write may replace what the answer rests on
        output, _ = memory.forward(queries[source][None], label[None], sources=source[None])
        slot = int(output.neighbours[0, 0])
        stored = int(before[slot]) if slot >= 0 else -1
        answers[where[0]].append(pictures.Answer(
            _ink(unseen, source), int(label), int(output.values[0]), _ink(unseen, stored) if stored >= 0 else None,
            float(output.cosines[0, 0])))
    pictures.episode(path, answers, title=f"{ways} characters that the network never saw: each drawing, and the stored "
                                          "one that its answer rests on (cosine)")


def _ink(characters: Characters, source: int | Array) -> Array:
    """[28, 28] uint8."""
    ink: Array = characters.images[characters.drawings(np.asarray(source))]
    return ink
