"""The operations in plain Python: the equations, spelled out for single numbers in loops."""

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
