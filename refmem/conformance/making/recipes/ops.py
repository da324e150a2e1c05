"""The operations of the CNN."""

from typing import Any

import numpy as np

from refmem.conformance.making.recipe import Draw, Recipe


def recipes() -> list[Recipe]:
    """All cases of all operations."""
    return [*_conv2d(), *_max_pool2d(), *_relu(), *_linear(), *_dropout(), *_l2_normalize(), *_softmax(),
            *_cross_entropy()]


def op(group: str, name: str, rules: tuple[str, ...], title: str, inputs: dict[str, Any], check: tuple[str, ...],
       flags: tuple[str, ...] = (), **config: Any) -> Recipe:
    """A recipe of one operation; what it checks says which level it is of."""
    level = "L2" if check[0].startswith("d_") else "L1"
    return Recipe(group, name, tuple(f"{group}.{rule}" for rule in rules), level, title, check, [inputs], None, config,
                  None, {}, flags)


def _conv2d() -> list[Recipe]:
    draw = Draw(41)
    x, tall = draw.numbers(2, 3, 4, 2), draw.numbers(1, 4, 5, 1)
    inside = np.zeros((1, 5, 5, 1))
    inside[0, 2, 2, 0] = 1.0
    kernels, wide, bias = draw.numbers(3, 3, 2, 3), draw.numbers(3, 5, 1, 2), draw.numbers(3)
    none = np.zeros(3)
    return [
        op("conv2d", "cross-correlation", ("cross-correlation",),
           "the kernel is not flipped: one pixel shows it turned",
           {"x": inside, "kernels": draw.numbers(3, 3, 1, 2), "bias": np.zeros(2)}, ("y",)),
        op("conv2d", "same-padding", ("same-padding", "cross-correlation"), "zeros around the image keep its size",
           {"x": tall, "kernels": wide, "bias": np.zeros(2)}, ("y",)),
        op("conv2d", "bias", ("bias", "cross-correlation", "same-padding"), "each filter adds its bias",
           {"x": x, "kernels": kernels, "bias": bias}, ("y",)),
        op("conv2d", "gradient", ("gradient", "cross-correlation", "same-padding", "bias"),
           "gradients of image, kernels and bias",
           {"x": x, "kernels": kernels, "bias": none, "d_y": draw.numbers(2, 3, 4, 3)},
           ("d_x", "d_kernels", "d_bias")),
    ]


def _max_pool2d() -> list[Recipe]:
    draw = Draw(42)
    tied = np.array([[1.0, 1, 0, 2], [1, 1, 2, 2], [0, -1, 3, 3], [0, 0, 1, 3]]).reshape(1, 4, 4, 1)
    return [
        op("max_pool2d", "largest", ("largest",), "the largest of each window", {"x": draw.numbers(2, 4, 6, 2)},
           ("y",)),
        op("max_pool2d", "odd-sizes", ("odd-sizes", "largest"),
           "a window that sticks out takes the largest of what it covers",
           {"x": -1.5 + draw.numbers(1, 3, 5, 2)}, ("y",)),
        op("max_pool2d", "gradient", ("gradient", "largest"), "the gradient goes to the largest",
           {"x": draw.numbers(1, 4, 4, 2), "d_y": draw.numbers(1, 2, 2, 2)}, ("d_x",)),
        op("max_pool2d", "first-maximum", ("first-maximum", "gradient", "largest"),
           "of equal elements the first takes the gradient",
           {"x": tied, "d_y": draw.numbers(1, 2, 2, 1)}, ("d_x",), ("Tie", "Kink")),
    ]


def _relu() -> list[Recipe]:
    draw = Draw(43)
    return [
        op("relu", "forward", ("forward",), "max(x, 0)", {"x": draw.numbers(3, 4)}, ("y",)),
        op("relu", "gradient", ("gradient",), "the slope is 0 or 1",
           {"x": draw.numbers(3, 4), "d_y": draw.numbers(3, 4)}, ("d_x",)),
        op("relu", "at-zero", ("at-zero",), "the slope at 0 is 0", {"x": np.zeros((1, 3)), "d_y": draw.numbers(1, 3)},
           ("d_x",), ("Kink",)),
    ]


