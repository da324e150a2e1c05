"""The operations of sequence models in PyTorch, as one would write them there."""

from typing import Any


def sigmoid(torch: Any, x: Any) -> Any:
    return torch.sigmoid(x)


def tanh(torch: Any, x: Any) -> Any:
    return torch.tanh(x)


def embedding(torch: Any, table: Any, tokens: Any) -> Any:
    return torch.nn.functional.embedding(tokens, table)


def lstm_cell(torch: Any, x: Any, state: Any, w_x: Any, w_h: Any, bias: Any) -> Any:
    return torch.stack(torch.lstm_cell(x, (state[0], state[1]), w_x.T, w_h.T, bias, torch.zeros_like(bias)))


def lstm(torch: Any, x: Any, state: Any, w_x: Any, w_h: Any, bias: Any, mask: Any = None,
         reverse: bool = False) -> Any:
    out = {}
    for t in range(x.shape[1])[::-1] if reverse else range(x.shape[1]):
        after = lstm_cell(torch, x[:, t], state, w_x, w_h, bias)
        state = after if mask is None else torch.where(mask[:, t, None].bool(), after, state)
        out[t] = state[0]
    return torch.stack([out[t] for t in sorted(out)], dim=1)


def additive_attention(torch: Any, queries: Any, annotations: Any, w_query: Any, w_source: Any, v: Any,
                       mask: Any = None) -> Any:
    scores = torch.tanh((queries @ w_query)[:, :, None] + (annotations @ w_source)[:, None]) @ v
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None].bool(), float("-inf"))
    return torch.softmax(scores, dim=2) @ annotations


def masked_cross_entropy(torch: Any, logits: Any, labels: Any, mask: Any = None, smoothing: float = 0.0) -> Any:
    if mask is not None:
        labels = torch.where(mask.bool(), labels, -100)
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)


def batch_norm(torch: Any, x: Any, gain: Any, bias: Any, mean: Any = None, variance: Any = None) -> Any:
    return torch.nn.functional.batch_norm(x, mean, variance, gain, bias, training=mean is None, eps=1e-5)
