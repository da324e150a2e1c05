"""The released `memory.py` in arrays, statement after statement."""

import math
from typing import Any

import numpy as np

from refmem.conformance.second_oracle.complex_step import ramp, real, softmax, unit


class ReleasedMemory:
    """mem_keys, mem_vals, mem_age, recent_idx; query_proj comes with each call."""

    def __init__(self, config: dict[str, Any], dtype: Any) -> None:
        m = config["memory_size"]
        self.choose_k, self.dtype = min(config["k"], m), dtype
        self.alpha, self.correct_in_top = dtype(config["alpha"]), config["correct_in_top"]
        self.temp = dtype(max(1.0, math.log(0.2 * self.choose_k) / config["alpha"]))
        self.use_recent_idx = config["recent_hint"]
        self.keys, self.vals, self.age = np.zeros((m, config["key_dim"]), dtype), np.zeros(m, int), np.zeros(m, int)
        self.recent_idx, self.sources = np.zeros(config["vocab_size"], int), np.full(m, -1)

    def take_over(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.keys, self.vals = state["keys"].astype(self.dtype), state["values"].copy()
        self.age, self.sources = state["ages"].copy(), state["sources"].copy()
        if self.use_recent_idx:
            self.recent_idx = state["recent"].copy()

    def state(self) -> dict[str, Any]:
        """What the memory holds now."""
        held = {"keys": self.keys, "values": self.vals, "ages": self.age, "sources": self.sources}
        held |= {"recent": self.recent_idx} if self.use_recent_idx else {}
        return {name: array.copy() for name, array in held.items()}

    def answer(self, x: Any, y: Any, query_proj: Any) -> dict[str, Any]:
        """`Memory.query` up to the update, differentiable in x and query_proj."""
        q = unit((x[:, :, None] * query_proj).sum(1))
        similarities = (real(q)[:, None, :] * self.keys).sum(-1)  # [B, m]
        pool = np.argsort(-similarities, axis=1, kind="stable")[:, :self.choose_k]  # top_k: ties to the lower index
        if y is not None and self.use_recent_idx:
            pool = np.concatenate([pool, self.recent_idx[y][:, None]], axis=1)
        s = (q[:, None, :] * self.keys[pool]).sum(-1)  # [B, C]
        nn = real(s)[:, :-1].argmax(1)
        rows = np.arange(len(q))
        out = {"q": q, "neighbours": pool, "cosines": s, "confidence": softmax(s[:, :-1] * self.temp),
               "values": self.vals[pool[rows, nn]]}
        if y is not None:
            hints = 1 - np.minimum(1, np.abs(y[:, None] - self.vals[pool]))  # [B, C]
            to_pos, to_neg = s * hints, s * (1 - hints)
            pos_col = real(to_pos).argmax(1)
            pos = to_pos[rows, pos_col] * (hints.sum(1) != 0)
            neg = to_neg[rows, real(to_neg).argmax(1)]
            losses = ramp(neg - pos + self.alpha) - self.alpha
            out |= {"loss": losses.sum() / self.dtype(len(losses)), "teacher": pool[rows, pos_col],
                    "incorrect": hints[:, :self.correct_in_top].sum(1) == 0}
        return out

    def learn(self, out: dict[str, Any], y: Any, noise: Any, oldest: Any, sources: Any) -> None:
        """The update of a batch. The three scatters of undefined order are settled: the last row wins in all."""
        q, teacher, incorrect = out["q"], out["teacher"], out["incorrect"]
        if oldest is None:
            oldest = np.argsort(-(self.age + (0 if noise is None else noise)), kind="stable")[:len(y)]
        idx = np.where(incorrect, oldest[:len(y)], teacher)
        upd_keys = np.where(incorrect[:, None], q, unit(q + self.keys[teacher]))
        upd_vals = np.where(incorrect, y, self.vals[teacher])
        self.age += 1
        for row, slot in enumerate(idx):
            self.age[slot], self.keys[slot], self.vals[slot] = 0, upd_keys[row], upd_vals[row]
            self.sources[slot] = -1 if sources is None else sources[row]
            self.recent_idx[y[row]] = slot
