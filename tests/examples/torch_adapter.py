"""What stands between the PyTorch memory and `refmem conform`: the whole of it."""

import torch
from examples.torch_memory import TorchMemory

from refmem.conformance.adapters.torch import cotangents, load_state, saved_state, tensors


class Adapter:
    """`refmem conform examples.torch_adapter:Adapter`"""

    memory_class = TorchMemory

    def describe(self):
        return {"name": "PyTorch example", "version": torch.__version__, "groups": ["memory"],
                "profiles": ["paper", "tf2017"], "needs": ["noise"]}

    def memory(self, task):
        memory = self.memory_class(profile=task.profile, dtype=getattr(torch, task.dtype), **task.config)
        load_state(memory, task)
        for step in tensors(task.steps):
            queries = step.queries.requires_grad_()
            update = task.config.get("update", True)
            values, confidence, loss = memory(queries, step.labels, update, step.noise)
            out = {"values": values, "confidence": confidence, "loss": loss, **saved_state(memory)}
            yield out | cotangents(step, loss, confidence, d_queries=queries,
                                   d_query_projection=memory.query_projection)
