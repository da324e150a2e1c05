"""What a batch of sentences must look like: tokens of the vocabulary, then padding, and no row without a token."""

import numpy as np

from refmem.arrays import Array, ArrayModule, check_labels, check_rank, module_of, to_host

from reference_models.seq2seq.size import PAD


def check(name: str, tokens: Array, vocabulary: int, xp: ArrayModule) -> None:
    """Raise a `ValueError` or `TypeError` unless these are sentences [B, .] for a model whose arrays are of `xp`."""
    check_rank(name, tokens, 2)
    if module_of(tokens) is not xp:
        raise TypeError(f"{name} must be an array of {xp.__name__} like the model, "
                        f"got one of {module_of(tokens).__name__}")
    check_labels(name, tokens.reshape(-1), tokens.size, vocabulary)
    there = to_host(tokens != PAD)
    empty = np.flatnonzero(~there.any(axis=1))
    if len(tokens) == 0 or empty.size:
        raise ValueError(f"{name} must have a token in each row, got "
                         + (f"none in row {empty[0]}" if empty.size else "no rows"))
    if (there[:, 1:] & ~there[:, :-1]).any():
        raise ValueError(f"{name} must have its padding (token {PAD}) after all tokens of a row")
