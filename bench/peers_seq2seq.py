"""The encoder-decoder in PyTorch, as one would write it there: `nn.LSTM`, `nn.Embedding`, attention in four lines."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from reference_models.seq2seq import START, Size


class Network(nn.Module):
    """Two layers on each side: a bidirectional one and one above it; a bottom one and one that is fed the context."""

    def __init__(self, size: Size, params: dict[str, np.ndarray]) -> None:
        super().__init__()
        width, inputs = size.width, size.embedding
        self.source = nn.Embedding(size.source_vocabulary, inputs)
        self.target = nn.Embedding(size.target_vocabulary, inputs)
        self.first = nn.LSTM(inputs, width, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(2 * width, width, batch_first=True)
        self.bottom = nn.LSTM(inputs, width, batch_first=True)
        self.upper = nn.LSTM(2 * width, width, batch_first=True)
        self.w_query = nn.Linear(width, size.attention, bias=False)
        self.w_source = nn.Linear(width, size.attention, bias=False)
        self.v = nn.Linear(size.attention, 1, bias=False)
        self.combine = nn.Linear(width, inputs)
        self.output = nn.Linear(inputs, size.target_vocabulary)
        self._take(params)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of the target tokens."""
        annotations = self.second(self.first(self.source(source))[0])[0]  # [B, S, H]
        previous = F.pad(target[:, :-1], (1, 0), value=START)
        bottom = self.bottom(self.target(previous))[0]  # [B, T, H]
        scores = self.v(torch.tanh(self.w_query(bottom)[:, :, None] + self.w_source(annotations)[:, None]))[..., 0]
        context = torch.softmax(scores, dim=2) @ annotations  # [B, T, H]
        top = self.upper(torch.cat([bottom, context], dim=2))[0]
        logits = self.output(self.combine(top))  # [B, T, V]
        return F.cross_entropy(logits.flatten(0, 1), target.flatten())

    @torch.no_grad()
    def _take(self, params: dict[str, np.ndarray]) -> None:
        """The same weights as ours."""
        layers = {"encoder1.forwards": (self.first, ""), "encoder1.backwards": (self.first, "_reverse"),
                  "encoder2": (self.second, ""), "decoder1": (self.bottom, ""), "decoder2": (self.upper, "")}
        for name, (layer, suffix) in layers.items():
            getattr(layer, f"weight_ih_l0{suffix}").copy_(torch.from_numpy(params[f"{name}.w_x"].T))
            getattr(layer, f"weight_hh_l0{suffix}").copy_(torch.from_numpy(params[f"{name}.w_h"].T))
            getattr(layer, f"bias_ih_l0{suffix}").copy_(torch.from_numpy(params[f"{name}.bias"]))
            getattr(layer, f"bias_hh_l0{suffix}").zero_()
        self.source.weight.copy_(torch.from_numpy(params["source.embedding"]))
        self.target.weight.copy_(torch.from_numpy(params["target.embedding"]))
        for name, layer in (("attention.w_query", self.w_query), ("attention.w_source", self.w_source),
                            ("combine.weights", self.combine), ("output.weights", self.output)):
            layer.weight.copy_(torch.from_numpy(params[name].T))
        self.v.weight.copy_(torch.from_numpy(params["attention.v"][None]))
        self.combine.bias.copy_(torch.from_numpy(params["combine.bias"]))
        self.output.bias.copy_(torch.from_numpy(params["output.bias"]))
