"""A recurrent network with fast weights, through time and through its inner loop.

    h_0(t+1)     = f(W h(t) + C x(t))
    h_{s+1}(t+1) = f(LN[W h(t) + C x(t) + A(t) h_s(t+1)]),    s = 0 .. S-1                    (FW eq. 2, 5)
    h(t+1)       = h_S(t+1)
    A(t)         = lambda A(t-1) + eta h(t) h(t)^T                                            (FW eq. 1)

f is the rectifier. W h(t) + C x(t) is computed once a step and held while the state settles: the sustained boundary
condition. The products C x(t) come in ready-made, since those of all steps are one product of matrices.

Everything here follows `Choices`. Two forms of the fast weights are at hand, which agree up to rounding:
"attention" (`fast_weights_by_attention`), and "matrix" (`fast_weights_by_matrix`).
"""

from typing import Literal, NamedTuple, TypeAlias

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops import fast_weights_by_attention, fast_weights_by_matrix, layer_norm
from refmem.ops.fast_weights_by_attention import Read, Weights
from refmem.ops.fast_weights_choices import FW2016, Choices

Form: TypeAlias = Literal["attention", "matrix"]
FORMS = {"attention": fast_weights_by_attention, "matrix": fast_weights_by_matrix}


class Step(NamedTuple):
    """One step of time: what happened while the state settled."""

    states: list[Array]  # h_0 .. h_S, each [B, R]
    norms: list[layer_norm.Cache | None]  # of h_0 .. h_S
    reads: list[Read]  # of A h_0 .. A h_{S-1}


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    hidden: Array  # [B, T, R] h
    recurrent: Array  # [R, R] W
    start: Array  # [B, R] h before the first step
    norm_rows: int  # how many gains there are
    weights: Weights
    steps: list[Step]
    choices: Choices
    store: bool


def forward(inputs: Array, recurrent: Array, start: Array, past: Array, decay: Array, rate: Array, gain: Array,
            bias: Array, *, choices: Choices = FW2016, form: Form = "attention",
            store: bool = True) -> tuple[Array, Cache]:
    """The hidden states of a batch of sequences.

    Parameters
    ----------
    inputs : [B, T, R] float
        C x(t) for each step.
    recurrent : [R, R], dtype of `inputs`, as all others
        W^T: a row of states is multiplied from the left.
    start : [B, R]
        h before the first step.
    past : [B, P, R]
        The states that are in the fast weights already, oldest first; P = 0 at the start of a sequence.
    decay, rate : []
        lambda and eta. (Those of `choices` are only where they begin.)
    gain, bias : [N, R]
        Of the layer norm, N = `choices.norms`.
    choices : Choices
    form : "attention" or "matrix"
        How the fast weights are kept.
    store : bool
        Whether the states of this stretch enter the fast weights. Without, all its steps read the same past.

    Returns
    -------
    hidden : [B, T, R], dtype of `inputs`
    cache : Cache
        `stored(cache)` is the past with which a following stretch begins.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or `form` is unknown.
    TypeError
        If `inputs` is not float32 or float64, or the others are of another dtype.
    """
    check_arguments(inputs, recurrent, start, past, decay, rate, gain, bias, choices)
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
    batch, length, width = inputs.shape
    hidden = module_of(inputs).empty_like(inputs)  # [B, T, R]
    weights = FORMS[form].Weights(past, length if store else 0, decay, rate)
    norms = [(gain[row], bias[row]) for row in range(choices.norms)]
    steps = []
    state = start
    for t in range(length):
        # spec: fast_weights_rnn.boundary -- W h(t) + C x(t) is computed once and held through the inner loop (FW eq. 2)
        boundary = inputs[:, t] + state @ recurrent  # [B, R]
        step = Step([], [], [])
        # spec: fast_weights_rnn.start -- h_0 = f(W h + C x), without the fast weights and without layer norm (FW §3)
        _settle(step, boundary, choices.norm_start, norms, choices)
        preliminary = store and choices.stored == "preliminary"
        if preliminary:
            weights.store(step.states[0])
        # spec: fast_weights_rnn.no-lag -- step t+1 reads A(t), in which h(t) is already (FW eq. 1, 2)
        known = max(0, weights.count - (choices.lag and store))
        # spec: fast_weights_rnn.inner-loop -- S times, h_{s+1} = f(LN[W h + C x + A h_s]) with the same A (FW eq. 2, 5)
        for _ in range(choices.steps):
            answer, of_read = weights.read(step.states[-1], known)  # [B, R]
            step.reads.append(of_read)
            _settle(step, boundary + answer, choices.norm != "none", norms, choices)
        state = hidden[:, t] = step.states[-1]
        # spec: fast_weights_rnn.stored -- what enters A is the settled state h_S, not h_0 (FW eq. 1)
        if store and not preliminary:
            weights.store(state)
        steps.append(step)
    return hidden, Cache(hidden, recurrent, start, choices.norms, weights, steps, choices, store)


