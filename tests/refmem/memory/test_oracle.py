"""The oracle itself, before anything is held against it: the released code's traces, central differences."""

import random

import pytest
from refmem.conformance.oracles import Paper, Released
from support import traces

STEPS = 4
CLOSE = 1e-13  # float64 on both sides, sums of at most 64 terms of size 1


def released_at(trace, t):
    memory = Released(trace["key_dim"], trace["memory_size"], trace["vocab_size"], trace["choose_k"],
                      trace["alpha"], trace["correct_in_top"], trace["use_recent_idx"])
    memory.projection = trace["query_proj"].tolist()
    memory.keys = trace["keys_before"][t].tolist()
    memory.values = trace["vals_before"][t].tolist()
    memory.ages = trace["ages_before"][t].tolist()
    memory.recent = trace["recent_before"][t].tolist()
    return memory


def close(expected, within=CLOSE):
    return pytest.approx(expected, rel=0.0, abs=within)


def flat(rows):
    return [number for row in rows for number in row]


@pytest.mark.parametrize("name", [name for name in traces.NAMES if name.endswith("f64")])
def test_released_reproduces_the_trace(name):
    trace = traces.load(name)
    steps = range(0, len(trace["label"]), max(1, len(trace["label"]) // STEPS))
    for t in steps:
        memory = released_at(trace, t)
        queries, labels = trace["query"][t].tolist(), trace["label"][t].tolist()

        lookup = memory.step(queries)
        assert lookup.values == trace["lookup_result"][t].tolist()
        assert flat(lookup.confidence) == close(flat(trace["lookup_mask"][t].tolist()))
        assert lookup.loss is None and lookup.written == []

        answer = memory.step(queries, labels, oldest=trace["oldest_idxs"][t].tolist())
        assert answer.values == trace["result"][t].tolist()
        assert answer.neighbours == trace["hint_pool_idxs"][t].tolist()
        assert flat(answer.cosines) == close(flat(trace["hint_pool_sims"][t].tolist()))
        assert flat(answer.confidence) == close(flat(trace["mask"][t].tolist()))
        assert answer.loss == close(trace["teacher_loss"][t])
        d_queries, d_projection = answer.gradients()
        size = 1 + max(abs(g) for g in flat(trace["grad_query"][t].tolist()))
        assert flat(d_queries) == close(flat(trace["grad_query"][t].tolist()), CLOSE * size)
        assert flat(d_projection) == close(flat(trace["grad_proj"][t].tolist()), CLOSE * size)

        assert answer.written == trace["upd_idxs"][t].tolist()
        assert memory.values == trace["vals_after"][t].tolist()
        assert memory.ages == trace["ages_after"][t].tolist()
        assert memory.recent == trace["recent_after"][t].tolist()
        assert flat(memory.keys) == close(flat(trace["keys_after"][t].tolist()))


@pytest.mark.parametrize("name", [name for name in traces.NAMES if name.endswith("f64")])
def test_released_chooses_the_same_set_of_oldest_slots(name):
    trace = traces.load(name)
    for t in range(len(trace["label"])):
        ages = trace["ages_before"][t].tolist()
        oldest = sorted(range(len(ages)), key=lambda i: (-ages[i], i))[: trace["batch"]]
        assert set(oldest) == set(trace["oldest_idxs"][t].tolist())


def drawn(rng, *shape):
    if len(shape) == 1:
        return [rng.gauss(0.0, 1.0) for _ in range(shape[0])]
    return [drawn(rng, *shape[1:]) for _ in range(shape[0])]


@pytest.mark.parametrize("kind", ["paper", "released"])
def test_the_tape_agrees_with_central_differences(kind):
    rng = random.Random(5)
    memory = Paper(5, 12, k=6) if kind == "paper" else Released(5, 12, 4, k=6)
    for _ in range(8):
        memory.step(drawn(rng, 3, 5), [rng.randrange(4) for _ in range(3)])
    if kind == "released":
        memory.projection = drawn(rng, 5, 5)
    queries, labels = drawn(rng, 3, 5), [rng.randrange(4) for _ in range(3)]

    answer = memory.step(queries, labels, update=False)
    weights = [drawn(rng, len(row)) for row in answer.confidence]

    def objective():
        again = memory.step(queries, labels, update=False)
        pairs = zip(flat(weights), flat(again.confidence), strict=True)
        return 0.7 * again.loss + sum(weight * component for weight, component in pairs)

    d_queries, d_projection = answer.gradients(d_loss=0.7, d_confidence=weights)
    places = [(queries, d_queries)] + ([(memory.projection, d_projection)] if kind == "released" else [])
    for matrix, slopes in places:
        for row, slope_row in zip(matrix, slopes, strict=True):
            for j, slope in enumerate(slope_row):
                at = row[j]
                row[j] = at + 1e-5
                above = objective()
                row[j] = at - 1e-5
                below = objective()
                row[j] = at
                assert slope == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-7)
