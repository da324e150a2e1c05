"""What a batch leaves behind for its way back, and how that is dropped on the way.

All of it stands in lists, and the backward pass takes from their ends: what a layer kept is gone when its gradients are
made, before the layer below needs room for its own. Either the lists are the cache's own, and the cache is used up; or
they are copies of the lists, which cost nothing, hold on to the same arrays, and leave the cache as it was.
"""

from typing import NamedTuple

from refmem.arrays import Array

from reference_models.seq2seq import combine, layers, output
from reference_models.seq2seq.asking import Asked


class Above(NamedTuple):
    """Of what stands above the decoder, at the N true positions."""

    asked: Asked | None  # None without a memory
    combine: combine.Cache
    output: output.Cache | output.PlainCache
    tokens: int  # N


class Shard(NamedTuple):
    """Of encoder and decoder, for some rows of the batch."""

    rows: slice
    places: tuple[Array, Array]  # row in the shard, and step, of each of its n true positions
    encoder: layers.EncoderCache
    decoder: layers.DecoderCache

    def copy(self) -> "Shard":
        """The same with tapes of its own."""
        return self._replace(encoder=self.encoder._replace(tape=self.encoder.tape.copy()),
                             decoder=self.decoder._replace(tape=self.decoder.tape.copy()))


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    above: list[Above]  # one; none after a forward pass without gradients
    shards: list[Shard]  # none when the cache is used up
    shape: tuple[int, int]  # (B, T)

    def taken(self, release: bool) -> "Cache":
        """For one walk back: with `release` what is in here, and nothing is left; else the same with lists of its own.

        Raises
        ------
        ValueError
            If the cache is used up, or the forward pass was made without gradients.
        """
        if not self.shards:
            raise ValueError("cache was used up by a backward pass with release=True, and there is no second way back")
        if not self.above:
            raise ValueError("the forward pass was made without gradients, and there is no way back")
        taken = self._replace(above=self.above.copy(), shards=[shard.copy() for shard in self.shards])
        if release:
            self.above.clear()
            self.shards.clear()
        return taken
