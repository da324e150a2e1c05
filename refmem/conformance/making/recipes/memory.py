"""What the recipes of both profiles share: contents of a memory, and how a recipe is put together."""

from typing import Any

from refmem.conformance.making.recipe import Draw, Recipe

D = 4
VALUES = [0, 1, 2, 0, 1, 3, 2, 1]
AGES = [3, 7, 1, 5, 0, 2, 6, 4]
"""A full memory of 8 slots whose oldest are 1, 6, 3, 7, 0, 5, 2, 4."""

STATE = ("state.keys", "state.values", "state.ages")

IMPLIED: dict[str, tuple[str, ...]] = {
    "values": ("memory.read.nearest", "memory.read.answer"),
    "confidence": ("memory.read.nearest", "memory.read.confidence"),
    "loss": ("memory.read.nearest", "memory.loss.batch-mean"),
    "d_queries": ("memory.read.nearest", "memory.query.unit-length"),
    "state.keys": ("memory.read.nearest", "memory.update.right-value.average-key"),
    "state.values": ("memory.read.nearest",),
    "state.ages": ("memory.read.nearest", "memory.update.age-reset", "memory.update.age-grows"),
}
"""A case that compares an output exercises these rules, whatever else it is about."""
IMPLIED_BY_PROFILE: dict[str, dict[str, tuple[str, ...]]] = {
    "paper": {
        "confidence": ("memory.read.temperature",),
        "loss": ("memory.loss.margin",),
    },
    "tf2017": {
        "confidence": ("tf2017.read.temperature", "tf2017.read.drop-last-column"),
        "loss": ("tf2017.loss.minus-alpha", "tf2017.loss.masked-zeros"),
        "d_queries": ("tf2017.loss.masked-zeros", "tf2017.read.drop-last-column"),
        "d_query_projection": ("tf2017.query.projection-gradient",),
        "state.keys": ("tf2017.loss.masked-zeros",),
        "state.ages": ("tf2017.update.ages-once-a-batch",),
    },
}
EVICTING = {
    "paper": ("memory.update.wrong-value.evict-oldest", "memory.update.claimed-once"),
    "tf2017": ("memory.update.wrong-value.evict-oldest", "tf2017.update.oldest-by-row"),
}
"""What a case exercises in which several rows are written, some of them to the oldest slots."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "paper": {"alpha": 0.1, "inverse_temperature": 40.0, "correct_in_top": 1, "age_noise": 0.0, "recent_hint": False},
    "tf2017": {"vocab_size": 5, "alpha": 0.1, "inverse_temperature": None, "correct_in_top": 1, "age_noise": 0.0,
               "recent_hint": True},
}


def memory_recipe(profile: str, name: str, rules: tuple[str, ...], level: str, title: str, check: tuple[str, ...],
                  steps: list[dict[str, Any]], *, state: dict[str, Any] | None, memory_size: int = 8, k: int = 4,
                  flags: tuple[str, ...] = (), needs: tuple[str, ...] = (), params: dict[str, Any] | None = None,
                  evicting: bool = False, **config: Any) -> Recipe:
    """A recipe of the group `memory`. A state that is not whole is filled up with what an empty memory has."""
    implied = [rule for output in check
               for table in (IMPLIED, IMPLIED_BY_PROFILE[profile]) for rule in table.get(output, ())]
    implied += EVICTING[profile] if evicting else ()
    whole = {"key_dim": D, "memory_size": memory_size, "k": k} | DEFAULTS[profile] | config
    given: dict[str, Any] = {}
    if profile == "tf2017":
        given = {"query_projection": [[float(i == j) for j in range(D)] for i in range(D)]}
    return Recipe("memory", f"{profile}.{name}", tuple(dict.fromkeys([*rules, *implied])), level, title, check, steps,
                  profile, whole, None if state is None else _whole(state, whole), given | (params or {}),
                  flags, needs)


def _whole(state: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    m = config["memory_size"]
    filled = {"keys": None, "values": None, "ages": [0] * m, "sources": [-1] * m}
    if config["recent_hint"]:
        filled["recent"] = [0] * config["vocab_size"]
    return filled | state


def full(draw: Draw, **changes: Any) -> dict[str, Any]:
    """A full memory of 8 slots."""
    return {"keys": draw.units(8, D), "values": VALUES, "ages": AGES} | changes


def half_full(draw: Draw, empty: int) -> dict[str, Any]:
    """Slots 0, 1, 3 and 6 are filled, the others have the value `empty` and key zero."""
    keys = draw.units(8, D)
    values = [0, 1, empty, 2, empty, empty, 1, empty]
    for slot in (2, 4, 5, 7):
        keys[slot] = 0.0
    return {"keys": keys, "values": values, "ages": AGES}


def life(draw: Draw, steps: int, batch: int, classes: int, *,
         zero_at: int | None = None) -> list[dict[str, Any]]:
    """Random queries about the centres of their classes, of any length, with cotangents."""
    centres = draw.units(classes, D)
    made = []
    for t in range(steps):
        labels = draw.labels(batch, classes)
        queries = centres[labels] * 2.0 + draw.numbers(batch, D, scale=0.2 if t % 3 else 1.2)
        d_loss = 1.0 + 0.5 * draw.numbers(1)[0]
        if zero_at is not None and t % zero_at == zero_at - 1:
            queries[t % batch] = 0.0
            d_loss = 0.0  # the slope at zero is 1e6, and would drown the tolerance of all other steps
        made.append({"queries": queries, "labels": labels, "d_loss": d_loss})
    return made
