"""The rules of the paper's own text."""

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.memory import STATE, VALUES, D, full, half_full, life, memory_recipe
from refmem.conformance.making.recipes.shared import loss_recipes, read_recipes, update_recipes

EVERYTHING = ("neighbours", "cosines", "values", "confidence", "loss", "d_queries", *STATE)

WHOLE_LIFE = tuple(f"memory.{rule}" for rule in (
    "read.nearest", "read.answer", "read.confidence", "read.temperature", "read.empty-slots", "read.empty-memory",
    "read.k-at-most-memory", "loss.margin", "loss.batch-mean", "loss.no-positive-nearby", "loss.nothing-to-compare",
    "loss.gradient", "loss.shut-hinge", "query.unit-length", "update.right-value.average-key",
    "update.right-value.keeps-value", "update.wrong-value.evict-oldest", "update.wrong-value.write-query",
    "update.age-reset", "update.age-grows", "update.age-ties-lower-slot", "update.last-row-wins",
    "update.after-answer", "update.claimed-once", "read.ties-lower-slot", "query.zero-stays-zero"))
"""A trajectory compares everything at every step; only noise, sources and lookups have no part in it."""


def recipes() -> list[Recipe]:
    """All cases of the profile PAPER."""
    return [*read_recipes("paper"), *_read(), *loss_recipes("paper"), *_loss(), *update_recipes("paper"),
            *_update(), *_lives()]


def _read() -> list[Recipe]:
    draw = Draw(21)
    half = half_full(draw, -1)
    away = -draw.near(half["keys"][[0, 1, 3]], 0.1)
    state = full(draw)
    return [
        memory_recipe("paper", "read.temperature", ("memory.read.temperature",), "L1", "t is 40", ("confidence",),
                      [{"queries": draw.near(state["keys"][:3], 0.5)}], state=state, k=5),
        memory_recipe("paper", "read.empty-slots", ("memory.read.empty-slots",), "L1",
                      "empty slots are no neighbours, not even of a query that all keys point away from",
                      ("neighbours", "cosines", "values", "confidence"), [{"queries": away}], state=half, k=6),
        memory_recipe("paper", "read.empty-memory", ("memory.read.empty-memory", "memory.read.empty-slots"), "L1",
                      "an empty memory answers with no class (-1) and confidence 0",
                      ("neighbours", "cosines", "values", "confidence"), [{"queries": draw.units(2, D)}], state=None),
        memory_recipe("paper", "read.k-at-most-memory", ("memory.read.k-at-most-memory",), "L1",
                      "k larger than the memory is as many neighbours as there are slots", ("values", "confidence"),
                      [{"queries": draw.units(2, D)}], state=state, k=256),
    ]


def _loss() -> list[Recipe]:
    draw = Draw(22)
    state = full(draw)
    between = draw.near(state["keys"][[0, 2, 5]], 0.8)
    opposite = -draw.near(state["keys"][[0, 1]], 0.4)
    settled = draw.near(state["keys"][[5, 0]], 0.02)
    return [
        memory_recipe("paper", "loss.margin", ("memory.loss.margin",), "L1",
                      "the best wrong cosine less the best right one plus alpha, at least 0", ("loss",),
                      [{"queries": between, "labels": [2, 0, 1]}, {"queries": between, "labels": [0, 2, 3]}],
                      state=state, k=8, update=False),
        memory_recipe("paper", "loss.raw-cosines", ("memory.loss.margin",), "L1",
                      "cosines below 0 count as they are", ("loss",), [{"queries": opposite, "labels": [0, 1]}],
                      state={"keys": state["keys"][[0, 1, 0, 1, 0, 1, 0, 1]] * 1.0, "values": [0, 1] * 2 + [-1] * 4},
                      k=8, flags=("Tie",)),
        memory_recipe("paper", "loss.no-positive-nearby", ("memory.loss.no-positive-nearby",), "L1",
                      "no neighbour has the value: the nearest such slot of the whole memory stands in", ("loss",),
                      [{"queries": draw.near(state["keys"][[2, 5]], 0.1), "labels": [0, 1]}], state=state, k=2),
        memory_recipe("paper", "loss.nothing-to-compare", ("memory.loss.nothing-to-compare",), "L1",
                      "the value is nowhere in the memory, or no neighbour has another: the row loses nothing",
                      ("loss",), [{"queries": draw.near(state["keys"][[2, 1, 5]], 0.3), "labels": [4, 1, 2]}],
                      state=full(draw, keys=state["keys"]), k=1),
        memory_recipe("paper", "loss.gradient", ("memory.loss.gradient", "memory.loss.batch-mean"), "L2",
                      "the query is pushed from the best wrong key and pulled to the right one", ("d_queries",),
                      [{"queries": between * 1.5, "labels": [1, 0, 2], "d_loss": 0.7}], state=state, k=8),
        memory_recipe("paper", "loss.shut-hinge", ("memory.loss.shut-hinge",), "L2",
                      "a row that loses nothing passes no gradient", ("d_queries",),
                      [{"queries": settled * 1.5, "labels": [VALUES[5], VALUES[0]], "d_loss": 1.0}],
                      state=state, k=8),
    ]


def _update() -> list[Recipe]:
    draw = Draw(23)
    state = full(draw)
    wrong = draw.near(state["keys"][[0, 2, 5]], 0.2)
    return [
        memory_recipe("paper", "update.claimed-once", ("memory.update.claimed-once",), "L3",
                      "a slot that an earlier row of the batch took is not evicted by a later one", ("state.values",),
                      [{"queries": [*draw.near(state["keys"][[1]], 0.1), *wrong[:2]], "labels": [VALUES[1], 3, 3]}],
                      state=state, evicting=True),
        memory_recipe("paper", "update.age-grows-row-by-row", ("memory.update.age-grows",), "L3",
                      "each row of a batch is one update", ("state.ages",),
                      [{"queries": wrong, "labels": [3, 3, 4]}], state=state, evicting=True),
    ]


def _lives() -> list[Recipe]:
    return [
        memory_recipe("paper", "life.small-memory", WHOLE_LIFE, "L4",
                      "60 batches from an empty memory of 6 slots, k larger than the memory, zero queries now and then",
                      EVERYTHING, life(Draw(24), 60, 2, 4, zero_at=7), state=None, memory_size=6, k=256,
                      flags=("Tie",)),
        memory_recipe("paper", "life.few-neighbours", WHOLE_LIFE, "L4",
                      "50 batches from an empty memory of 12 slots, with few neighbours and many classes",
                      EVERYTHING, life(Draw(25), 50, 3, 6), state=None, memory_size=12, k=3),
    ]
