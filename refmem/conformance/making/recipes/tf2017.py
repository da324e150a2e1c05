"""The rules that only the released code has."""

from typing import Any

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.memory import STATE, VALUES, D, full, half_full, life, memory_recipe
from refmem.conformance.making.recipes.shared import loss_recipes, read_recipes, update_recipes

EVERYTHING = ("neighbours", "cosines", "values", "confidence", "loss", "d_queries", "d_query_projection", *STATE,
              "state.recent")

WHOLE_LIFE = tuple(f"memory.{rule}" for rule in (
    "read.nearest", "read.answer", "read.confidence", "loss.batch-mean", "query.unit-length",
    "update.right-value.average-key", "update.right-value.keeps-value", "update.wrong-value.evict-oldest",
    "update.wrong-value.write-query", "update.age-reset", "update.age-grows", "update.age-ties-lower-slot",
    "update.last-row-wins", "update.after-answer", "read.ties-lower-slot", "query.zero-stays-zero")) + tuple(
    f"tf2017.{rule}" for rule in (
        "query.projection", "query.projection-gradient", "read.temperature", "read.drop-last-column",
        "read.recent-column", "read.empty-slots-answer", "loss.masked-zeros", "loss.minus-alpha",
        "loss.masked-gradient", "update.correct-in-top", "update.best-match", "update.oldest-by-row",
        "update.ages-once-a-batch", "update.recent-slot"))
"""A trajectory compares everything at every step; only noise, sources and lookups have no part in it."""

RECENT = {"recent": [0, 1, 2, 5, 4]}


def recipes() -> list[Recipe]:
    """All cases of the profile TF2017."""
    return [*read_recipes("tf2017"), *_read(), *loss_recipes("tf2017"), *_loss(), *update_recipes("tf2017"),
            *_update(), *_lives()]


def case(name: str, rules: tuple[str, ...], level: str, title: str, check: tuple[str, ...], step: dict[str, Any],
         **more: Any) -> Recipe:
    """A recipe of one step."""
    return memory_recipe("tf2017", name, rules, level, title, check, [step], **more)


def _read() -> list[Recipe]:
    draw = Draw(31)
    state = full(draw)
    w = draw.numbers(D, D)
    some = draw.near(state["keys"][:3], 0.5)
    wide = full(draw, keys=draw.units(16, D), values=VALUES * 2, ages=[0] * 16)
    return [
        case("query.projection", ("tf2017.query.projection",), "L1", "a trained matrix stands before the query",
             ("values", "confidence"), {"queries": some}, state=state, params={"query_projection": w}),
        case("query.projection-gradient", ("tf2017.query.projection-gradient", "tf2017.query.projection"), "L2",
             "the matrix gets a gradient, and passes one on", ("d_queries", "d_query_projection"),
             {"queries": some, "labels": [1, 2, 0], "d_loss": 1.3}, state=state | RECENT, k=8,
             params={"query_projection": w}),
        case("read.temperature", ("tf2017.read.temperature",), "L1", "t is ln(0.2 k) / alpha", ("confidence",),
             {"queries": draw.near(wide["keys"][:3], 0.5)}, state=wide, memory_size=16, k=12),
        case("read.temperature-floor", ("tf2017.read.temperature",), "L1", "t is at least 1", ("confidence",),
             {"queries": some}, state=state, k=4),
        case("read.drop-last-column", ("tf2017.read.drop-last-column",), "L1",
             "a lookup leaves the k-th neighbour out of softmax and answer", ("confidence",), {"queries": some},
             state=state, k=5),
        case("read.drop-last-column-without-hint", ("tf2017.read.drop-last-column",), "L1",
             "without the recent slot a labelled query loses its k-th neighbour too", ("confidence",),
             {"queries": some, "labels": [0, 1, 2]}, state=state, k=5, recent_hint=False),
        case("read.recent-column", ("tf2017.read.recent-column",), "L1",
             "the recent slot of the label is one more candidate of the loss, and none of the answer",
             ("neighbours", "confidence", "loss"),
             {"queries": draw.near(state["keys"][[2, 5, 3]], 0.1), "labels": [1, 4, 2]},
             state=state | {"recent": [0, 4, 6, 5, 7]}, k=2),
        case("read.empty-slots-answer", ("tf2017.read.empty-slots-answer",), "L1",
             "empty slots are neighbours with cosine 0 and value 0", ("values", "confidence"),
             {"queries": -draw.near(half_full(Draw(32), 0)["keys"][[1, 3, 6]], 0.1)},
             state=half_full(Draw(32), 0), k=6, flags=("Tie",)),
        case("read.empty-memory", ("tf2017.read.empty-slots-answer",), "L3",
             "label 0 counts as right in an empty memory: slot 0 is averaged, none is evicted",
             ("values", "confidence", "state.keys", "state.values", "state.ages"),
             {"queries": some[:2], "labels": [0, 2]}, state=None, flags=("Tie",), evicting=True),
    ]


