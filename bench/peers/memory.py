"""The memory under the paper's rules in PyTorch, as one would write it there."""

import torch
import torch.nn.functional as F

from refmem.memory.profiles import PAPER
from refmem.memory.state import MemoryState


class Memory:
    """A life-long memory under the paper's rules, all of whose slots are filled."""

    def __init__(self, state: MemoryState, device: str = "cpu") -> None:
        self.keys, self.values, self.ages = (torch.from_numpy(array.copy()).to(device) for array in
                                             (state.keys, state.values, state.ages))  # [m, d], [m], [m]

    def step(self, x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Query, loss, backward, update: (loss, d_x)."""
        x = x.detach().requires_grad_()
        q = F.normalize(x, eps=1e-6)  # [B, d]
        with torch.no_grad():
            all_cosines = q @ self.keys.T  # [B, m]
            cosines, neighbours = all_cosines.topk(min(PAPER.k, len(self.keys)))  # [B, k]
            found = self.values[neighbours]  # [B, k]
            torch.softmax(PAPER.inverse_temperature * cosines, dim=1)
            right = found == labels[:, None]  # [B, k]
            positive = neighbours.gather(1, right.int().argmax(1, keepdim=True))[:, 0]  # [B]
            negative = neighbours.gather(1, (~right).int().argmax(1, keepdim=True))[:, 0]
            has_positive, has_negative = right.any(1), (~right).any(1)
            for row in (~has_positive).nonzero()[:, 0].tolist():
                elsewhere = (self.values == labels[row]).nonzero()[:, 0]
                if len(elsewhere):
                    positive[row] = elsewhere[all_cosines[row, elsewhere].argmax()]
                    has_positive[row] = True
            both = (has_positive & has_negative).float()
            away = self.keys[negative] - self.keys[positive]  # [B, d]
        loss = (both * F.relu((q * away).sum(1) + PAPER.alpha)).mean()
        loss.backward()
        with torch.no_grad():
            self.write(q, labels, neighbours[:, 0], right[:, 0])
        return loss.detach(), x.grad

    def write(self, q: torch.Tensor, labels: torch.Tensor, nearest: torch.Tensor, correct: torch.Tensor) -> None:
        """Each row in order: average into the nearest slot, or take the oldest that no earlier row has taken."""
        batch, slots = len(q), len(self.keys)
        # among equal ages the lower slot
        seniority = self.ages * slots + torch.arange(slots - 1, -1, -1, device=self.ages.device)
        oldest = seniority.topk(min(2 * batch, slots)).indices.tolist()
        taken: dict[int, int] = {}
        for row, (slot, right) in enumerate(zip(nearest.tolist(), correct.tolist(), strict=True)):
            taken[slot if right else next(old for old in oldest if old not in taken)] = row
        where, rows = (torch.tensor(list(which), device=q.device) for which in (taken, taken.values()))
        averaged = F.normalize(q[rows] + self.keys[where], eps=1e-6)
        self.ages += batch
        self.ages[where] = batch - 1 - rows
        self.keys[where] = torch.where(correct[rows, None], averaged, q[rows])
        self.values[where] = labels[rows]
