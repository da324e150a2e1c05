"""A complete life-long memory in PyTorch, both profiles, written as somebody who ports it would write it.

It uses autograd, knows nothing of refmem, and is the example of an implementation that conforms.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class TorchMemory(nn.Module):
    """The memory of "Learning to Remember Rare Events". `profile` is "paper" or "tf2017"."""

    def __init__(self, key_dim, memory_size, profile="paper", vocab_size=None, k=256, alpha=0.1,
                 inverse_temperature=40.0, correct_in_top=1, recent_hint=True, dtype=torch.float32, **_):
        super().__init__()
        self.profile, self.alpha, self.correct_in_top, self.recent_hint = profile, alpha, correct_in_top, recent_hint
        self.k = min(k, memory_size)
        self.temperature = inverse_temperature if profile == "paper" else max(1.0, math.log(0.2 * self.k) / alpha)
        empty = -1 if profile == "paper" else 0
        self.register_buffer("keys", torch.zeros(memory_size, key_dim, dtype=dtype))
        self.register_buffer("values", torch.full((memory_size,), empty))
        self.register_buffer("ages", torch.zeros(memory_size, dtype=torch.int64))
        self.query_projection = None
        if profile == "tf2017":
            self.query_projection = nn.Parameter(torch.randn(key_dim, key_dim, dtype=dtype) * 0.01)
            self.register_buffer("recent", torch.zeros(vocab_size, dtype=torch.int64))

    def forward(self, x, labels=None, update=True, noise=None):
        """(values, confidence, loss or None), all of before the update."""
        q = self.normalise(self.project(x))
        q = torch.where(x.abs().sum(1, keepdim=True) > 0, q, x)
        read = self.read_paper if self.profile == "paper" else self.read_tf2017
        pool, cosines, present, values, confidence = read(q, labels)
        if labels is None:
            return values, confidence, None
        right = present & (self.values[pool] == labels[:, None])
        margin = self.margin_paper if self.profile == "paper" else self.margin_tf2017
        losses, teacher = margin(q, labels, pool, cosines, present, right)
        if update:
            write = self.write_paper if self.profile == "paper" else self.write_tf2017
            with torch.no_grad():
                self.keys = self.keys.clone()  # the backward pass still needs the old ones
                write(q, labels, pool, right, teacher, torch.zeros(len(self.keys)) if noise is None else noise)
        return values, confidence, self.reduce(losses)

    def project(self, x):
        return x if self.query_projection is None else x @ self.query_projection

    def normalise(self, x):
        return functional.normalize(x, eps=1e-6)

    def reduce(self, losses):
        return losses.mean()

    # --- Reading ----------------------------------------------------------------------------------------------

    def nearest(self, cosines):
        """Slots by falling cosine; `topk` does not promise an order among equals, a stable sort does."""
        return cosines.detach().sort(dim=1, descending=True, stable=True).indices[:, :self.k]

    def softmax(self, cosines):
        return torch.softmax(cosines * self.temperature, dim=1)

    def read_paper(self, q, labels):
        filled = self.values >= 0
        cosines = torch.where(filled, q @ self.keys.T, -math.inf)
        pool = self.nearest(cosines)
        cosines = cosines.gather(1, pool)
        present = filled[pool]
        if not filled.any():
            return pool, cosines, present, torch.full((len(q),), -1), torch.zeros_like(cosines)
        return pool, cosines, present, self.values[pool[:, 0]], self.softmax(cosines)

    def read_tf2017(self, q, labels):
        pool = self.nearest(q @ self.keys.T)
        if labels is not None and self.recent_hint:
            pool = torch.cat([pool, self.recent[labels][:, None]], dim=1)
        cosines = (q[:, None] * self.keys[pool]).sum(-1)
        answering = cosines[:, :-1]
        values = self.values[pool.gather(1, answering.argmax(1, keepdim=True))[:, 0]]
        return pool, cosines, torch.ones_like(pool, dtype=torch.bool), values, self.softmax(answering)

    # --- Losing -----------------------------------------------------------------------------------------------

    def hinge(self, negative, positive):
        return torch.relu(negative - positive + self.alpha)

    def margin_paper(self, q, labels, pool, cosines, present, right):
        everywhere = torch.where(self.values == labels[:, None], q @ self.keys.T, -math.inf)
        nearby = torch.where(right, cosines, -math.inf).amax(1)
        positive = self.missing_positive(nearby, everywhere.amax(1))
        negative = torch.where(present & ~right, cosines, -math.inf).amax(1)
        compared = torch.isfinite(positive) & torch.isfinite(negative)
        zero = torch.zeros_like(positive)
        return torch.where(compared, self.hinge(torch.where(compared, negative, zero),
                                                torch.where(compared, positive, zero)), zero), None

    def missing_positive(self, nearby, anywhere):
        return torch.where(torch.isfinite(nearby), nearby, anywhere)

    def margin_tf2017(self, q, labels, pool, cosines, present, right):
        h = right.to(cosines.dtype)
        positive, teacher = self.first_largest(cosines * h)
        negative, _ = self.first_largest(cosines * (1 - h))
        return self.hinge(negative, positive) - self.alpha, pool.gather(1, teacher)[:, 0]

    def first_largest(self, x):
        """The maximum and its column, the first of equals: `max` promises none."""
        column = (x == x.amax(1, keepdim=True)).int().argmax(1, keepdim=True)
        return x.gather(1, column)[:, 0], column

    # --- Writing ----------------------------------------------------------------------------------------------

    def averaged(self, q, key):
        return functional.normalize(q + key, dim=-1, eps=1e-6)

    def write_paper(self, q, labels, pool, right, teacher, noise):
        keys, taken = self.keys.clone(), torch.zeros(len(self.keys), dtype=torch.bool)
        for row in range(len(q)):
            hits = right[row, :self.correct_in_top].nonzero()
            if len(hits):
                slot = int(pool[row, hits[0, 0]])
                key = self.averaged(q[row], keys[slot])
            else:
                slot = self.oldest(noise, taken)
                key = q[row]
            taken[slot] = True
            self.grow_older()
            self.put(slot, key, int(labels[row]))

    def write_tf2017(self, q, labels, pool, right, teacher, noise):
        wrong = ~right[:, :self.correct_in_top].any(1)
        oldest = (self.ages + noise).sort(descending=True, stable=True).indices[:len(q)]
        slots = torch.where(wrong, oldest, teacher)
        keys = torch.where(wrong[:, None], q, self.averaged(q, self.keys[teacher]))
        values = torch.where(wrong, labels, self.values[teacher])
        self.grow_older()
        for row in range(len(q)):
            self.put(int(slots[row]), keys[row], int(values[row]))
            if self.recent_hint:
                self.recent[labels[row]] = slots[row]

    def oldest(self, noise, taken):
        scores = torch.where(taken, -math.inf, self.ages + noise)
        return int((scores == scores.max()).nonzero()[0, 0])

    def grow_older(self):
        self.ages += 1

    def put(self, slot, key, value):
        self.keys[slot], self.values[slot], self.ages[slot] = key, value, 0
