"""The fast-weights network, its rivals, and the networks of the paper's four tasks.    (FW)

What reads a sequence stands in `cores`, the fast weights themselves in `cores/fast_weights.py`; beside `cores` is what
is built on any of them.
"""

from reference_models.fast_weights.cores.fast_weights import FORMS, FastWeights, State, fastest_form

__all__ = ["FORMS", "FastWeights", "State", "fastest_form"]
