"""PyTorch code as problems: a callable, `MyFunction.apply`, or a module with all its parameters.    (extra `torch`)"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refmem.gradcheck.problem import FLOATS, Arrays, HostArray, Problem, ProblemRefused, Pull


def from_torch(function: Callable[..., Any], *inputs: Any, name: str | None = None, seed: int = 0) -> Problem:
    """The problem of `function(*inputs)` and of what `torch.autograd` makes of it.

    Parameters
    ----------
    function : callable or `torch.nn.Module`
        Of a module, every parameter that requires a gradient is an argument too.
    inputs : tensors and anything else
        float32 and float64 tensors are differentiated, on their device; integers and the rest are passed as they are.
    seed : of PyTorch's generator, set before each forward pass, so that dropout draws the same each time.

    Raises
    ------
    ImportError
        Without PyTorch.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError("checking PyTorch code needs PyTorch: pip install 'refmem[torch]'") from error

    module = function if isinstance(function, torch.nn.Module) else None
    params = {} if module is None else {key: p for key, p in module.named_parameters() if p.requires_grad}
    moving = [k for k, x in enumerate(inputs) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    if not moving and not params:
        kinds = ", ".join(str(x.dtype) if isinstance(x, torch.Tensor) else type(x).__name__ for x in inputs)
        raise ProblemRefused(f"no input is a float tensor, so that nothing has a gradient: got {kinds or 'none'}")
    tensors = [inputs[k] for k in moving] + list(params.values())
    arguments = tuple(_to_host(t) for t in tensors)
    homes = [t.device for t in tensors]

    def call(leaves: list[Any]) -> tuple[Any, ...]:
        given = list(inputs)
        for k, leaf in zip(moving, leaves, strict=False):
            given[k] = leaf
        devices = [d for d in homes if d.type == "cuda"]
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            if module is not None:
                state: Mapping[str, Any] = dict(zip(params, leaves[len(moving):], strict=True))
                buffers = {key: b.clone() for key, b in module.named_buffers()}
                y = torch.func.functional_call(module, {**buffers, **state}, tuple(given))
            else:
                y = function(*given)
        return tuple(y) if isinstance(y, tuple | list) else (y,)

    def forward(at: Arrays) -> Arrays:
        with torch.no_grad():
            return tuple(map(_to_host, call([_to_tensor(x, home) for x, home in zip(at, homes, strict=True)])))

    def linearize(at: Arrays) -> tuple[Arrays, Pull]:
        leaves = [_to_tensor(x, home).requires_grad_() for x, home in zip(at, homes, strict=True)]
        outputs = call(leaves)
        able = [o for o, y in enumerate(outputs) if y.requires_grad]

        def pull(cotangents: Arrays) -> tuple[HostArray | None, ...]:
            if not able:
                return (None,) * len(leaves)
            w = [_to_tensor(cotangents[o], outputs[o].device) for o in able]
            gradients = torch.autograd.grad([outputs[o] for o in able], leaves, w, retain_graph=True, allow_unused=True)
            return tuple(None if g is None else _to_host(g) for g in gradients)

        return tuple(map(_to_host, outputs)), pull

    def _to_tensor(x: HostArray, home: Any) -> Any:
        return torch.as_tensor(x, device=home)  # shares memory on the CPU, so that writing into it is seen

    names = tuple(f"input {k}" for k in moving) + tuple(params)
    title = name or str(getattr(function, "__name__", type(function).__name__))
    return Problem(title, arguments, linearize, forward=forward, names=names,
                   always_contiguous=frozenset(params))


def _to_host(tensor: Any) -> HostArray:
    host: HostArray = tensor.detach().cpu().resolve_conj().resolve_neg().numpy()
    return host if host.dtype in FLOATS else np.asarray(host)
