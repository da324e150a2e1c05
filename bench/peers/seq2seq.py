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

    def gradients(self) -> dict[str, torch.Tensor]:
        """Under our names, in our shapes."""
        found = {name: parameter.grad.T if turned else parameter.grad
                 for name, (parameter, turned) in self._names().items()}
        return found | {"attention.v": found["attention.v"][0]}

    @torch.no_grad()
    def _take(self, params: dict[str, np.ndarray]) -> None:
        """The same weights as ours."""
        for name, (parameter, turned) in self._names().items():
            ours = torch.from_numpy(params[name])
            parameter.copy_((ours.T if turned else ours).reshape(parameter.shape))
        for layer in (self.first, self.second, self.bottom, self.upper):  # of their two biases one is enough
            for name, parameter in layer.named_parameters():
                if name.startswith("bias_hh"):
                    parameter.zero_()

    def _names(self) -> dict[str, tuple[nn.Parameter, bool]]:
        """Our name of each parameter, and whether ours is the transposed."""
        layers = {"encoder1.forwards": (self.first, ""), "encoder1.backwards": (self.first, "_reverse"),
                  "encoder2": (self.second, ""), "decoder1": (self.bottom, ""), "decoder2": (self.upper, "")}
        names = {}
        for name, (layer, suffix) in layers.items():
            for ours, theirs, turned in (("w_x", "weight_ih", True), ("w_h", "weight_hh", True),
                                         ("bias", "bias_ih", False)):
                names[f"{name}.{ours}"] = (getattr(layer, f"{theirs}_l0{suffix}"), turned)
        return names | {
            "source.embedding": (self.source.weight, False), "target.embedding": (self.target.weight, False),
            "attention.w_query": (self.w_query.weight, True), "attention.w_source": (self.w_source.weight, True),
            "attention.v": (self.v.weight, False), "combine.weights": (self.combine.weight, True),
            "combine.bias": (self.combine.bias, False), "output.weights": (self.output.weight, True),
            "output.bias": (self.output.bias, False)}
