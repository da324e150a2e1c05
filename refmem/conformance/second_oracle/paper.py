"""LTRRE §2 in arrays; what it leaves open is settled as the register of deviations says for PAPER."""

from typing import Any

import numpy as np

from refmem.conformance.second_oracle.complex_step import ramp, real, softmax, unit


class PaperMemory:
    """Keys K [m, d], values V [m], and the dates at which slots were written: A[i] = now - born[i]."""

    def __init__(self, config: dict[str, Any], dtype: Any) -> None:
        m = config["memory_size"]
        self.k, self.t, self.dtype = min(config["k"], m), dtype(config["inverse_temperature"]), dtype
        self.alpha, self.top = dtype(config["alpha"]), config["correct_in_top"]
        self.K, self.V = np.zeros((m, config["key_dim"]), dtype), np.full(m, -1)
        self.born, self.now, self.sources = np.zeros(m, np.int64), 0, np.full(m, -1)

    def take_over(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.K, self.V = state["keys"].astype(self.K.dtype), state["values"].copy()
        self.born, self.now, self.sources = -state["ages"], 0, state["sources"].copy()

    def state(self) -> dict[str, Any]:
        """What the memory holds now."""
        return {"keys": self.K.copy(), "values": self.V.copy(), "ages": self.now - self.born,
                "sources": self.sources.copy()}

    def answer(self, x: Any, labels: Any, W: Any) -> dict[str, Any]:
        """Everything that a batch of queries [B, d] is answered, differentiable in x."""
        q = unit(x)
        S = (q[:, None, :] * self.K).sum(-1)  # [B, m] cosine with every key
        filled = self.V != -1
        order = np.argsort(np.where(filled, -real(S), np.inf), axis=1, kind="stable")  # [B, m] empty slots last
        near = order[:, :self.k]
        there = filled[near]  # [B, k]
        cosines = np.where(there, np.take_along_axis(S, near, 1), S.dtype.type(-1))
        weights = softmax(self.t * cosines) if there.any() else cosines * 0
        weights = np.where(there, weights, S.dtype.type(0))
        out = {"q": q, "neighbours": np.where(there, near, -1), "cosines": cosines,
               "values": np.where(there[:, 0], self.V[near[:, 0]], -1),
               "confidence": weights / np.where(there[:, :1], weights.sum(1, keepdims=True), S.dtype.type(1))}
        if labels is not None:
            # p is the nearest of ALL slots with the value: if one of the k nearest has it, so has the first of these.
            right, wrong = filled & (self.V == labels[:, None]), there & (self.V[near] != labels[:, None])
            positive = np.take_along_axis(S, np.where(right, real(S), -np.inf).argmax(1)[:, None], 1)[:, 0]
            negative = np.take_along_axis(cosines, wrong.argmax(1)[:, None], 1)[:, 0]
            row = np.where(right.any(1) & wrong.any(1), ramp(negative - positive + self.alpha), S.dtype.type(0))
            out["loss"] = row.sum() / S.dtype.type(len(row))
        return out

    def learn(self, out: dict[str, Any], labels: Any, noise: Any, oldest: Any, sources: Any) -> None:
        """The update, a row at a time; all rows look at the memory as it was when they asked."""
        K, V, taken = self.K.copy(), self.V.copy(), np.zeros(len(self.V), bool)
        r_i = np.zeros(len(self.V)) if noise is None else noise
        for row, v in enumerate(labels):
            first = out["neighbours"][row, :self.top]
            right = first[(first >= 0) & (V[first] == v)]
            if right.size:  # case 1
                n, key = right[0], unit(out["q"][row] + K[right[0]])
            else:  # case 2
                taken &= not taken.all()
                age = np.where(taken, -np.inf, self.now - self.born + r_i)
                n, key = (int(age.argmax()) if oldest is None else oldest[row]), out["q"][row]
            self.now += 1
            taken[n], self.born[n] = True, self.now
            self.K[n], self.V[n], self.sources[n] = key, v, -1 if sources is None else sources[row]
