"""An index of keys in PyTorch: the exact search, behind the three calls that refmem's indexes have."""

import torch


class TorchIndex:
    """Looks into keys [m, d], of which those in `filled` [m] are written."""

    def __init__(self, keys, filled):
        self.rebuild(keys, filled)

    def rebuild(self, keys, filled):
        self.keys, self.filled = keys.clone(), filled.clone()

    def update(self, slots, keys):
        for slot, key in zip(slots.tolist(), keys, strict=True):  # one after another: the last row wins
            self.keys[slot], self.filled[slot] = key, True

    def search(self, queries, k):
        if not 1 <= k <= len(self.keys):
            raise ValueError(f"k must lie between 1 and {len(self.keys)}, got {k}")
        cosines = torch.where(self.filled, self.similarities(queries), -torch.inf)
        cosines, slots = cosines.sort(dim=1, descending=True, stable=True)
        there = torch.isfinite(cosines[:, :k])
        return torch.where(there, slots[:, :k], -1), torch.where(there, cosines[:, :k], -1.0)

    def similarities(self, queries):
        return (queries[:, None] * self.keys).sum(-1)  # not a matrix product: equal keys must tie