def stored(cache: Cache) -> Array:
    """The states in the fast weights after the last step, oldest first: [B, P + T, R], or [B, P, R] without `store`."""
    return cache.weights.past


def _settle(step: Step, total: Array, normed: bool, norms: list[tuple[Array, Array]], choices: Choices) -> None:
    """Append f(LN[total]) to the states of a step, or f(total)."""
    norm = None
    if normed:
        gain, bias = norms[_row(step, choices)]
        over: layer_norm.Over = "batch" if choices.norm == "batch" else "features"
        total, norm = layer_norm.forward(total, gain, bias, eps=choices.epsilon, over=over)
    step.norms.append(norm)
    step.states.append(module_of(total).maximum(total, total.dtype.type(0)))


def _row(step: Step, choices: Choices) -> int:
    """Which gain and bias the next normalisation of this step has."""
    return 0 if choices.norm_shared else sum(norm is not None for norm in step.norms)


# Going back in time, each h(t) has up to three readers: the loss, the next step through W, and the fast weights of all
# later steps. Let dh be the sum of the three. Within the step, from s = S down to 1,
#
#     dz = f'(h_s) dh             through the rectifier
#     dn = LN'(dz)                through the norm
#     d_boundary += dn            the boundary is part of each iteration's sum
#     dh  = A(t)^T dn             h_{s-1} asked the fast weights; what the answer owes to the stored states is
#                                 noted down, and paid when time has gone back to them
#
# and last d_boundary += f'(h_0) dh (through its norm, if it has one). The boundary was inputs + h(t) W^T, so
#
#     d_inputs = d_boundary,    d_recurrent = sum_t h(t)^T d_boundary(t+1),    dh(t) gets d_boundary(t+1) W.


# spec: fast_weights_rnn.gradient -- exact, through time, through all S iterations, and through each later read of a
#     stored state (derived)
def backward(d_hidden: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_hidden : [B, T, R]
        Gradient of the loss with respect to `hidden`.

    Returns
    -------
    d_inputs : [B, T, R]
    d_recurrent : [R, R]
    d_start : [B, R]
    d_past : [B, P, R]
    d_decay, d_rate : []
    d_gain, d_bias : [N, R]
    """
    check_shape("dy", d_hidden, cache.hidden.shape)
    check_dtype("dy", d_hidden, cache.hidden.dtype)
    hidden, recurrent, start, rows, weights, steps, choices, store = cache
    xp = module_of(d_hidden)
    batch, length, width = hidden.shape
    back = weights.backward()
    d_inputs = xp.empty_like(hidden)  # [B, T, R], which is d_boundary too
    d_norms = xp.zeros((2, rows, width), dtype=hidden.dtype)  # of gain and bias
    dh = xp.zeros_like(start)  # [B, R]
    for t in range(length - 1, -1, -1):
        step = steps[t]
        dh = dh + d_hidden[:, t]
        if store and choices.stored == "final":
            dh = dh + back.stored_gradient()
        d_boundary = None
        for s in range(choices.steps, -1, -1):
            if s == 0 and store and choices.stored == "preliminary":
                dh = dh + back.stored_gradient()
            dn = dh * (step.states[s] > 0)  # [B, R]
            norm = step.norms[s]
            if norm is not None:
                row = 0 if choices.norm_shared else sum(before is not None for before in step.norms[:s])
                dn, d_gain, d_bias = layer_norm.backward(dn, norm)
                d_norms[0, row] += d_gain
                d_norms[1, row] += d_bias
            d_boundary = dn if d_boundary is None else d_boundary + dn
            if s > 0:
                dh = back.query_gradient(dn, step.reads[s - 1])
        d_inputs[:, t] = d_boundary
        dh = d_boundary @ recurrent.T
    before = xp.concatenate([start[:, None], hidden[:, :-1]], axis=1)[:, :length]  # [B, T, R] h at the start of a step
    d_recurrent = before.reshape(-1, width).T @ d_inputs.reshape(-1, width)  # [R, R]
    return d_inputs, d_recurrent, dh, *back.rest(), d_norms[0], d_norms[1]


def check_arguments(inputs: Array, recurrent: Array, start: Array, past: Array, decay: Array, rate: Array, gain: Array,
                    bias: Array, choices: Choices) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("inputs", inputs)
    check_rank("inputs", inputs, 3)
    batch, _, width = inputs.shape
    check_rank("past", past, 3)
    for name, array, shape in (("recurrent", recurrent, (width, width)), ("start", start, (batch, width)),
                               ("past", past, (batch, past.shape[1], width)), ("decay", decay, ()),
                               ("rate", rate, ()), ("gain", gain, (choices.norms, width)),
                               ("bias", bias, (choices.norms, width))):
        check_shape(name, array, shape)
        check_dtype(name, array, inputs.dtype)
