"""Translation: sentences and their translations, as tokens, in batches, and how good a translation is.    (LTRRE §4)"""

from reference_models.tasks.translation.batches import (
    LONGEST,
    Array,
    Batch,
    Encoded,
    Vocabularies,
    batch,
    encode,
    epoch,
    padded,
)

__all__ = ["LONGEST", "Array", "Batch", "Encoded", "Vocabularies", "batch", "encode", "epoch", "padded"]
