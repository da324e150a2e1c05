"""Accidents that happen to files: what a fuzz target is tried on."""

import numpy as np

TOKENS = (b"null", b"-1", b"1e999", b"NaN", b"[]", b"{}", b'""', b"true", b"99999999999999999999", b"0", b"[[", b"\xff",
          b"\n", b'"', b"=", b"\0")
"""What text formats stumble over."""


def broken(rng: np.random.Generator, whole: bytes) -> bytes:
    """One to three accidents: cut off, flipped, overwritten, inserted, removed, repeated, or a token in between."""
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(data) + 1))
        span = int(min(len(data) - at, 2 ** rng.integers(0, 10)))
        match rng.integers(0, 7):
            case 0:
                del data[at:]
            case 1 if at < len(data):
                data[at] ^= 1 << rng.integers(0, 8)
            case 2:
                data[at:at + span] = rng.bytes(span)
            case 3:
                data[at:at] = rng.bytes(span)
            case 4:
                del data[at:at + span]
            case 5:
                data[at:at] = data[at:at + span]
            case _:
                token = TOKENS[rng.integers(len(TOKENS))]
                data[at:at + int(rng.integers(0, 8))] = token
    return bytes(data)
