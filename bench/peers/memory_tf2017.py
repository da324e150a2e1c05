"""The step of the code released with the paper, restated in PyTorch as one would write it there.

What it does otherwise than the text is listed in `refmem/memory/deviations.py`.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from refmem.memory.profiles import TF2017
from refmem.memory.state import MemoryState


class Memory:
    """A memory under the released rules.

    `noise(m)` draws what is added to the ages before the oldest are chosen; by itself U[-8, 8).
    """

    def __init__(self, state: MemoryState, projection: torch.Tensor,
                 noise: Callable[[int], torch.Tensor] | None = None, device: str = "cpu") -> None:
        self.keys, self.values, ages, self.recent = (  # [m, d], [m], [m], [V]
            torch.tensor(array, device=device) for array in (state.keys, state.values, state.ages, state.recent))
        self.ages = ages.float()
        self.projection = projection.to(device, copy=True).requires_grad_()  # [d, d]
        self.k = min(TF2017.k, len(self.keys))
        self.temperature = max(1.0, math.log(0.2 * self.k) / TF2017.alpha)
        self.noise = noise or (lambda m: TF2017.age_noise * (2 * torch.rand(m, device=device) - 1))

    def step(self, x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Project, search, lose, write: (loss, d_x, d_projection)."""
        x, self.projection.grad = x.detach().requires_grad_(), None
        q = F.normalize(x @ self.projection, eps=1e-6)  # [B, d]
        with torch.no_grad():
            pool = (q @ self.keys.T).topk(self.k).indices  # [B, k]
            pool = torch.cat([pool, self.recent[labels][:, None]], dim=1)  # [B, k + 1]
            right = (self.values[pool] == labels[:, None]).float()  # [B, k + 1]
        cosines = torch.bmm(self.keys[pool], q[:, :, None])[:, :, 0]  # [B, k + 1]
        torch.softmax(self.temperature * cosines[:, :-1], dim=1)
        positive, column = (cosines * right).max(dim=1)
        negative, _ = (cosines * (1 - right)).max(dim=1)
        loss = (F.relu(negative - positive + TF2017.alpha) - TF2017.alpha).mean()
        loss.backward()
        with torch.no_grad():
            self.write(q, labels, pool.gather(1, column[:, None])[:, 0], right[:, 0] == 0)
        return loss.detach(), x.grad, self.projection.grad

    def write(self, q: torch.Tensor, labels: torch.Tensor, match: torch.Tensor, wrong: torch.Tensor) -> None:
        """A wrong row r takes the r-th of the oldest slots, a right one is averaged into its best match."""
        oldest = (self.ages + self.noise(len(self.ages))).topk(len(q)).indices
        slots = torch.where(wrong, oldest, match)
        averaged = F.normalize(q + self.keys[match], eps=1e-6)
        self.ages += 1  # where slots repeat, so few rows are scattered in order, and the last one stays
        self.keys[slots] = torch.where(wrong[:, None], q, averaged)
        self.values[slots] = torch.where(wrong, labels, self.values[match])
        self.ages[slots] = 0
        self.recent[labels] = slots
