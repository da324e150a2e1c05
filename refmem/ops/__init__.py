"""The differentiable operations, one a file: `forward(inputs) -> (output, cache)`, `backward(d_output, cache)`."""
