"""Every choice that "Using Fast Weights to Attend to the Recent Past" (FW) leaves open, and what public programs do.

A `Choices` settles what belongs to the recurrence: `FW2016` follows the text, and for what the text does not say takes
what was measured to learn. The others are public programs, as far as they can be followed:

    point                              FW2016                    elsewhere
    ---------------------------------  ------------------------  ---------------------------------------------------
    lambda                             0.95, as in the body      0.9, as in the appendix on associative retrieval
    which h enters A                   h(t), the settled state   h_0(t+1): jiamings, gokumohandas
    what step t+1 reads                A(t), with h(t) in it     A(t-1): waymane1
    layer norm runs over               the features of a row     the batch: jiamings, victorwz
    layer norm on h_0                  no: eq. 5 has it inside   yes: waymane1
    gain and bias of the inner steps   shared                    one pair each: waymane1
    C is drawn from                    U(+-1/sqrt(R))            U(+-sqrt(R)), as printed: jiamings
    lambda and eta                     constants                 learned: victorwz

Of these, layer norm on h_0 is what makes a run get stuck: it makes A h_0 about 100 times as large as W h + C x at
first, and the query drowns in it. What belongs to a task is settled beside the task: letters, digits and output classes
in `reference_models/tasks/retrieval.py`, the order of the glimpses in `reference_models/tasks/glimpses/order.py`, the
rules of the game in `reference_models/tasks/catch.py`.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Choices:
    """One consistent set of choices. Change a field with `dataclasses.replace(FW2016, steps=3)`."""

    name: str
    """What reports call it."""

    steps: int = 1
    """S, the iterations of the inner loop. FW appendix A.1: 1 for associative retrieval, more were "similar".
    0 leaves an RNN without fast weights."""

    decay: float = 0.95
    """lambda, where it begins if it is learned. FW §3 and appendix A.1 differ: 0.95, 0.9."""

    rate: float = 0.5
    """eta, where it begins if it is learned."""

    learned: bool = False
    """Whether lambda and eta are parameters. FW: chosen by hand."""

    norm: Literal["features", "batch", "none"] = "features"
    """Over what the layer norm of eq. 5 runs, or "none" for eq. 2."""

    norm_start: bool = False
    """Whether h_0(t+1) is normalised too. FW eq. 5 has the norm inside the inner loop and is silent about h_0."""

    norm_shared: bool = True
    """Whether all normalisations share one gain and bias. FW does not say."""

    epsilon: float = 1e-5
    """Added to the variance. FW does not say."""

    stored: Literal["final", "preliminary"] = "final"
    """Which state enters A: h(t) (FW eq. 1), or h_0(t+1), which then finds itself in A(t) in its own inner loop."""

    lag: bool = False
    """Whether step t+1 reads A(t-1), which does not yet hold h(t). FW eq. 2 reads A(t)."""

    input_scale: Literal["inverse", "printed"] = "inverse"
    """C ~ U(+-1/sqrt(R)) or, as FW §4 prints it, U(+-sqrt(R)): 40 % error where the other reaches 1 %."""

    recurrent_scale: float = 0.05
    """W = recurrent_scale * I at first. FW appendix A.1: 0.05 for fast weights, 0.5 for the IRNN."""

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError(f"steps must be a whole number of at least 0, got {self.steps!r}")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay must lie in [0, 1], got {self.decay!r}")
        for name in ("rate", "recurrent_scale"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be a number of at least 0, got {getattr(self, name)!r}")
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise ValueError(f"epsilon must be positive, got {self.epsilon!r}")
        for name, known in (("norm", ("features", "batch", "none")), ("stored", ("final", "preliminary")),
                            ("input_scale", ("inverse", "printed"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.norm_start and self.norm == "none":
            raise ValueError("norm_start asks for a layer norm on h_0, and norm is 'none'")
        if self.lag and self.stored == "preliminary":
            raise ValueError("lag belongs to stored='final'; a preliminary state is read at once")

    @property
    def norms(self) -> int:
        """How many pairs of gain and bias there are: 0, 1, or one for each place of a normalisation."""
        places = 0 if self.norm == "none" else self.steps + self.norm_start
        return min(places, 1) if self.norm_shared else places

    @property
    def plain(self) -> bool:
        """Whether the settled state is stored and read at once, and a norm runs over rows: as the text has it."""
        return self.norm != "batch" and self.stored == "final" and not self.lag


FW2016 = Choices("fw2016")

JIAMINGS = Choices("jiamings", decay=0.9, norm="batch", stored="preliminary", input_scale="printed", epsilon=1e-12)
"""github.com/jiamings/fast-weights. It has no epsilon at all; 1e-12 is as near as a number can come."""

VICTORWZ = dataclasses.replace(JIAMINGS, name="victorwz", learned=True)
"""github.com/Victorwz/fast-weights-pytorch, a port of the former. (It starts the bias of the norm at 1.)"""

GOKUMOHANDAS = Choices("gokumohandas", stored="preliminary")
"""github.com/GokuMohandas/fast-weights, with its layer norm as meant: as written, its shapes do not fit."""

WAYMANE1 = Choices("waymane1", norm_start=True, norm_shared=False, lag=True)
"""github.com/waymane1/fast-weights-rnn."""

CHOICES = {choices.name: choices for choices in (FW2016, JIAMINGS, VICTORWZ, GOKUMOHANDAS, WAYMANE1)}


def differences(one: Choices, other: Choices) -> dict[str, tuple[object, object]]:
    """The fields in which two differ, by name."""
    a, b = dataclasses.asdict(one), dataclasses.asdict(other)
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}
