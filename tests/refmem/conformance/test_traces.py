"""refmem, the loops and the second oracle, each as an implementation, reproduce what the released code did."""

import numpy as np
import pytest
from support import traces

from refmem.conformance.case import Inputs, Task
from refmem.conformance.compare import to_host
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.reference import Reference
from refmem.conformance.second_oracle import SecondOracle

STATE = {"keys": "keys", "values": "vals", "ages": "ages", "recent": "recent"}
OUTPUTS = {"values": "result", "neighbours": "hint_pool_idxs", "cosines": "hint_pool_sims", "confidence": "mask",
           "loss": "teacher_loss", "d_queries": "grad_query", "d_query_projection": "grad_proj"}
ROUNDING = {"float64": 1e-12, "float32": 5e-5}
"""Of sums of at most 64 terms, times slopes of up to 1 / ||p||, relative to the largest element."""


def task_of(trace, t, dtype):
    """Step t of a trace, with the row order of the oldest slots that TensorFlow happened to take."""
    hint = bool(trace["use_recent_idx"])
    config = {"key_dim": trace["key_dim"], "memory_size": trace["memory_size"], "k": trace["choose_k"],
              "vocab_size": trace["vocab_size"], "alpha": trace["alpha"], "inverse_temperature": None,
              "correct_in_top": trace["correct_in_top"], "age_noise": 0.0, "recent_hint": hint}
    state = {name: trace[f"{theirs}_before"][t] for name, theirs in STATE.items() if name != "recent" or hint}
    state = {name: x.astype(dtype if name == "keys" else np.int64) for name, x in state.items()}
    state["sources"] = np.full(trace["memory_size"], -1)
    step = {"queries": trace["query"][t].astype(dtype), "labels": trace["label"][t].astype(np.int64),
            "oldest": trace["oldest_idxs"][t].astype(np.int64), "d_loss": np.asarray(1.0, dtype)}
    return Task("memory/trace", "memory", "tf2017", dtype, config, Inputs(state),
                Inputs({"query_projection": trace["query_proj"].astype(dtype)}), [Inputs(step)])


@pytest.mark.parametrize("name", traces.NAMES)
@pytest.mark.parametrize("kind", ["refmem", "loops", "second"])
def test_every_step_of_every_trace(name, kind):
    trace = traces.load(name)
    dtype = trace["query"].dtype.name
    implementation = {"refmem": Reference, "loops": LoopAdapter, "second": SecondOracle}[kind]()
    steps = range(len(trace["label"])) if kind == "refmem" else range(0, len(trace["label"]), 10)
    for t in steps:
        (out,) = implementation.memory(task_of(trace, t, dtype))
        wanted = {ours: trace[theirs][t] for ours, theirs in OUTPUTS.items()}
        hint = bool(trace["use_recent_idx"])
        wanted |= {f"state.{ours}": trace[f"{theirs}_after"][t] for ours, theirs in STATE.items()
                   if ours != "recent" or hint}
        for output, expected in wanted.items():
            got = to_host(out[output])
            if expected.dtype.kind == "i" or output == "state.ages":
                np.testing.assert_array_equal(got, expected, err_msg=f"{output}, step {t}")
            else:
                within = ROUNDING[dtype] * max(1.0, float(np.abs(expected).max()))
                np.testing.assert_allclose(got, expected, rtol=0, atol=within, err_msg=f"{output}, step {t}")
