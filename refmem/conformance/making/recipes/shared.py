"""The rules that the paper and the released code have in common, as recipes for either profile."""

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.memory import STATE, VALUES, D, full, memory_recipe


TEMPERATURE = {"paper": "memory.read.temperature", "tf2017": "tf2017.read.temperature"}


def read_recipes(profile: str) -> list[Recipe]:
    """Query and answer. Lookups without labels."""
    draw = Draw(11)
    far = {"queries": draw.units(4, D) * [[3.0], [0.02], [1.7], [40.0]]}
    state = full(draw)
    axes = [[float(i == j) for j in range(D)] for i in range(D)]
    twins = {"keys": [axes[0], axes[1], axes[1], axes[2], axes[0], axes[2], axes[3], axes[3]],
             "values": [0, 1, 2, 3, 1, 2, 3, 0]}
    return [
        memory_recipe(profile, "query.unit-length", ("memory.query.unit-length",), "L1",
                      "queries of any length are read as directions", ("values", "confidence"), [far], state=state),
        memory_recipe(profile, "query.zero", ("memory.query.zero-stays-zero", "memory.read.ties-lower-slot"), "L1",
                      "a zero query has cosine 0 with every key, and the lowest slots are its neighbours",
                      ("neighbours", "cosines", "values", "confidence"),
                      [{"queries": [[0.0] * D, [1e-9, 0.0, 0.0, -1e-9]]}], state=full(draw), flags=("Tie",)),
        memory_recipe(profile, "read.nearest", ("memory.read.nearest",), "L1",
                      "neighbours come by falling cosine, from the first slot to the last",
                      ("neighbours", "cosines", "confidence"), [{"queries": state["keys"]}], state=state),
        memory_recipe(profile, "read.answer", ("memory.read.answer",), "L1", "the answer is the value of the nearest",
                      ("values",), [{"queries": draw.near(state["keys"], 0.3)}], state=state),
        memory_recipe(profile, "read.ties", ("memory.read.ties-lower-slot",), "L1",
                      "of equal cosines the lower slot comes first", ("neighbours", "values"), [{"queries": axes}],
                      state=twins, flags=("Tie",)),
        memory_recipe(profile, "read.confidence", ("memory.read.confidence",), "L1",
                      "confidence is the softmax of the cosines", ("cosines", "confidence"),
                      [{"queries": draw.near(state["keys"][:4], 0.9)}], state=state, k=6),
        memory_recipe(profile, "read.confidence-gradient",
                      ("memory.read.confidence-gradient", "memory.read.confidence", TEMPERATURE[profile]), "L2",
                      "the confidence carries gradients into the query", ("d_queries",),
                      [{"queries": draw.near(state["keys"][:3], 0.9) * 1.5,
                        "d_confidence": draw.numbers(3, 6 if profile == "paper" else 5)}], state=state, k=6),
    ]


def loss_recipes(profile: str) -> list[Recipe]:
    """What both losses share: the mean of a batch."""
    draw = Draw(12)
    state = full(draw) | ({"recent": [0, 1, 2, 5, 0]} if profile == "tf2017" else {})
    queries = draw.near(state["keys"][[1, 2, 3, 4, 6]], 0.9)
    return [
        memory_recipe(profile, "loss.batch-mean", ("memory.loss.batch-mean",), "L1",
                      "the loss of a batch is the mean of its rows, whether they lose or not", ("loss",),
                      [{"queries": queries, "labels": [1, 0, 3, 1, 1]}], state=state, k=8),
    ]


def update_recipes(profile: str) -> list[Recipe]:
    """Queries of unit length, so that a key is written as it comes."""
    draw = Draw(13)
    state = full(draw) | ({"recent": [0, 1, 2, 5, 0]} if profile == "tf2017" else {})
    right = draw.near(state["keys"][[1, 4, 5]], 0.25)
    right_labels = [VALUES[1], VALUES[4], VALUES[5]]
    wrong = draw.near(state["keys"][[0, 2]], 0.25)
    wrong_labels = [3, 3]
    learn_right = {"queries": right, "labels": right_labels}
    learn_wrong = {"queries": wrong, "labels": wrong_labels}

    def case(name: str, rules: tuple[str, ...], title: str, check: tuple[str, ...], step: dict[str, object],
             **more: object) -> Recipe:
        return memory_recipe(profile, f"update.{name}", tuple(f"memory.update.{rule}" for rule in rules), "L3", title,
                             check, [step], **{"state": state, **more})  # type: ignore[arg-type]

    tied = full(draw, ages=[2, 5, 5, 1, 5, 5, 0, 3])
    two = draw.near(state["keys"][[0, 0]], 0.2)
    noise = [0.4, -6.0, 0.2, 7.5, -0.1, -7.0, 3.0, -2.5]
    return [
        case("right-value.average-key", ("right-value.average-key",),
             "a right answer moves its key to the direction of q + K", ("state.keys",), learn_right),
        case("right-value.keeps-value", ("right-value.keeps-value",), "a right answer changes no value and one slot",
             ("state.values",), learn_right),
        case("wrong-value.evict-oldest", ("wrong-value.evict-oldest",), "a wrong answer overwrites the oldest slot",
             ("state.values",), {"queries": wrong[:1], "labels": [4]}),
        case("wrong-value.write-query", ("wrong-value.write-query", "wrong-value.evict-oldest"),
             "the slot takes q as its key and v as its value", ("state.keys", "state.values"), learn_wrong,
             evicting=True),
        case("age-reset", ("age-reset",),
             "a slot that is written is young again, averaged or overwritten", ("state.ages",),
             {"queries": [*right[:1], *wrong[:1]], "labels": [VALUES[1], 3]}, evicting=True),
        case("age-grows", ("age-grows",), "every other slot ages", ("state.ages",), learn_right),
        case("age-ties", ("age-ties-lower-slot", "wrong-value.write-query"),
             "of equally old slots the lower goes first", ("state.values",), {"queries": wrong, "labels": [3, 4]},
             state=tied, flags=("Tie",), evicting=True),
        case("age-noise", ("age-noise", "wrong-value.write-query"),
             "the random part of the age is added before the oldest is chosen",
             ("state.values",), {"queries": wrong, "labels": [3, 4], "noise": noise}, needs=("noise",), age_noise=8.0,
             evicting=True),
        case("lookup", ("lookup-leaves-memory",), "a query without a label changes nothing", STATE,
             {"queries": right}),
        case("off", ("lookup-leaves-memory",), "with updates off a label changes nothing", STATE, learn_wrong,
             update=False),
        case("last-row-wins", ("last-row-wins",), "of two rows that average one slot the last is kept",
             ("state.keys",),
             {"queries": draw.near(state["keys"][[4, 4]], 0.25), "labels": [1, 1]}),
        case("after-answer", ("after-answer",), "a batch is answered by the memory as it was before the batch",
             ("values",), {"queries": two, "labels": [4, 4]}),
        case("sources", ("sources",), "a written slot remembers its training example", ("state.sources",),
             {"queries": [*right[:1], *wrong[:1]], "labels": [VALUES[1], 3], "sources": [7, 9]}, needs=("sources",),
             evicting=True),
    ]