def _loss() -> list[Recipe]:
    draw = Draw(33)
    state = full(draw) | RECENT
    away = -draw.near([state["keys"][0] * 1.0] * 2, 0.2)
    one_side = {"keys": draw.near([state["keys"][0]] * 8, 0.3), "values": VALUES, "ages": [1] * 8} | RECENT
    some = draw.near(state["keys"][[0, 2, 5]], 0.8)
    return [
        case("loss.minus-alpha", ("tf2017.loss.minus-alpha",), "L1",
             "alpha is taken off again: the least loss is -alpha", ("loss",),
             {"queries": draw.near(state["keys"][[0, 2, 5]], 0.05), "labels": [0, 2, 3]}, state=state, k=8),
        case("loss.masked-zeros", ("tf2017.loss.masked-zeros",), "L1",
             "cosines below 0 lose to the zeros of the other kind", ("loss",), {"queries": away, "labels": [0, 3]},
             state=one_side, k=8),
        case("loss.no-positive", ("tf2017.loss.masked-zeros",), "L1",
             "no positive, or no negative, counts as cosine 0",
             ("loss",), {"queries": some, "labels": [4, 4, 3]}, state=state, k=2),
        case("loss.gradient", ("memory.loss.gradient", "memory.loss.batch-mean", "tf2017.loss.masked-gradient"), "L2",
             "the query is pushed from the best wrong key and pulled to the right one",
             ("d_queries",), {"queries": some * 1.5, "labels": [1, 0, 2], "d_loss": 0.7}, state=state, k=8),
        case("loss.masked-gradient", ("tf2017.loss.masked-gradient",), "L2", "a masked zero passes no gradient",
             ("d_queries",),
             {"queries": [*some[:2] * 1.5, *away[:1]], "labels": [4, 4, 1], "d_loss": 1.0}, state=state, k=3),
        case("loss.shut-hinge", ("memory.loss.shut-hinge",), "L2", "a row that loses nothing passes no gradient",
             ("d_queries",),
             {"queries": draw.near(state["keys"][[5, 0]], 0.02) * 1.5, "labels": [3, 0], "d_loss": 1.0},
             state=state, k=8),
    ]


def _update() -> list[Recipe]:
    draw = Draw(34)
    state = full(draw) | RECENT
    away = -draw.near([state["keys"][0] * 1.0], 0.2)
    one_side = {"keys": draw.near([state["keys"][0]] * 8, 0.3), "values": VALUES, "ages": AGES_SHUFFLED} | RECENT
    mixed = draw.near(state["keys"][[1, 0, 2]], 0.15)
    second = draw.near(state["keys"][[0, 2, 3]], 0.9)
    return [
        case("update.correct-in-top", ("tf2017.update.correct-in-top",), "L3",
             "one of the first correct_in_top columns with the value is enough", ("state.values", "state.ages"),
             {"queries": second, "labels": [1, 1, 3]}, state=state, k=6, correct_in_top=3, evicting=True),
        case("update.best-match", ("tf2017.update.best-match",), "L3",
             "the best match is averaged; below cosine 0 that is a slot of another value, which it keeps",
             ("state.keys", "state.values"), {"queries": away, "labels": [VALUES[NEAREST_AWAY]]},
             state=one_side, k=8),
        case("update.oldest-by-row", ("tf2017.update.oldest-by-row",), "L3",
             "row r takes the r-th oldest slot, whether the rows before it needed theirs or not", ("state.values",),
             {"queries": mixed, "labels": [VALUES[1], 3, 4]}, state=state,
             evicting=True),
        case("update.ages-once-a-batch", ("tf2017.update.ages-once-a-batch",), "L3", "a batch is one update",
             ("state.ages",), {"queries": mixed, "labels": [VALUES[1], 3, 4]}, state=state, evicting=True),
        case("update.recent-slot", ("tf2017.update.recent-slot",), "L3",
             "each label remembers the slot written for it last", ("state.recent",),
             {"queries": [*mixed, *draw.near(state["keys"][[3]], 0.1)], "labels": [VALUES[1], 3, 3, VALUES[3]]},
             state=state | {"recent": [7, 7, 7, 7, 7]}, evicting=True),
    ]


AGES_SHUFFLED = [2, 6, 0, 4, 7, 1, 5, 3]
NEAREST_AWAY = 3


def _lives() -> list[Recipe]:
    w = Draw(35).numbers(D, D)
    return [
        memory_recipe("tf2017", "life.small-memory", WHOLE_LIFE, "L4",
                      "60 batches from an empty memory of 6 slots, k larger than the memory, zero queries now and then",
                      EVERYTHING, life(Draw(36), 60, 2, 4, zero_at=7), state=None, memory_size=6, k=256,
                      flags=("Tie",),
                      params={"query_projection": w}),
        memory_recipe("tf2017", "life.few-neighbours", WHOLE_LIFE, "L4",
                      "50 batches from an empty memory of 12 slots, with few neighbours, three of which may be right",
                      EVERYTHING, life(Draw(37), 50, 3, 14), state=None, memory_size=12, k=9, correct_in_top=3,
                      flags=("Tie",), vocab_size=14),
    ]
