"""From an answer back to the training examples it rests on."""

from typing import NamedTuple

from refmem.arrays import Array, to_host
from refmem.memory.memory import Memory


class Evidence(NamedTuple):
    """One slot that spoke for an answer."""

    slot: int
    value: int  # what it says
    cosine: float  # how near it is to the query
    confidence: float  # its share of softmax(t * cosine)
    source: int  # the training example that last wrote it, -1 where unknown
    age: int  # memory updates since


def explain(memory: Memory, queries: Array, *, top: int = 5) -> list[list[Evidence]]:
    """For each query the `top` nearest slots, nearest first. The memory is only read.

    The answer is the value of the first. An empty memory has no evidence, and its lists are empty.

    Parameters
    ----------
    queries : [B, d] float
    top : int
        At least 1. No more than the profile's neighbours are returned.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    output, _ = memory.forward(queries, update=False)
    state = {name: to_host(array) for name, array in memory.state.arrays().items()}
    confidence = to_host(output.confidence)  # [B, k]
    neighbours, cosines = to_host(output.neighbours), to_host(output.cosines)
    return [[Evidence(slot=int(slot), value=int(state["values"][slot]), cosine=float(cosine), confidence=float(share),
                      source=int(state["sources"][slot]), age=int(state["ages"][slot]))
             for slot, cosine, share in zip(row_slots[:top], row_cosines, row_shares, strict=False) if slot >= 0]
            for row_slots, row_cosines, row_shares in zip(neighbours, cosines, confidence, strict=True)]
