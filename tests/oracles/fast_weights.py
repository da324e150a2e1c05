"""Layer norm and fast weights in plain Python: the equations, spelled out for single numbers in loops."""

import math


def layer_norm(row, gain, bias, eps):
    """Of one list."""
    mean = sum(row) / len(row)
    variance = sum((x - mean) ** 2 for x in row) / len(row)
    return [g * (x - mean) / math.sqrt(variance + eps) + b for x, g, b in zip(row, gain, bias, strict=True)]


def matrix(past, decay, rate):
    """A(t), of a list of states, by the rule of its learning."""
    size = len(past[0])
    a = [[0.0] * size for _ in range(size)]
    for h in past:
        a = [[decay * a[i][j] + rate * h[i] * h[j] for j in range(size)] for i in range(size)]
    return a


def read(query, past, decay, rate):
    """A(t) q of one sequence."""
    if not past:
        return [0.0] * len(query)
    return [sum(a * q for a, q in zip(row, query, strict=True)) for row in matrix(past, decay, rate)]


def sequence(inputs, recurrent, start, decay, rate, gain, bias, steps, eps):
    """The hidden states of one sequence under the choices of the paper, with layer norm."""
    h, past, hidden = start, [], []
    for z in inputs:
        boundary = [z[j] + sum(h[i] * recurrent[i][j] for i in range(len(h))) for j in range(len(z))]
        state = [max(0.0, x) for x in boundary]
        for _ in range(steps):
            answer = read(state, past, decay, rate)
            total = [b + a for b, a in zip(boundary, answer, strict=True)]
            state = [max(0.0, x) for x in layer_norm(total, gain, bias, eps)]
        h = state
        past.append(h)
        hidden.append(h)
    return hidden
