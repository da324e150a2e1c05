"""The Neural GPU in PyTorch, as one writes it there: three convolutions a cell, eager."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class NeuralGPU(nn.Module):
    """With these weights, [1, l, ...] as in `reference_models.neural_gpu`; images are [B, m, n, w]."""

    def __init__(self, params: dict[str, Any], rows: int, layout: torch.memory_format) -> None:
        super().__init__()
        self.rows, self.layout = rows, layout
        self.embedding = nn.Parameter(torch.from_numpy(params["embedding"]).clone())
        self.output = nn.Parameter(torch.from_numpy(params["output"]).clone())
        maps = params["output"].shape[0]
        self.cells = nn.ModuleList()
        for gates, gate_bias, candidate, bias in zip(
                *(params[name][0] for name in ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")),
                strict=True):
            parts = (gates[..., :maps], gate_bias[:maps]), (gates[..., maps:], gate_bias[maps:]), (candidate, bias)
            self.cells.append(nn.ModuleList(self.convolution(*part) for part in parts))

    def convolution(self, kernels: Any, bias: Any) -> nn.Conv2d:
        """[3, 3, C, F] as PyTorch has it."""
        layer = nn.Conv2d(kernels.shape[2], kernels.shape[3], 3, padding=1)
        layer.weight.data = torch.from_numpy(kernels).permute(3, 2, 0, 1).contiguous(memory_format=self.layout)
        layer.bias.data = torch.from_numpy(bias).clone()
        return layer

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits [B, n, V]."""
        embedded = F.embedding(inputs, self.embedding).transpose(1, 2)[..., None]  # [B, m, n, 1]
        s = F.pad(embedded, (0, self.rows - 1)).contiguous(memory_format=self.layout)
        for _ in range(inputs.shape[1]):
            for update, reset, candidate in self.cells:
                u = torch.clamp(1.1 * torch.sigmoid(update(s)) - 0.1, 0, 1)
                r = torch.clamp(1.1 * torch.sigmoid(reset(s)) - 0.1, 0, 1)
                s = u * s + (1 - u) * torch.tanh(candidate(r * s))
        return s[..., 0].transpose(1, 2) @ self.output

    def gradients(self) -> dict[str, torch.Tensor]:
        """Named and laid out as ours."""
        found = {"embedding": self.embedding.grad, "output": self.output.grad}
        kernels, biases = ([[getattr(layer, kind).grad for layer in cell] for cell in self.cells]
                           for kind in ("weight", "bias"))
        turned = [[k.permute(2, 3, 1, 0) for k in cell] for cell in kernels]
        found["gate_kernels"] = torch.stack([torch.cat(cell[:2], dim=3) for cell in turned])[None]
        found["candidate_kernels"] = torch.stack([cell[2] for cell in turned])[None]
        found["gate_bias"] = torch.stack([torch.cat(cell[:2]) for cell in biases])[None]
        found["candidate_bias"] = torch.stack([cell[2] for cell in biases])[None]
        return found
