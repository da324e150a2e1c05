"""The operations of the Neural GPU in PyTorch, as one would write them there."""

from typing import Any


def hard_gate(torch: Any, x: Any, cutoff: str = "paper") -> Any:
    return torch.clamp({"paper": 1.1, "released": 1.2}[cutoff] * torch.sigmoid(x) - 0.1, 0, 1)


def convolved(torch: Any, x: Any, kernels: Any, bias: Any) -> Any:
    y = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), kernels.permute(3, 2, 0, 1), bias, padding="same")
    return y.permute(0, 2, 3, 1)


def cgru(torch: Any, s: Any, gate_kernels: Any, gate_bias: Any, candidate_kernels: Any, candidate_bias: Any,
         drive: Any = None, cutoff: str = "paper") -> Any:
    m = s.shape[3]
    added = torch.zeros(*s.shape[:3], 3 * m, dtype=s.dtype) if drive is None else drive
    u, r = hard_gate(torch, convolved(torch, s, gate_kernels, gate_bias) + added[..., :2 * m], cutoff).split(m, dim=3)
    c = torch.tanh(convolved(torch, r * s, candidate_kernels, candidate_bias) + added[..., 2 * m:])
    return u * s + (1 - u) * c


def cgru_steps(torch: Any, s: Any, gate_kernels: Any, gate_bias: Any, candidate_kernels: Any, candidate_bias: Any,
               steps: int, uniforms: Any = None, keep: float = 1.0, cutoff: str = "paper") -> Any:
    sets, layers = gate_bias.shape[:2]
    for t in range(steps):
        if uniforms is not None:
            s = torch.where(uniforms[t] < keep, s / keep, 0.0)
        for layer in range(layers):
            s = cgru(torch, s, gate_kernels[t % sets, layer], gate_bias[t % sets, layer],
                     candidate_kernels[t % sets, layer], candidate_bias[t % sets, layer], cutoff=cutoff)
    return s


def tape_write(torch: Any, p: Any, v: Any, position: int, rows: str = "first") -> Any:
    here = torch.zeros(p.shape[1:3], dtype=torch.bool)
    here[position, :1 if rows == "first" else None] = True
    return torch.where(here[None, :, :, None], v[:, None, None], p)


def tape_read(torch: Any, s: Any, position: int) -> Any:
    return s[:, position, 0]
