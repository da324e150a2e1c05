"""What examples are made of that are small enough to work out by hand."""

import numpy as np

E1, E2, MINUS_E1, MINUS_E2, ZERO = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 0.0]
Q = np.array([[0.6, 0.8]])


def label(*values):
    return np.array(values)


def averaged(q, key):
    total = np.array(q) + np.array(key)
    return total / np.linalg.norm(total)
