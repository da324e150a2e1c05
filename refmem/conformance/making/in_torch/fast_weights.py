"""Layer norm and fast weights in PyTorch, as one would write them there: with the matrix."""

from typing import Any


def layer_norm(torch: Any, x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, bias, eps=eps)


def read(torch: Any, query: Any, past: Any, decay: Any, rate: Any) -> Any:
    matrix = torch.zeros(*query.shape, query.shape[1], dtype=query.dtype)
    for state in past.unbind(1):
        matrix = decay * matrix + rate * torch.einsum("bi,bj->bij", state, state)
    return torch.einsum("bij,bj->bi", matrix, query)


def rnn(torch: Any, inputs: Any, recurrent: Any, start: Any, past: Any, decay: Any, rate: Any, gain: Any, bias: Any,
        steps: int, norm: str) -> Any:
    h, hidden = start, []
    for z in inputs.unbind(1):
        boundary = z + h @ recurrent
        h = torch.relu(boundary)
        for _ in range(steps):
            h = boundary + read(torch, h, past, decay, rate)
            h = torch.relu(h if norm == "none" else layer_norm(torch, h, gain[0], bias[0]))
        past = torch.cat([past, h[:, None]], 1)
        hidden.append(h)
    return torch.stack(hidden, 1)
