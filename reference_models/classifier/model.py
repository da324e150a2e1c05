"""Learning to recognise a class from one image: a convolutional network, and the memory behind it.    (LTRRE §2.1)

    image -> q = embedding -> memory -> value of the nearest key

The network learns from the memory's margin loss, slowly; the memory learns a class from one image, at once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_finite, check_float, check_rank, check_shape
from refmem.memory import memory as memory_module
from refmem.memory.memory import Memory, MemoryOutput
from refmem.memory.profiles import PAPER, Profile

from reference_models.classifier import embedding
from reference_models.classifier.embedding import SIZES, Size
from reference_models.classifier.feature_maps import CONVOLUTIONS


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    embedding: embedding.Cache
    memory: memory_module.Cache


class Classifier:
    """The network and its memory.

    Parameters
    ----------
    size : "recipe", "paper", "released", or a `Size`
    memory_size, profile, vocab_size
        Of the memory.
    conv : "plain", "im2col", "columns" or "winograd", optional
        Which twin of the convolution; see `refmem.ops`. By default the fastest for the device.
    shards : int
        Into how many parts the batch is split, to be worked on side by side. The results are the same bits on any
        number of cores, but differ by rounding from one number of shards to another.
    dtype : float32 or float64
    seed : int
        For the initial weights.
    xp : module
        `numpy`, or `cupy` to work on the GPU.
    search : str
        How the memory finds neighbours: a name of `refmem.neighbours`.

    Attributes
    ----------
    params : dict
        Those of the network and, where the profile has one, "query_projection": the memory's own array.
    memory : Memory
    """

    def __init__(self, size: str | Size = "recipe", *, memory_size: int, profile: Profile = PAPER,
                 vocab_size: int | None = None, conv: str | None = None, shards: int = 2,
                 dtype: npt.DTypeLike = np.float32, seed: int = 0, xp: ArrayModule = np,
                 search: str = "exact") -> None:
        if isinstance(size, str) and size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}, got {size!r}")
        if conv is None:
            conv = "winograd" if xp is np else "columns"
        if conv not in CONVOLUTIONS:
            raise ValueError(f"conv must be one of {', '.join(CONVOLUTIONS)}, got {conv!r}")
        if shards < 1:
            raise ValueError(f"shards must be at least 1, got {shards}")
        self.size = SIZES[size] if isinstance(size, str) else size
        self.conv, self.shards = conv, shards
        self.memory = Memory(self.size.fully_connected[-1], memory_size, profile=profile, vocab_size=vocab_size,
                             dtype=dtype, seed=seed, xp=xp, search=search)
        drawn = embedding.initial_params(self.size, np.random.default_rng(seed), dtype)
        self.params = {name: xp.asarray(weights) for name, weights in drawn.items()} | self.memory.params

    def embed(self, images: Array) -> Array:
        """The queries of images [B, 28, 28, 1], without dropout: [B, D]."""
        self._check(images)
        return self._embed(images, None)[0]

    def forward(self, images: Array, labels: Array | None = None, *, update: bool = True, training: bool = False,
                rng: np.random.Generator | None = None,
                sources: Array | None = None) -> tuple[MemoryOutput, Cache]:
        """Name each image and, where labels are given, write it to the memory.

        Parameters
        ----------
        images : [B, 28, 28, 1], dtype of the classifier
        labels, update, sources
            As in `Memory.forward`.
        training : bool
            Whether dropout is on.
        rng : numpy.random.Generator, optional
            For dropout, first, and then for the memory's age noise.

        Returns
        -------
        output : MemoryOutput
        cache : Cache

        Raises
        ------
        ValueError, TypeError
            If an argument is wrong, or dropout has no `rng`. The memory is then as it was.
        """
        self._check(images)
        scale = None
        if training and self.size.keep < 1:
            if rng is None:
                raise ValueError("rng must be given for training with dropout, got None")
            scale = embedding.dropout_scale(self.size, images, rng)
        q, embedded = self._embed(images, scale)
        for name in self.memory.params:  # an optimiser may have put a new array in the place of the old one
            self.memory.params[name] = self.params[name]
        output, memory_cache = self.memory.forward(q, labels, update=update, rng=rng, sources=sources)
        return output, Cache(embedded, memory_cache)

    def backward(self, cache: Cache, *, d_loss: float = 1.0) -> dict[str, Array]:
        """The gradient of `d_loss * output.loss` with respect to `params`, under the same names."""
        dq, d_memory = self.memory.backward(cache.memory, d_loss=d_loss)
        return embedding.embed_backward(dq, cache.embedding)[0] | d_memory

    def _check(self, images: Array) -> None:
        check_float("images", images)
        check_rank("images", images, 4)
        check_shape("images", images, (len(images), embedding.SIDE, embedding.SIDE, 1))
        check_finite("images", images)

    def _embed(self, images: Array, scale: Array | None) -> tuple[Array, embedding.Cache]:
        return embedding.embed(self.params, images, conv=self.conv, scale=scale, shards=self.shards)
