"""What `refmem adapter new KIND` writes: a file that runs as it is and says what is to be filled in."""

TORCH = '''"""Stands between a memory in PyTorch and `refmem conform {name}:Adapter`."""

import torch

from refmem.conformance.adapters.torch import cotangents, load_state, saved_state, tensors


class Memory(torch.nn.Module):
    """Put your memory here. Its buffers are keys, values and ages, as refmem names them.

    Gradients are asked for after the write: replace the buffers, or let the answer stand on clones of them.
    """

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

JAX = '''"""Stands between a memory in JAX and `refmem conform {name}:Adapter`."""

import jax
import jax.numpy as jnp

from refmem.conformance.adapters.jax import answered, arrays

jax.config.update("jax_enable_x64", True)


def ask(queries, state, labels, t, alpha, k):
    """Put your memory here. Outputs that carry gradients, and outputs that do not."""
    squares = (queries * queries).sum(1, keepdims=True)
    short = squares < 1e-12
    q = queries / jnp.where(short, 1e-6, jnp.sqrt(jnp.where(short, 1.0, squares)))
    everywhere = jnp.where(state.values >= 0, q @ state.keys.T, -jnp.inf)  # [B, m] empty slots are no neighbours
    near = jnp.argsort(-everywhere, axis=1, stable=True)[:, :k]
    cosines = jnp.take_along_axis(everywhere, near, 1)
    out = {{"confidence": jnp.where(jnp.isfinite(cosines[:, :1]), jax.nn.softmax(t * cosines, 1), 0.0)}}
    if labels is not None:
        positive = jnp.where(state.values == labels[:, None], everywhere, -jnp.inf).max(1)
        negative = jnp.where(state.values[near] != labels[:, None], cosines, -jnp.inf).max(1)
        compared = jnp.isfinite(positive) & jnp.isfinite(negative)
        out["loss"] = jnp.where(compared, jax.nn.relu(negative - positive + alpha), 0.0).mean()
    return out, {{"values": state.values[near[:, 0]]}}


class Adapter:
    def describe(self):
        return {{"name": "{name}", "groups": ["memory"], "profiles": ["paper"], "levels": ["L1", "L2"]}}

    def memory(self, task):
        c = task.config
        (state,) = arrays([task.start])
        for step in arrays(task.steps):
            yield answered(lambda queries: ask(queries, state, step.labels, c["inverse_temperature"], c["alpha"],
                                               min(c["k"], c["memory_size"])), step, queries=step.queries)
'''

TENSORFLOW = '''"""Stands between a memory in TensorFlow and `refmem conform {name}:Adapter`."""

import numpy as np
import tensorflow as tf

from refmem.conformance.adapters.tensorflow import answered, tensors


def ask(queries, state, labels, t, alpha, k):
    """Put your memory here. Outputs that carry gradients, and outputs that do not."""
    q = tf.math.l2_normalize(queries, axis=1, epsilon=1e-12)
    nothing = tf.constant(-np.inf, queries.dtype)
    everywhere = tf.where(state.values >= 0, tf.linalg.matmul(q, state.keys, transpose_b=True), nothing)  # [B, m]
    cosines, near = tf.math.top_k(everywhere, k)  # equal cosines: the lower slot
    known = tf.math.is_finite(cosines[:, :1])
    out = {{"confidence": tf.where(known, tf.nn.softmax(t * cosines), tf.zeros_like(cosines))}}
    if labels is not None:
        best = lambda chosen, x: tf.reduce_max(tf.where(chosen, x, nothing), axis=1)
        positive = best(state.values == labels[:, None], everywhere)
        negative = best(tf.gather(state.values, near) != labels[:, None], cosines)
        compared = tf.math.is_finite(positive) & tf.math.is_finite(negative)
        zero = tf.zeros_like(positive)
        slack = tf.where(compared, negative, zero) - tf.where(compared, positive, zero) + alpha
        out["loss"] = tf.reduce_mean(tf.where(compared, tf.nn.relu(slack), zero))
    return out, {{"values": tf.gather(state.values, near[:, 0])}}


class Adapter:
    def describe(self):
        return {{"name": "{name}", "groups": ["memory"], "profiles": ["paper"], "levels": ["L1", "L2"]}}

    def memory(self, task):
        c = task.config
        (state,) = tensors([task.start])
        for step in tensors(task.steps):
            yield answered(lambda queries: ask(queries, state, step.labels, c["inverse_temperature"], c["alpha"],
                                               min(c["k"], c["memory_size"])), step, queries=step.queries)
'''

EXEC = '''"""A runner for `refmem conform --exec 'python {name}.py'`: JSON lines on stdin and stdout, in any language.

It imports nothing of refmem. A request is {{"command": "describe"}}, {{"command": "run", "task": ...}} or
{{"command": "stop"}}; an array is {{"dtype": "float64", "shape": [2, 3], "data": [...]}}, row after row.
"""

import json
import sys


def relu(step):
    """One function a group: put yours beside it and name it in the description."""
    x = step["x"]
    out = {{"y": {{**x, "data": [max(number, 0.0) for number in x["data"]]}}}}
    if "d_y" in step:
        slopes = [d if number > 0 else 0.0 for number, d in zip(x["data"], step["d_y"]["data"])]
        out["d_x"] = {{**x, "data": slopes}}
    return out


for line in sys.stdin:
    request = json.loads(line)
    if request["command"] == "stop":
        break
    if request["command"] == "describe":
        reply = {{"name": "{name}", "groups": ["relu"]}}
    else:
        try:
            task = request["task"]
            reply = {{"steps": [globals()[task["group"]](step) for step in task["steps"]]}}
        except Exception as error:
            reply = {{"error": f"{{type(error).__name__}}: {{error}}"}}
    print(json.dumps(reply), flush=True)
'''

SKELETONS = {"torch": TORCH, "numpy": NUMPY, "jax": JAX, "tensorflow": TENSORFLOW, "exec": EXEC}
