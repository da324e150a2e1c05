"""Every choice on which the paper and the code released with it differ.

The text of "Learning to Remember Rare Events" (LTRRE) leaves some points open and the released TensorFlow code settles
them, sometimes against the text. A `Profile` settles all of them: `PAPER` follows the text, `TF2017` follows the
released `memory.py` to the last bit that can be observed. Numbers and switches are fields below; where whole
formulas differ, sibling functions stand side by side in `read.py`, `loss.py` and `write.py`, and `rules` picks between
them. `deviations.py` lists the differences in words, and `refmem spec diff paper tf2017` prints them.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

EMPTY = -1
"""The value of an empty slot under the rules of the paper: no class."""


@dataclass(frozen=True)
class Profile:
    """One consistent set of choices. Change a field with `dataclasses.replace(PAPER, k=16)`."""

    name: str
    """What reports call it."""

    rules: Literal["paper", "tf2017"]
    """Which of the sibling functions of reading, losing and writing are used."""

    k: int
    """Neighbours retrieved, at most the memory size. LTRRE §2: "we use k = 256"; `choose_k` in the released code."""

    alpha: float
    """Margin of the loss. LTRRE §2: 0.1; `alpha` in the released code."""

    inverse_temperature: float | None
    """t in softmax(t d_1, ..., t d_k). LTRRE §2: t = 40. None is the rule of the released code,
    max(1, ln(0.2 k) / alpha), which gives 39.36 for k = 256 and less in smaller memories."""

    query_projection: bool
    """Whether a trained [d, d] map without bias stands before the normalisation. Not in LTRRE; in the released code."""

    correct_in_top: int
    """An answer counts as correct when one of this many nearest neighbours has the right value.
    LTRRE §2: V[n_1] = v, so 1; `correct_in_top` in the released code, also 1."""

    age_noise: float
    """r_i is drawn from U[-age_noise, age_noise) when the oldest slot is chosen (slots, per batch).
    LTRRE §2 asks for |r_i| << |M| and gives no distribution; its reason is the race between asynchronous
    replicas, and there are none here, so `PAPER` draws nothing. The released code uses 8."""

    recent_hint: bool
    """Whether the slot last written for the label joins the pool as its last column. LTRRE §2 takes "any vector
    from memory with value v" when no neighbour has it; so the released code finds one. Only for `rules="tf2017"`."""

    empty_value: int
    """The value in an empty slot: `EMPTY` (no class), or 0 as released: label 0 is right in an empty memory."""

    def __post_init__(self) -> None:
        if self.rules not in ("paper", "tf2017"):
            raise ValueError(f"rules must be 'paper' or 'tf2017', got {self.rules!r}")
        for name in ("k", "correct_in_top"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise ValueError(f"alpha must be positive, got {self.alpha!r}")
        if self.inverse_temperature is not None and not 0 < self.inverse_temperature < math.inf:
            raise ValueError(f"inverse_temperature must be positive or None, got {self.inverse_temperature!r}")
        if not (math.isfinite(self.age_noise) and self.age_noise >= 0):
            raise ValueError(f"age_noise must be at least 0, got {self.age_noise!r}")
        if self.recent_hint and self.rules != "tf2017":
            raise ValueError("recent_hint belongs to the released rules; the paper's take the nearest right slot")
        if self.empty_value != (EMPTY if self.rules == "paper" else 0):
            raise ValueError(f"empty_value must be {EMPTY} under the paper's rules and 0 under the released ones, "
                             f"got {self.empty_value!r}")

    def neighbours_in(self, memory_size: int) -> int:
        """min(k, m): how many neighbours a memory of `memory_size` slots can give."""
        # spec: memory.read.k-at-most-memory -- a memory of m slots gives min(k, m) neighbours (released code)
        return min(self.k, memory_size)

    def temperature_in(self, memory_size: int) -> float:
        """t for a memory of `memory_size` slots."""
        if self.inverse_temperature is not None:
            # spec: memory.read.temperature -- t = 40 (LTRRE §2)
            return self.inverse_temperature
        # spec: tf2017.read.temperature -- t = max(1, ln(0.2 min(k, m)) / alpha) (released code)
        return max(1.0, math.log(0.2 * self.neighbours_in(memory_size)) / self.alpha)


PAPER = Profile(name="paper", rules="paper", k=256, alpha=0.1, inverse_temperature=40.0, query_projection=False,
                correct_in_top=1, age_noise=0.0, recent_hint=False, empty_value=EMPTY)

TF2017 = Profile(name="tf2017", rules="tf2017", k=256, alpha=0.1, inverse_temperature=None, query_projection=True,
                 correct_in_top=1, age_noise=8.0, recent_hint=True, empty_value=0)

PROFILES = {profile.name: profile for profile in (PAPER, TF2017)}


def differences(one: Profile, other: Profile) -> dict[str, tuple[object, object]]:
    """The fields in which two profiles differ, by name."""
    a, b = dataclasses.asdict(one), dataclasses.asdict(other)
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}