def _linear() -> list[Recipe]:
    draw = Draw(44)
    x, square, bias = draw.numbers(4, 3), draw.numbers(3, 3), draw.numbers(3)
    return [
        op("linear", "forward", ("forward",), "y = x W + b", {"x": x, "weights": square, "bias": np.zeros(3)},
           ("y",)),
        op("linear", "bias", ("bias", "forward"), "the bias is added once a row",
           {"x": x, "weights": square, "bias": bias}, ("y",)),
        op("linear", "gradient", ("gradient", "forward", "bias"), "gradients of input, weights and bias",
           {"x": x, "weights": square, "bias": bias, "d_y": draw.numbers(4, 3)}, ("d_x", "d_weights", "d_bias")),
    ]


def _dropout() -> list[Recipe]:
    draw = Draw(45)
    x, uniforms = draw.numbers(3, 5), (draw.numbers(3, 5) + 1) / 2
    return [
        op("dropout", "inverted", ("inverted", "keep-is-probability"), "what is kept is scaled by 1 / keep",
           {"x": x, "uniforms": uniforms}, ("y",),
           keep=0.3),
        op("dropout", "keep-is-probability", ("keep-is-probability", "inverted"),
           "keep is the probability to stay: u < keep",
           {"x": np.sign(x), "uniforms": uniforms}, ("y",), keep=0.75),
        op("dropout", "gradient", ("gradient", "inverted", "keep-is-probability"),
           "the gradient goes through the same mask",
           {"x": x, "uniforms": uniforms, "d_y": draw.numbers(3, 5)}, ("d_x",), keep=0.6),
    ]


def _l2_normalize() -> list[Recipe]:
    draw = Draw(46)
    x = draw.numbers(3, 4) * [[1.0], [30.0], [0.01]]
    small = draw.numbers(2, 4, scale=1e-7)
    small[1] = 0.0
    return [
        op("l2_normalize", "forward", ("forward",), "each row has length 1", {"x": x}, ("y",)),
        op("l2_normalize", "short-rows", ("short-rows",),
           "a row shorter than 1e-6 is divided by 1e-6; zero stays zero",
           {"x": small}, ("y",)),
        op("l2_normalize", "gradient", ("gradient", "forward"), "what is along y is taken away from the gradient",
           {"x": x, "d_y": draw.numbers(3, 4)}, ("d_x",)),
        op("l2_normalize", "short-rows-gradient", ("short-rows",), "of a short row nothing is taken away",
           {"x": small, "d_y": draw.numbers(2, 4)}, ("d_x",)),
    ]


def _softmax() -> list[Recipe]:
    draw = Draw(47)
    x = draw.numbers(3, 5, scale=3.0)
    return [
        op("softmax", "forward", ("forward",), "exp(x) / sum exp(x), a row", {"x": x}, ("y",)),
        op("softmax", "large-scores", ("large-scores", "forward"), "scores of 1000 do not overflow",
           {"x": np.array([[1000.0, 999.0, 998.5], [-1000.0, -1001.0, -1000.25]])}, ("y",)),
        op("softmax", "gradient", ("gradient", "forward"), "y (dy - <dy, y>)", {"x": x, "d_y": draw.numbers(3, 5)},
           ("d_x",)),
    ]


def _cross_entropy() -> list[Recipe]:
    draw = Draw(48)
    logits, labels = draw.numbers(3, 4, scale=2.0), [2, 0, 3]
    return [
        op("softmax_cross_entropy", "forward", ("forward",), "one loss a row, neither summed nor averaged",
           {"logits": logits, "labels": labels}, ("loss",)),
        op("softmax_cross_entropy", "large-scores", ("large-scores", "forward"),
           "no probability is rounded to 0 first",
           {"logits": np.array([[1000.0, 0.0, -500.0], [0.0, 300.0, -1000.0]]), "labels": [1, 2]}, ("loss",)),
        op("softmax_cross_entropy", "gradient", ("gradient", "forward"),
           "softmax less one-hot, times the row's cotangent",
           {"logits": logits, "labels": labels, "d_loss": draw.numbers(3)}, ("d_logits",)),
    ]
