"""Adam: a step per weight, from the running mean of its gradient and of its square.    (Kingma & Ba 2015, LTRRE §4)

    m_t = b1 m_{t-1} + (1 - b1) g_t                  m_hat = m_t / (1 - b1^t)
    v_t = b2 v_{t-1} + (1 - b2) g_t^2                v_hat = v_t / (1 - b2^t)

Two forms are in use, which differ in where epsilon stands:

    "paper"         w <- w - rate * m_hat / (sqrt(v_hat) + eps)                                Algorithm 1; PyTorch
    "epsilon_hat"   w <- w - rate * sqrt(1 - b2^t) / (1 - b1^t) * m_t / (sqrt(v_t) + eps)      end of §2; TensorFlow

The second divides epsilon by sqrt(1 - b2^t) without saying so: at t = 1 that makes it 31.6 times larger. With the
1e-4 of the released LTRRE code this is the difference between a slow start and none.
"""

from dataclasses import dataclass, field

from refmem.arrays import Array, module_of

FORMS = ("paper", "epsilon_hat")


@dataclass(frozen=True)
class Adam:
    """The constants of the optimiser. Its memory is an `AdamState`."""

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    form: str = "paper"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {self.form!r}")
        for name in ("rate", "epsilon"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {getattr(self, name)}")


@dataclass
class AdamState:
    """Steps taken so far, and m and v of every weight."""

    step: int = 0
    first: dict[str, Array] = field(default_factory=dict)  # m
    second: dict[str, Array] = field(default_factory=dict)  # v


def start(params: dict[str, Array]) -> AdamState:
    """The state before the first step: both means zero."""
    xp = {name: module_of(w, name) for name, w in params.items()}
    return AdamState(0, {name: xp[name].zeros_like(w) for name, w in params.items()},
                     {name: xp[name].zeros_like(w) for name, w in params.items()})


def update(params: dict[str, Array], gradients: dict[str, Array], state: AdamState, adam: Adam, *,
           factor: float = 1.0) -> None:
    """One step, in place on `params` and `state`. The gradients are left as they are.

    Parameters
    ----------
    params, gradients : dict of float arrays
        The same names, shapes and dtypes.
    factor : float
        What a schedule makes of the rate.

    Raises
    ------
    ValueError
        If the three do not speak of the same weights.
    """
    if not params.keys() == gradients.keys() == state.first.keys() == state.second.keys():
        odd = sorted((params.keys() ^ gradients.keys()) | (params.keys() ^ state.first.keys()))
        raise ValueError(f"params, gradients and state must have the same names; these are not in all: {odd}")
    for name, w in params.items():
        if gradients[name].shape != w.shape or gradients[name].dtype != w.dtype:
            raise ValueError(f"gradients[{name!r}] must be {w.dtype} of shape {w.shape}, got "
                             f"{gradients[name].dtype} of shape {gradients[name].shape}")

    state.step += 1
    bias1 = 1 - adam.beta1**state.step
    bias2 = 1 - adam.beta2**state.step
    # Both forms are rate' * m / (sqrt(v) + eps'), since sqrt(v_hat) + eps = (sqrt(v) + eps sqrt(bias2)) / sqrt(bias2).
    rate = adam.rate * factor * bias2**0.5 / bias1
    epsilon = adam.epsilon if adam.form == "epsilon_hat" else adam.epsilon * bias2**0.5

    for name, w in params.items():
        g, m, v = gradients[name], state.first[name], state.second[name]
        m *= adam.beta1
        m += (1 - adam.beta1) * g
        v *= adam.beta2
        v += (1 - adam.beta2) * g * g
        w -= rate * m / (module_of(v).sqrt(v) + epsilon)
