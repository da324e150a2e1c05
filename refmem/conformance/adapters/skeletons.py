"""What `refmem adapter new KIND` writes: a file that runs as it is and says what is to be filled in."""

TORCH = '''"""Stands between a memory in PyTorch and `refmem conform {name}:Adapter`."""

import torch

from refmem.conformance.adapters.torch import cotangents, load_state, saved_state, tensors


class Memory(torch.nn.Module):
    """Put your memory here. Its buffers are keys, values and ages, as refmem names them."""

    def __init__(self, key_dim, memory_size, dtype, **config):
        super().__init__()
        self.register_buffer("keys", torch.zeros(memory_size, key_dim, dtype=dtype))
        self.register_buffer("values", torch.full((memory_size,), -1))
        self.register_buffer("ages", torch.zeros(memory_size, dtype=torch.int64))

    def forward(self, queries, labels=None, update=True):
        q = torch.nn.functional.normalize(queries, eps=1e-6)
        cosines = q @ self.keys.T
        return self.values[cosines.argmax(1)], torch.softmax(40.0 * cosines, 1), None


class Adapter:
    def describe(self):
        return {{"name": "{name}", "groups": ["memory"], "profiles": ["paper"]}}

    def memory(self, task):
        memory = Memory(dtype=getattr(torch, task.dtype), **task.config)
        load_state(memory, task)
        for step in tensors(task.steps):
            queries = step.queries.requires_grad_()
            values, confidence, loss = memory(queries, step.labels, task.config.get("update", True))
            out = {{"values": values, "confidence": confidence, "loss": loss, **saved_state(memory)}}
            yield out | cotangents(step, loss, confidence, d_queries=queries)
'''

NUMPY = '''"""Stands between operations on arrays and `refmem conform {name}:Adapter`."""

import numpy as np


class Adapter:
    """One method a group; each gets a task and returns the outputs by name (a list of them for several steps)."""

    def describe(self):
        return {{"name": "{name}", "groups": ["relu"], "levels": ["L1", "L2"]}}

    def relu(self, task):
        (step,) = task.steps
        out = {{"y": np.maximum(step.x, 0)}}
        if step.d_y is not None:
            out["d_x"] = step.d_y * (step.x > 0)
        return out
'''

JAX = '''"""Stands between operations in JAX and `refmem conform {name}:Adapter`."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


class Adapter:
    """One method a group; the gradients come from jax.vjp."""

    def describe(self):
        return {{"name": "{name}", "groups": ["relu"], "levels": ["L1", "L2"]}}

    def relu(self, task):
        (step,) = task.steps
        y, pullback = jax.vjp(lambda x: jnp.where(x > 0, x, 0), jnp.asarray(step.x))
        return {{"y": y}} | ({{}} if step.d_y is None else {{"d_x": pullback(jnp.asarray(step.d_y))[0]}})
'''

TENSORFLOW = '''"""Stands between operations in TensorFlow and `refmem conform {name}:Adapter`."""

import tensorflow as tf


class Adapter:
    """One method a group; the gradients come from tf.GradientTape."""

    def describe(self):
        return {{"name": "{name}", "groups": ["relu"], "levels": ["L1", "L2"]}}

    def relu(self, task):
        (step,) = task.steps
        x = tf.constant(step.x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.relu(x)
        out = {{"y": y}}
        return out if step.d_y is None else out | {{"d_x": tape.gradient(y, x, output_gradients=step.d_y)}}
'''

SKELETONS = {"torch": TORCH, "numpy": NUMPY, "jax": JAX, "tensorflow": TENSORFLOW}
