"""The vectors of an index: what every search must find, and what none may lose when it is written."""

from typing import Any

import numpy as np

from refmem.conformance.making.recipe import Draw, Recipe

D, M = 4, 12
FILLED = [1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0]  # 8 of 12
BOTH = ("slots", "cosines")
SEARCH = ("sorted", "distinct", "current-keys", "written-only", "full-rows")
"""What every search exercises."""
UPDATED = ("own-key", "anew")
"""What a search after a change exercises besides."""


def recipes() -> list[Recipe]:
    """All cases."""
    draw = Draw(61)
    keys = draw.units(M, D) * np.array(FILLED)[:, None]
    state = {"keys": keys, "filled": FILLED}
    queries = draw.units(3, D)
    axes = np.eye(D)
    twins = axes[[0, 1, 1, 2, 0, 2, 3, 3, 1, 0, 2, 3]]
    new = draw.units(3, D)

    def case(name: str, rules: tuple[str, ...], title: str, check: tuple[str, ...], steps: list[dict[str, Any]], *,
             level: str = "L1", state: dict[str, Any] = state, flags: tuple[str, ...] = (),
             needs: tuple[str, ...] = ()) -> Recipe:
        also: tuple[str, ...] = SEARCH if check != ("refused",) else ()
        also += UPDATED if level > "L1" else ()
        return Recipe("neighbours", name, tuple(f"index.{rule}" for rule in dict.fromkeys([*rules, *also])), level,
                      title, check, steps, None, {"key_dim": D, "memory_size": M}, state, {}, flags, needs)

    def written(t: int, slots: list[int], keys: Any, k: int = M) -> dict[str, Any]:
        return {"slots": slots, "keys": keys, "queries": [*keys[:2], *queries[:2]], "k": k}

    life = [{"slots": [3 * t % M, (5 * t + 1) % M], "keys": (moved := draw.units(2, D)),
             "queries": [*moved, *draw.units(1, D)], "k": M} for t in range(50)]
    return [
        case("sorted", ("sorted",), "the nearest first", BOTH, [{"queries": queries, "k": 8}]),
        case("top", ("sorted",), "no more than k", BOTH, [{"queries": queries, "k": 3}], needs=("exact",)),
        case("ties", ("sorted",), "equal cosines by rising slot", ("slots",), [{"queries": axes, "k": M}],
             state={"keys": twins, "filled": [1] * M}, flags=("Tie",)),
        case("written-only", ("written-only", "full-rows"), "slots that nobody wrote are nobody's neighbours", BOTH,
             [{"queries": -keys[[0, 1, 3]], "k": M}]),
        case("empty", ("full-rows", "written-only"), "an empty memory has no neighbours: -1 with cosine -1", BOTH,
             [{"queries": queries, "k": 5}], state={"keys": np.zeros((M, D)), "filled": [0] * M}),
        case("full-rows", ("full-rows",), "all that are written are returned when so many are asked for", BOTH,
             [{"queries": queries, "k": 10}]),
        case("own-key", ("own-key",), "every key is found by itself", BOTH,
             [{"queries": keys[np.flatnonzero(FILLED)], "k": 1}]),
        case("own-key-after-update", ("own-key", "current-keys"), "a written key is found in its slot at once", BOTH,
             [{"slots": [2, 4, 9], "keys": new, "queries": new, "k": 1},
              {"slots": [4, 0, 6], "keys": -new, "queries": -new, "k": 1}], level="L3"),
        case("distinct-after-update", ("distinct", "current-keys", "anew"),
             "an overwritten slot is in the pool once, with its new key", BOTH,
             [written(0, [4, 5, 8], new), written(1, [4, 0, 8], new[::-1])], level="L3"),
        case("current-keys", ("current-keys", "anew"), "the old key of a slot no longer counts", BOTH,
             [{"slots": [0, 3, 7], "keys": new, "queries": keys[[0, 3, 7]], "k": M}], level="L3"),
        case("last-row-wins", ("last-row-wins", "current-keys"), "of two rows for one slot the last is kept", BOTH,
             [{"slots": [5, 5, 6], "keys": new, "queries": new, "k": M}], level="L3"),
        case("rebuild", ("anew", "current-keys"), "a rebuilt index knows nothing of before", BOTH,
             [{"all_keys": np.roll(keys, 1, axis=0), "filled": np.roll(FILLED, 1).tolist(), "queries": queries,
               "k": M}], level="L3"),
        case("k-too-large", ("k-within-memory",), "more neighbours than slots are refused", ("refused",),
             [{"queries": queries, "k": M + 1}]),
        case("k-zero", ("k-within-memory",), "no neighbours are refused", ("refused",), [{"queries": queries, "k": 0}]),
        case("life", ("anew", "own-key", "last-row-wins", "full-rows"), "50 updates, and after each the answers of an "
             "index made anew", BOTH, life, level="L4"),
    ]
