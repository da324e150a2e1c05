"""Training the classifier to learn from one drawing, in episode batches on characters that the evaluation lacks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from refmem.memory.profiles import PROFILES

from reference_models.classifier import Classifier
from reference_models.tasks.one_shot import augment, episodes
from reference_models.tasks.one_shot.characters import Characters
from reference_models.training import adam, checkpoint
from reference_models.training.clipping import clip_by_global_norm
from reference_models.training.one_shot.recipes import Recipe
from reference_models.training.schedule import Counters, linear_decay

TASK = "omniglot"
RECENT = 5  # episode batches


class OneShotTraining:
    """A run: the network with its memory, the optimiser, the random generator, and how far they have come.

    Parameters
    ----------
    recipe : Recipe
    characters : Characters
        What is learnt from.
    seed : int
        Of the first weights and of all that is drawn later.
    """

    def __init__(self, recipe: Recipe, characters: Characters, *, seed: int) -> None:
        most = max(recipe.labels, recipe.more_labels)
        if characters.classes < most and not recipe.side_by_side:
            raise ValueError(f"an episode batch of the recipe {recipe.name!r} needs {most} different classes, "
                             f"and there are only {characters.classes} to learn from")
        self.recipe, self.characters, self.seed = recipe, characters, seed
        self.classifier = build(recipe, seed=seed)
        self.adam = adam.start(self.classifier.params)
        self.rng = np.random.default_rng([seed, 1])
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []

    def advance(self, spent: float) -> Mapping[str, float]:
        """Train on one episode batch, from an empty memory.

        Returns
        -------
        dict
            `loss`, the mean over the calls that were learnt from; `accuracy`, in the second presentation round;
            `images`, how many were shown.
        """
        recipe, memory = self.recipe, self.classifier.memory
        factor = linear_decay(spent, recipe.final_rate)
        losses = []
        right, shown = (np.zeros(recipe.presentations) for _ in range(2))  # by presentation round

        memory.clear()
        plan = self._plan(recipe.labels_at(spent, self._accuracy()))
        for batch, rounds in zip(plan.batches(self.characters, scale=recipe.scale), plan.rounds, strict=True):
            images = augment.random_affine(batch.images, self.rng) if recipe.affine else batch.images
            output, cache = self.classifier.forward(images, batch.labels, update=True, training=True, rng=self.rng,
                                                    sources=batch.sources)
            np.add.at(right, rounds, output.values == batch.labels)
            np.add.at(shown, rounds, 1)
            if recipe.learn_first_round or rounds.min() > 0:
                self._step(self.classifier.backward(cache), factor)
                losses.append(float(output.loss))  # type: ignore[arg-type]  # there were labels
        return {"loss": float(np.mean(losses)), "accuracy": float(right[1] / shown[1]), "images": int(shown.sum())}

    def _accuracy(self) -> float:
        """Of the last few episode batches, in the second presentation round."""
        return float(np.mean([point["accuracy"] for point in self.curve[-RECENT:]] or [0.0]))

    def _plan(self, labels: int) -> episodes.Episode:
        recipe = self.recipe
        if recipe.side_by_side:
            return episodes.side_by_side(self.characters, episodes=recipe.side_by_side,
                                         ways=labels // recipe.side_by_side, presentations=recipe.presentations,
                                         rng=self.rng)
        return episodes.in_rounds(self.characters, ways=labels, presentations=recipe.presentations, rng=self.rng)

    def _step(self, gradients: dict[str, Any], factor: float) -> None:
        if self.recipe.clip is not None:
            gradients, _ = clip_by_global_norm(gradients, self.recipe.clip)
        adam.update(self.classifier.params, gradients, self.adam, self.recipe.adam, factor=factor)

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands. The memory is not part of it: every episode batch starts with an empty one."""
        return checkpoint.of(self, TASK, self.classifier.params, settings)

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made.

        Raises
        ------
        FileRefused
            If its weights are not those of this network.
        """
        checkpoint.put_params(self.classifier.params, saved.params)
        checkpoint.go_on(self, saved)


def build(recipe: Recipe, *, seed: int) -> Classifier:
    """The network of a recipe with its memory, untrained."""
    return Classifier(recipe.size, memory_size=recipe.memory_size, profile=PROFILES[recipe.profile],
                      vocab_size=max(recipe.labels, recipe.more_labels), dtype=np.float32, seed=seed)
