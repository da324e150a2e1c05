"""What an Extended Neural GPU does with one sequence, step by step, to be looked at."""

from typing import NamedTuple

from refmem.arrays import Array, module_of
from refmem.ops import cgru_steps

from reference_models import neural_gpu
from reference_models.neural_gpu.extended import ExtendedNeuralGPU, Output, cells


class Watched(NamedTuple):
    """What can be looked at while one sequence is answered."""

    images: Array  # [2n + 1, n, w, m] s_0 ... s_n = d_0, d_1 ... d_n
    tape: Array  # [n, n, m] what the cells see on its row 0 while they make output t
    output: Output


def watch(network: ExtendedNeuralGPU, inputs: Array, *, targets: Array | None = None) -> Watched:
    """Answer the first of these sequences, and keep what can be looked at. Nothing is written to the memory.

    Parameters
    ----------
    inputs, targets : [B, n] int
    """
    inputs, targets = inputs[:1], None if targets is None else targets[:1]
    seen: list[Array] = []
    output, cache = network.forward(inputs, targets, update=False, seen=seen)
    s, _ = neural_gpu.embed(network.params, inputs, network.size.rows)
    xp, encoder = module_of(s), [s]
    for _ in range(inputs.shape[1] - 1):  # the last one is d_0
        encoder.append(cgru_steps.apply(encoder[-1], *cells(network.params, "encoder"), steps=1,
                                        cutoff=network.size.cutoff))
    written = network.params["tape_embedding"][output.symbols[0] if targets is None else targets[0]]  # [n, m]
    n = len(written)
    tape = xp.tril(xp.ones((n, n), written.dtype), -1)[:, :, None] * written  # [step, position, m]
    if network.size.markovian:
        tape = xp.eye(n, k=-1, dtype=written.dtype)[:, :, None] * written
    for t, step in enumerate(cache.steps):
        if step.asked is not None:
            tape[t, t] = step.asked.values[0] * step.asked.confidence[0, 0]
    return Watched(xp.concatenate(encoder + seen), tape, output)
