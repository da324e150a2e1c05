"""Unit vectors to search among."""

import numpy as np


def sphere(rng, n, d, dtype=np.float64):
    """n random unit vectors [n, d]."""
    x = rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(dtype)


def lattice(rng, n, dtype=np.float64):
    """n unit vectors [n, 4] out of 24 whose inner products are exact in floating point: many ties."""
    axes = np.eye(4)
    halves = np.array([[a, b, c, e] for a in (-.5, .5) for b in (-.5, .5) for c in (-.5, .5) for e in (-.5, .5)])
    return np.concatenate([axes, -axes, halves])[rng.integers(0, 24, n)].astype(dtype)


def near(rng, keys, slots, cosine):
    """For each of `slots` a unit vector at `cosine` from its key. [len(slots), d]"""
    targets = keys[slots].astype(np.float64)
    aside = rng.normal(size=targets.shape)
    aside -= (aside * targets).sum(axis=1, keepdims=True) * targets
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    return (cosine * targets + np.sqrt(1 - cosine ** 2) * aside).astype(keys.dtype)
