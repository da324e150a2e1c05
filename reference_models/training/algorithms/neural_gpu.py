"""Training a Neural GPU on an algorithm: length by length, with what the paper adds to plain gradient descent.

Each piece stands in a file of its own and can be switched off in the recipe: the curriculum (`curriculum`), noise on
the gradients (`gradient_noise`), dropout on the mental image (`refmem.ops.cgru_steps`), parameter sharing relaxation
(`relaxation`), and Adam with an epsilon of 1e-5 (`training.adam`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from refmem.arrays import Array, ArrayModule, module_of
from refmem.storage import FileRefused

from reference_models import neural_gpu
from reference_models.neural_gpu import CELLS, Size
from reference_models.neural_gpu.evaluation import fastest, measure
from reference_models.parallel import data_parallel
from reference_models.tasks.algorithms import TASKS, carry_chains, long_carries
from reference_models.training import adam, checkpoint
from reference_models.training.adam import Adam
from reference_models.training.algorithms import gradient_noise, relaxation
from reference_models.training.algorithms.curriculum import Curriculum
from reference_models.training.clipping import Usual, clip_by_global_norm
from reference_models.training.schedule import Counters, linear_decay

TASK = "algorithms"


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run. The paper searches 729 of them; these were found to converge in minutes."""

    task: str = "badd"
    size: Size = field(default_factory=Size)
    longest: int = 41
    batch: int = 32
    full_until: int = 41  # symbols; of longer sequences a batch holds fewer, so that all of theirs are as many
    adam: Adam = field(default_factory=lambda: Adam(rate=3e-3, epsilon=1e-5))
    decay_from: float = 0.3  # of the budget; from here on the rate falls in a straight line
    final_rate: float = 0.02  # to this share
    clip: float = 1.0  # bound of the global norm of the gradients
    spikes: float = 2.0  # bound too: this many times their usual norm (`clipping.Usual`); 0: none, as in the paper
    curriculum: str = "recipe"  # rule of `curriculum`
    dropout: float = 0.0  # on the mental image, at every step
    dropout_rule: str = "paper"
    noise: float = 0.0  # scale of `gradient_noise`
    noise_rule: str = "paper"
    sets: int = 1  # of weights; 6 in the paper
    pull: float = 5e-4  # of `relaxation`
    pull_growth: float = 1.2  # whenever the curriculum advances
    chains: float = 0.0  # share of `carry_chains` in the batches of badd, and of `long_carries`; the paper has none
    shards: int = 2

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}, got {self.task!r}")
        for name in ("batch", "sets", "shards"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name, limit in (("dropout", 1), ("chains", 0.5)):
            if not 0 <= getattr(self, name) < limit:
                raise ValueError(f"{name} must lie in [0, {limit}), got {getattr(self, name)}")
        if self.chains and self.task != "badd":
            raise ValueError(f"chains are carries of badd, and {self.task} has none")
        if self.noise < 0:
            raise ValueError(f"noise must be at least 0, got {self.noise}")
        if self.spikes and self.spikes <= 1:
            raise ValueError(f"spikes must be more than 1 times the usual norm, or 0 for no bound, got {self.spikes}")
        keep_of(self.dropout, self.longest, self.dropout_rule)
        TASKS[self.task].lengths(self.longest)

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Recipe":
        """The way back."""
        return Recipe(**facts | {"adam": Adam(**facts["adam"]), "size": Size(**facts["size"])})

    def batch_of(self, length: int) -> int:
        """How many sequences of this length make a batch."""
        return max(1, min(self.batch, self.batch * self.full_until // length))

    def factor(self, spent: float) -> float:
        """On the rate, when this fraction of the budget is spent."""
        if spent <= self.decay_from:
            return 1.0
        return linear_decay((spent - self.decay_from) / (1 - self.decay_from), self.final_rate)


def keep_of(rate: float, length: int, rule: str = "paper") -> float:
    """What dropout of this rate keeps at a step, for an image of this length.

    The paper drops 6, 9 or 13.5 % at every step. The released codes drop less of longer images, which take more steps:
    8 p / n in that of the Neural GPU ("released"), 3 p / sqrt(n) in that of the extended one ("extended"). Of very
    short ones that would be nearly all; half is kept at least.
    """
    rules = {"paper": rate, "released": 8 * rate / length, "extended": 3 * rate / length ** 0.5}
    if rule not in rules:
        raise ValueError(f"dropout_rule must be one of {', '.join(rules)}, got {rule!r}")
    return float(1 - min(rules[rule], 0.5))


class AlgorithmTraining:
    """A run: the network, the optimiser, the curriculum, the random generator, and how far they have come.

    With `cupy` for `xp` the network and its optimiser are on the GPU, where a batch is worked on in one piece.
    """

    def __init__(self, recipe: Recipe, *, seed: int, xp: ArrayModule = np) -> None:
        self.recipe, self.seed, self.task, self.xp = recipe, seed, TASKS[recipe.task], xp
        self.params = self._moved(neural_gpu.initial_params(recipe.size, len(self.task.alphabet),
                                                            np.random.default_rng(seed), sets=recipe.sets))
        self.adam = adam.start(self.params)
        self.rng = np.random.default_rng([seed, 1])
        self.curriculum = Curriculum(self.task.lengths(recipe.longest), recipe.curriculum)
        self.pull = recipe.pull
        self.usual = Usual()
        self.counters = Counters()
        self.curve: list[dict[str, float]] = []

    @property
    def trained(self) -> dict[str, Array]:
        """The weights of the network as it is in the end: one set, the mean of all."""
        return relaxation.averaged(self.params, CELLS)

    def advance(self, spent: float) -> Mapping[str, float]:
        """One update.

        Returns
        -------
        dict
            `loss`, `error` (share of sequences with a mistake), `length` of this batch, `reached`, the longest length
            open; `accuracy`, the share of right ones at the longest of all without dropout, 0 until it is open;
            `images`, how many sequences there were.
        """
        recipe, curriculum = self.recipe, self.curriculum
        length = curriculum.draw(self.rng)
        batch = recipe.batch_of(length)
        inputs, targets = self._examples(length, batch)
        keep = keep_of(recipe.dropout, length, recipe.dropout_rule)
        mean_loss, wrong, gradients = loss_and_gradients(self.params, inputs, targets, recipe.size, keep=keep,
                                                         rng=self.rng, shards=recipe.shards)
        if recipe.sets > 1:
            _, drawn = relaxation.cost(self.params, CELLS, self.pull)
            gradients |= {name: gradients[name] + pulled for name, pulled in drawn.items()}
        gradients, _ = clip_by_global_norm(gradients, recipe.clip)
        if recipe.spikes:
            gradients, _ = self.usual.clip(gradients, recipe.spikes)
        error = wrong / batch
        whole = error if keep == 1 or length != curriculum.present else self._error_without_dropout(inputs, targets)
        if recipe.noise:
            std = gradient_noise.deviation(recipe.noise, self.adam.step + 1, error, recipe.noise_rule)
            gradients = gradient_noise.add(gradients, std, self.rng, recipe.noise_rule)
        adam.update(self.params, gradients, self.adam, recipe.adam, factor=recipe.factor(spent))

        if curriculum.record(length, whole):
            self.pull *= recipe.pull_growth
            if curriculum.complete and recipe.sets > 1:
                self._merge()
        return {"loss": mean_loss, "error": error, "length": length, "reached": curriculum.present,
                "accuracy": 1 - curriculum.error if curriculum.complete else 0.0, "images": batch}

    def _examples(self, length: int, batch: int) -> tuple[Array, Array]:
        """Random sequences, and among them sums whose carries travel.

        With these from the start most runs were thrown out on the way; one that had mastered random sums took them up.
        `carry_chains` alone left stretches of ten digits unlearnt; `long_carries` alone are passed by those who fail at
        the longest, and the curriculum goes on. All three in each batch, so that no step is taken for one kind alone.
        """
        chains = self.recipe.chains
        counts = self.rng.multinomial(batch, [chains, chains, 1 - 2 * chains])
        makers = ((carry_chains, length // 2), (long_carries, length // 2), (self.task.batch, length))
        parts = [make(size, count, self.rng) for (make, size), count in zip(makers, counts, strict=True) if count]
        inputs, targets = zip(*parts, strict=True)
        return np.concatenate(inputs), np.concatenate(targets)

    def _error_without_dropout(self, inputs: Array, targets: Array) -> float:
        """What the curriculum looks at: the network as it will be used.

        In one run two thirds of the sums of 31 symbols were wrong with dropout and none of 200 without, and it stayed
        at that length for 760 updates.
        """
        return 1 - measure(self.params, inputs, targets, self.recipe.size, shards=self.recipe.shards).share

    def _merge(self) -> None:
        """From here on there is one set of weights, and one of their means in Adam."""
        self.params = relaxation.averaged(self.params, CELLS)
        self.adam = adam.AdamState(self.adam.step, relaxation.averaged(self.adam.first, CELLS),
                                   relaxation.averaged(self.adam.second, CELLS))
        self.recipe = replace(self.recipe, sets=1)

    def snapshot(self, settings: dict[str, Any]) -> checkpoint.Checkpoint:
        """The run as it stands."""
        return checkpoint.of(self, TASK, self.params, settings,
                             notes={"curriculum": self.curriculum.state(), "pull": self.pull, "usual": self.usual.norm})

    def resume(self, saved: checkpoint.Checkpoint) -> None:
        """Go on from `saved`, which a run of the same recipe made, or one that differs in `longest` and had less.

        Raises
        ------
        FileRefused
            If its weights are not those of this network, or it does not say where its curriculum stands.
        """
        try:
            self.curriculum.restore(saved.notes["curriculum"])
            self.pull = float(saved.notes["pull"])
            self.usual.norm = float(saved.notes["usual"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileRefused(f"the checkpoint lacks a part of a curriculum ({error})") from error
        checkpoint.put_params(self.params, self._moved(saved.params))
        checkpoint.go_on(self, saved)
        self.adam = adam.AdamState(saved.adam.step, self._moved(saved.adam.first), self._moved(saved.adam.second))

    def _moved(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Onto the device; the same arrays where they are there."""
        return {name: self.xp.asarray(array) for name, array in arrays.items()}


def loss_and_gradients(params: dict[str, Array], inputs: Array, targets: Array, size: Size, *, keep: float = 1.0,
                       rng: np.random.Generator | None = None, shards: int = 2,
                       conv: str | None = None) -> tuple[float, int, dict[str, Array]]:
    """Mean loss of a batch, how many of its sequences have a mistake, and the gradients; in shards, side by side.

    `inputs` and `targets` are on the host. Where the weights are on a GPU, there is one shard.
    """
    xp, conv = module_of(params["embedding"]), conv or fastest(params)
    parts = data_parallel.split(len(inputs), shards if xp is np else 1)
    seeds = rng.integers(2**63, size=len(parts)) if rng is not None and keep < 1 else [0] * len(parts)

    def of_shard(shard: tuple[slice, int]) -> tuple[float, int, dict[str, Array]]:
        rows, seed = shard
        asked, wanted = xp.asarray(inputs[rows]), xp.asarray(targets[rows])
        logits, cache = neural_gpu.forward(params, asked, size, keep=keep, conv=conv,
                                           rng=np.random.default_rng(seed) if keep < 1 else None)
        cost, d_logits = neural_gpu.loss(logits, wanted, 1 / inputs.size)
        wrong = (logits.argmax(axis=2) != wanted).any(axis=1).sum()
        return float(cost), int(wrong), neural_gpu.backward(d_logits, cache)

    done = data_parallel.run(of_shard, list(zip(parts, seeds, strict=True)))
    costs, wrongs, gradients = zip(*done, strict=True)
    return sum(costs), sum(wrongs), data_parallel.add(gradients)
