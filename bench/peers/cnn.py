"""The embedding network in PyTorch, as one would write it there."""

import numpy as np
import torch
from torch import nn


def network(params: dict[str, np.ndarray]) -> nn.Sequential:
    """The embedding network with these weights; its images are [B, 1, 28, 28]."""
    convolutions = []
    for number in range(1, 5):
        kernels = params[f"conv{number}.kernels"]
        layer = nn.Conv2d(kernels.shape[2], kernels.shape[3], 3, padding=1)
        layer.weight.data = torch.from_numpy(kernels).permute(3, 2, 0, 1).contiguous()
        layer.bias.data = torch.from_numpy(params[f"conv{number}.bias"]).clone()
        convolutions.append(layer)
    weights = params["linear1.weights"]  # [49 C, F], of features in the order height, width, channel
    linear = nn.Linear(*weights.shape)
    channels = weights.shape[0] // 49
    in_torch_order = weights.reshape(49, channels, -1).transpose(1, 0, 2).reshape(weights.shape)
    linear.weight.data = torch.from_numpy(in_torch_order.T.copy())
    linear.bias.data = torch.from_numpy(params["linear1.bias"]).clone()
    one, two, three, four = convolutions
    return nn.Sequential(one, nn.ReLU(), two, nn.ReLU(), nn.MaxPool2d(2),
                         three, nn.ReLU(), four, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), linear)


def gradients(network: nn.Sequential) -> dict[str, torch.Tensor]:
    """The gradients of that network's weights under our names, as views in our order of dimensions."""
    found = {}
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    for number, layer in enumerate(convolutions, start=1):
        found[f"conv{number}.kernels"] = layer.weight.grad.permute(2, 3, 1, 0)  # [3, 3, C, F]
        found[f"conv{number}.bias"] = layer.bias.grad
    linear = network[-1]
    found["linear1.weights"] = linear.weight.grad.view(len(linear.weight), -1, 49).permute(2, 1, 0)  # [49, C, F]
    found["linear1.bias"] = linear.bias.grad
    return found
