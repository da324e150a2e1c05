"""Learning to recognise a class from one example: a CNN whose last layer is a key, and a memory.    (LTRRE §2)"""

from reference_models.classifier.model import Cache, Classifier

__all__ = ["Cache", "Classifier"]
