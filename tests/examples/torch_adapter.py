"""What stands between the PyTorch memory and `refmem conform`: the whole of it."""

import torch
from examples.torch_index import TorchIndex
from examples.torch_memory import TorchMemory

from refmem.conformance.adapters.torch import cotangents, load_state, saved_state, tensors


class Adapter:
    """`refmem conform examples.torch_adapter:Adapter`"""

    memory_class, index_class = TorchMemory, TorchIndex

    def describe(self):
        return {"name": "PyTorch example", "version": torch.__version__, "groups": ["memory", "neighbours"],
                "profiles": ["paper", "tf2017"], "needs": ["noise", "exact"]}

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

    def neighbours(self, task):
        (state,) = tensors([task.state])
        index = self.index_class(state.keys, state.filled.bool())
        for step in tensors(task.steps):
            if step.slots is not None:
                index.update(step.slots, step["keys"])
            if step.all_keys is not None:
                index.rebuild(step.all_keys, step.filled.bool())
            try:
                slots, cosines = index.search(step.queries, int(step.k))
                yield {"slots": slots, "cosines": cosines, "refused": 0}
            except ValueError:
                yield {"refused": 1}
