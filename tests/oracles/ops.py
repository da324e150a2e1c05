"""The operations in plain Python: the equations, spelled out for single numbers in loops.

Why there are two oracles of the operations: this one, in bare floats, belongs to the tests, which call it with arrays
of every shape. The other, `refmem/conformance/oracles/ops.py`, is shipped: it makes the vectors, counts in numbers that
know their derivatives and their rounding, and is what the mutants bend. They were written apart and share no line; each
is held against refmem, so that neither can be wrong in the same way as the other without being seen.
"""

import math


def conv2d(x, kernels, bias):
    """y[b][h][w][f], from nested lists x[b][h][w][c], kernels[i][j][c][f], bias[f]."""
    kh, kw, channels = len(kernels), len(kernels[0]), len(kernels[0][0])
    y = []
    for image in x:
        height, width = len(image), len(image[0])
        y.append([[[
            bias[f] + sum(
                image[h + i - kh // 2][w + j - kw // 2][c] * kernels[i][j][c][f]
                for i in range(kh) for j in range(kw) for c in range(channels)
                if 0 <= h + i - kh // 2 < height and 0 <= w + j - kw // 2 < width)
            for f in range(len(bias))] for w in range(width)] for h in range(height)])
    return y


def conv2d_backward(x, kernels, dy):
    """(dx, d_kernels, d_bias): each product of the forward pass sends a gradient to both its factors."""
    kh, kw, channels, filters = len(kernels), len(kernels[0]), len(kernels[0][0]), len(kernels[0][0][0])
    dx = [[[[0.0 for _ in pixel] for pixel in row] for row in image] for image in x]
    d_kernels = [[[[0.0] * filters for _ in range(channels)] for _ in range(kw)] for _ in range(kh)]
    d_bias = [0.0] * filters
    for b, image in enumerate(x):
        for h, row in enumerate(image):
            for w in range(len(row)):
                for f in range(filters):
                    d_bias[f] += dy[b][h][w][f]
                    for i in range(kh):
                        for j in range(kw):
                            p, q = h + i - kh // 2, w + j - kw // 2
                            if not (0 <= p < len(image) and 0 <= q < len(row)):
                                continue
                            for c in range(channels):
                                dx[b][p][q][c] += dy[b][h][w][f] * kernels[i][j][c][f]
                                d_kernels[i][j][c][f] += dy[b][h][w][f] * image[p][q][c]
    return dx, d_kernels, d_bias


def max_pool2d(x, dy=None):
    """(y, dx): the maximum of each window, and dy put where the first maximum stood."""
    y, dx = [], []
    for b, image in enumerate(x):
        height, width, channels = len(image), len(image[0]), len(image[0][0])
        pooled = [[[0.0] * channels for _ in range((width + 1) // 2)] for _ in range((height + 1) // 2)]
        back = [[[0.0] * channels for _ in range(width)] for _ in range(height)]
        for h in range((height + 1) // 2):
            for w in range((width + 1) // 2):
                for c in range(channels):
                    best = None
                    for i in (2 * h, 2 * h + 1):
                        for j in (2 * w, 2 * w + 1):
                            if i < height and j < width and (best is None or image[i][j][c] > best):
                                best, where = image[i][j][c], (i, j)
                    pooled[h][w][c] = best
                    if dy is not None:
                        back[where[0]][where[1]][c] = dy[b][h][w][c]
        y.append(pooled)
        dx.append(back)
    return y, dx


def relu(x, dy):
    """(y, dx) of a list."""
    return [max(0.0, v) for v in x], [d if v > 0 else 0.0 for v, d in zip(x, dy, strict=True)]


def linear(x, weights, bias):
    """y[b][f]."""
    return [[bias[f] + sum(row[d] * weights[d][f] for d in range(len(row))) for f in range(len(bias))] for row in x]


def softmax(row):
    """Of one list."""
    e = [math.exp(v) for v in row]
    return [v / sum(e) for v in e]


def cross_entropy(logits, label):
    """-log softmax(logits)[label], of one list."""
    return -math.log(softmax(logits)[label])


def l2_normalize(row, eps):
    """Of one list."""
    length = max(math.sqrt(sum(v * v for v in row)), eps)
    return [v / length for v in row]


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def lstm(x, state, w_x, w_h, bias, mask=None, reverse=False):
    """(y[b][t][j], state[2][b][j] after the walk), from nested lists x[b][t][d]."""
    width = len(w_h)
    y, last_h, last_c = [], [], []
    for b, sentence in enumerate(x):
        h, c = list(state[0][b]), list(state[1][b])
        out = [None] * len(sentence)
        for t in sorted(range(len(sentence)), reverse=reverse):
            if mask is None or mask[b][t]:
                z = [bias[j] + sum(v * w_x[d][j] for d, v in enumerate(sentence[t]))
                     + sum(v * w_h[d][j] for d, v in enumerate(h)) for j in range(4 * width)]
                i, f, g, o = (z[block * width:(block + 1) * width] for block in range(4))
                c = [sigmoid(f[j]) * c[j] + sigmoid(i[j]) * math.tanh(g[j]) for j in range(width)]
                h = [sigmoid(o[j]) * math.tanh(c[j]) for j in range(width)]
            out[t] = list(h)
        y.append(out)
        last_h.append(h)
        last_c.append(c)
    return y, [last_h, last_c]


def additive_attention(queries, sources, w_query, w_source, v, mask=None):
    """(context[b][t][d], weights[b][t][s])."""
    contexts, weights = [], []
    for b, sentence in enumerate(queries):
        contexts.append([])
        weights.append([])
        places = [s for s in range(len(sources[b])) if mask is None or mask[b][s]]
        for query in sentence:
            scores = []
            for s in places:
                scores.append(sum(
                    v[a] * math.tanh(sum(y * w_query[d][a] for d, y in enumerate(query))
                                     + sum(x * w_source[d][a] for d, x in enumerate(sources[b][s])))
                    for a in range(len(v))))
            share = dict(zip(places, softmax(scores), strict=True))
            contexts[-1].append([sum(share[s] * sources[b][s][d] for s in places) for d in range(len(sources[b][0]))])
            weights[-1].append([share.get(s, 0.0) for s in range(len(sources[b]))])
    return contexts, weights


def masked_cross_entropy(row, label, there, smoothing):
    """Of one list."""
    if not there:
        return 0.0
    top = max(row)
    log_sum = top + math.log(sum(math.exp(v - top) for v in row))
    q = [smoothing / len(row) + (1 - smoothing) * (j == label) for j in range(len(row))]
    return -sum(q_j * (v - log_sum) for q_j, v in zip(q, row, strict=True))
