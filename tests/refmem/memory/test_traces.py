"""TF2017 against what the released TensorFlow code was seen to do: every step of every recorded case, both dtypes.

Integers must be equal. Floats may differ by rounding, and by no more than it can explain:

- u is half a unit in the last place. Both sides project a query x (D products summed), normalise it and take a
  dot product with unit keys. The projection errs by D u |x||W| against a length ||xW||, which is `blow_up` times
  D u of a unit vector; length and dot product add (2 D + 4) u. Two sides: `cosine` below.
- softmax(t s) moves by at most t times the largest move of s, and its sums of C terms by C u each.
- A gradient is a difference of two keys over the batch, through the normalisation (1 / ||xW||) and the projection.
- A key is a query, or the direction of key + query: an error of either comes out divided by ||key + query||.
"""

from dataclasses import replace

import numpy as np
import pytest
from support import traces

from refmem.memory import TF2017, Memory


def memory_for(trace, dtype):
    profile = replace(TF2017, k=trace["choose_k"], alpha=trace["alpha"], age_noise=0.0,
                      correct_in_top=trace["correct_in_top"], recent_hint=trace["use_recent_idx"])
    memory = Memory(trace["key_dim"], trace["memory_size"], profile=profile, vocab_size=trace["vocab_size"],
                    dtype=dtype)
    memory.params["query_projection"][...] = trace["query_proj"]
    return memory


def set_state(memory, trace, t):
    memory.state.keys[...] = trace["keys_before"][t]
    memory.state.values[...] = trace["vals_before"][t]
    memory.state.ages[...] = trace["ages_before"][t]
    memory.state.recent[...] = trace["recent_before"][t]


class Rounding:
    """What rounding can do to each result of step t."""

    def __init__(self, trace, t, dtype):
        unit = float(np.finfo(dtype).eps)  # 2 u: both sides err
        x, w = trace["query"][t].astype(np.float64), trace["query_proj"].astype(np.float64)
        batch, d = x.shape
        length = np.linalg.norm(x @ w, axis=1)
        blow_up = (np.linalg.norm(np.abs(x) @ np.abs(w), axis=1) / length).max()
        columns = trace["hint_pool_idxs"].shape[-1]
        self.cosine = unit * (d * blow_up + 2 * d + 4)
        self.confidence = self.cosine * trace["softmax_temp"] + unit * (columns + 4)
        self.loss = 2 * self.cosine + 4 * unit
        slope = 2 / (batch * length.min())  # of the loss with respect to one projected query
        self.grad_query = 2 * self.cosine * slope * max(np.linalg.norm(w, 2), 1.0)
        self.grad_proj = 2 * self.cosine * slope * np.linalg.norm(x, axis=1).sum()
        self.key = 4 * self.cosine


def assert_close(got, recorded, within, what):
    difference = np.abs(np.asarray(got, np.float64) - np.asarray(recorded, np.float64)).max()
    assert difference <= within, f"{what} is off by {difference:.2e}, rounding explains {within:.2e}"


def assert_same(got, recorded, what):
    np.testing.assert_array_equal(got, recorded, err_msg=what)


@pytest.mark.parametrize("name", traces.NAMES)
def test_every_step_of_the_trace(name):
    trace = traces.load(name)
    dtype = trace["query"].dtype
    memory = memory_for(trace, dtype)
    set_state(memory, trace, 0)

    for t in range(len(trace["label"])):
        step = f"{name}, step {t}: "
        allowed = Rounding(trace, t, dtype)
        if trace["state_reset_each_step"]:
            set_state(memory, trace, t)
        query, label = trace["query"][t], trace["label"][t].astype(np.int64)

        lookup, _ = memory.forward(query)
        assert_same(lookup.values, trace["lookup_result"][t], step + "values without labels")
        assert_close(lookup.confidence, trace["lookup_mask"][t], allowed.confidence, step + "lookup confidence")
        assert lookup.loss is None

        output, cache = memory.forward(query, label, oldest=trace["oldest_idxs"][t].astype(np.int64))
        assert_same(output.values, trace["result"][t], step + "values")
        assert_same(output.neighbours, trace["hint_pool_idxs"][t], step + "neighbours")
        assert_close(output.cosines, trace["hint_pool_sims"][t], allowed.cosine, step + "cosines")
        assert_close(output.confidence, trace["mask"][t], allowed.confidence, step + "confidence")
        assert_close(output.loss, trace["teacher_loss"][t], allowed.loss, step + "loss")

        d_query, d_params = memory.backward(cache)
        assert_close(d_query, trace["grad_query"][t], allowed.grad_query, step + "query gradient")
        assert_close(d_params["query_projection"], trace["grad_proj"][t], allowed.grad_proj, step + "projection")

        assert_same(memory.state.values, trace["vals_after"][t], step + "values after")
        assert_same(memory.state.ages, trace["ages_after"][t], step + "ages after")
        assert_same(memory.state.recent, trace["recent_after"][t], step + "recent after")
        assert_close(memory.state.keys, trace["keys_after"][t], allowed.key, step + "keys after")
        for result in (output.cosines, output.confidence, d_query, d_params["query_projection"]):
            assert result.dtype == dtype


@pytest.mark.parametrize("name", traces.NAMES)
def test_the_memory_chooses_the_recorded_set_of_oldest_slots(name):
    """Their order among the rows is the released code's heap's, so only the set can be held against it."""
    trace = traces.load(name)
    memory = memory_for(trace, trace["query"].dtype)
    everyone_wrong = np.full(trace["batch"], trace["vocab_size"] - 1)
    for t in range(len(trace["label"])):
        set_state(memory, trace, t)
        memory.state.values[...] = 0  # so that no row can be right
        memory.forward(trace["query"][t], everyone_wrong)
        written = np.flatnonzero(memory.state.ages == 0)
        assert_same(written, np.sort(trace["oldest_idxs"][t]), f"{name}, step {t}: oldest slots")


def test_the_traces_hold_the_cases_worth_holding():
    """Two rows of one batch that write one slot, and rows that share a label, are in there; else nothing tests them."""
    recorded = [traces.load(name) for name in traces.NAMES]
    assert sum(trace["dup_upd"].sum() for trace in recorded) > 0
    assert sum(trace["dup_label"].sum() for trace in recorded) > 0
    assert any(trace["incorrect"].any() and not trace["incorrect"].all() for trace in recorded)
