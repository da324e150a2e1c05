"""The recorded steps of the released memory, where the data folder has them; else the tests that ask are skipped."""

import numpy as np

from support import data

CASES = ("A_d8_m32_k8_b4", "B_d16_m64_k64_b4", "D_d8_m32_k16_b6_cit3", "I_d6_m12_k12_b3_negsims")
NAMES = tuple(f"{case}_{hint}_{dtype}" for case in CASES for hint in ("norecent", "recent") for dtype in ("f32", "f64"))


def load(name):
    """Arrays [T, ...] and scalars of one trace, by name."""
    with np.load(data.folder("tf2017_traces") / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] if stored[key].ndim else stored[key].item() for key in stored.files}
