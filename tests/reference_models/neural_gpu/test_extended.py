"""The Extended Neural GPU and its memory: gradients against autograd, both tapes, what the memory sees and when."""

import numpy as np
import pytest

from reference_models import neural_gpu
from reference_models.neural_gpu.extended import ExtendedNeuralGPU
from reference_models.neural_gpu.extended_size import ExtendedSize
from reference_models.neural_gpu.tape import TAPES
from reference_models.neural_gpu.watching import watch
from refmem.conformance.making.in_torch import neural_gpu as ops_in_torch
from refmem.memory import PAPER, TF2017
from refmem.ops import cgru_steps

SMALL = {"maps": 4, "rows": 3}


def network(conv="plain", memory_size=24, profile=PAPER, **size):
    net = ExtendedNeuralGPU(ExtendedSize(**SMALL | size), 5, memory_size=memory_size, profile=profile, conv=conv,
                            dtype=np.float64)
    for name in net.memory.params if memory_size else ():
        net.params[name] = np.random.default_rng(8).standard_normal((4, 4))
    return net


def a_batch(batch=2, n=6, seed=0):
    return np.random.default_rng(seed).integers(5, size=(2, batch, n))


def in_torch(torch, net, tensors, inputs, targets, output, lengths):
    """Logits and memory loss, with the neighbours that our network found."""
    size = net.size
    table, kernels = tensors["tape_embedding"], tensors["tape_kernels"]
    batch, n = inputs.shape
    zeros = torch.zeros(batch, n, size.rows, size.maps, dtype=torch.float64)
    s = torch.cat([tensors["embedding"][torch.tensor(inputs)][:, :, None], zeros[:, :, 1:]], dim=2)
    names = neural_gpu.CELLS
    d = ops_in_torch.cgru_steps(torch, s, *(tensors[f"encoder.{name}"] for name in names), steps=n)
    p, logits, losses = zeros, [], []
    state = net.memory.state if net.memory is not None else None
    for t in range(n):
        seen = p
        if state is not None:
            rows = [b for b in range(batch) if lengths[b] > t]
            x = d[rows, t, 0] if size.query_rows == "first" else d[rows, t].flatten(1)
            for part in ("before", "after"):
                if size.query_norm:
                    mean, variance = (torch.tensor(net.statistics[f"{part}.{of}"]) for of in ("mean", "variance"))
                    x = (x - mean) / torch.sqrt(variance + 1e-5)
                if part == "before" and size.query_width is not None:
                    x = x @ tensors["query.weights"]
            if "query_projection" in tensors:
                x = x @ tensors["query_projection"]
            q = torch.nn.functional.normalize(x, eps=1e-6)
            filled = state.values >= 0 if net.memory.profile is PAPER else np.ones(len(state.values), bool)
            keys, values = torch.tensor(state.keys[filled]), state.values[filled]
            cosines = q @ keys.T
            order = cosines.argsort(dim=1, descending=True, stable=True)
            ranked = torch.gather(cosines, 1, order)
            softmax = torch.softmax(net.memory.profile.temperature_in(len(state.values)) * ranked, dim=1)
            answer = torch.zeros(batch, size.maps, dtype=torch.float64)
            for i, b in enumerate(rows):
                found = values[order[i].numpy()]
                answer[b] = softmax[i, 0] * table[int(found[0])]
                right = found == targets[b, t]
                if right.any() and not right.all():
                    losses.append(torch.relu(ranked[i][int(np.argmax(~right))] - ranked[i][int(np.argmax(right))]
                                             + net.memory.profile.alpha))
                else:
                    losses.append(torch.zeros((), dtype=torch.float64))
            seen = ops_in_torch.tape_write(torch, p, answer, t, size.tape_rows)
        drive = ops_in_torch.convolved(torch, seen, kernels, torch.zeros(kernels.shape[3], dtype=torch.float64))
        for layer, part in enumerate(drive.split(3 * size.maps, dim=3)):
            d = ops_in_torch.cgru(torch, d, *(tensors[f"decoder.{name}"][0, layer] for name in names), drive=part)
        logits.append(d[:, t, 0] @ tensors["output"])
        p = ops_in_torch.tape_write(torch, torch.zeros_like(p) if size.markovian else p,
                                    table[torch.tensor(targets[:, t])], t, size.tape_rows)
    return torch.stack(logits, dim=1), sum(losses) / len(losses) if losses else torch.zeros(())


@pytest.mark.parametrize(("options", "n"), [
    ({}, 6), ({"memory_size": 0}, 6), ({"tape_rows": "all"}, 5), ({"markovian": True}, 5),
    ({"conv": "winograd"}, 6), ({"conv": "winograd", "tape_rows": "all", "markovian": True}, 5),
    ({"conv": "winograd"}, 40), ({"query_rows": "all", "query_width": 5, "query_norm": True}, 5),
    ({"query_width": 3}, 4)], ids=str)
def test_all_gradients_are_those_of_autograd_memory_and_tape_included(options, n):
    torch = pytest.importorskip("torch")
    net = network(**options)
    inputs, targets = a_batch(n=n)
    lengths = np.array([n, n - 2])
    net.forward(*a_batch(n=5, seed=1), training=True)  # something to remember
    output, cache = net.forward(inputs, targets, lengths=lengths, update=False)
    d_logits = np.random.default_rng(3).standard_normal(output.logits.shape)
    gradients = net.backward(d_logits, cache, d_memory_loss=2.0)

    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in net.params.items()}
    logits, loss = in_torch(torch, net, tensors, inputs, targets, output, lengths)
    ((logits * torch.tensor(d_logits)).sum() + 2 * loss).backward()
    np.testing.assert_allclose(output.logits, logits.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert output.memory_loss == pytest.approx(float(loss.detach()), rel=1e-11)
    assert (output.memory_loss > 0) == (net.memory is not None)
    assert gradients.keys() == net.params.keys()
    for name, gradient in gradients.items():
        wanted = tensors[name].grad.numpy()
        assert np.abs(gradient - wanted).max() <= 1e-10 * np.abs(wanted).max(), name


def test_running_averages_move_a_tenth_of_the_way_and_only_in_training():
    net = network(query_rows="all", query_width=5, query_norm=True)
    inputs, targets = a_batch()
    _, cache = net.forward(inputs, targets, lengths=np.array([6, 4]))
    assert not net.statistics["before.mean"].any() and (net.statistics["after.variance"] == 1).all()
    asked = np.concatenate([step.asked.query.before[step.asked.rows] for step in cache.steps])  # [6 + 4, 12]
    net.memory.clear()
    net.forward(inputs, targets, lengths=np.array([6, 4]), training=True)
    np.testing.assert_allclose(net.statistics["before.mean"], 0.1 * asked.mean(axis=0))
    np.testing.assert_allclose(net.statistics["before.variance"], 0.9 + 0.1 * asked.var(axis=0))
    np.testing.assert_allclose(net.statistics["after.mean"],
                               0.1 * (asked / np.sqrt(1 + 1e-5) @ net.params["query.weights"]).mean(axis=0))


def test_under_the_released_profile_the_projection_learns_too():
    """Central differences; the memory is asked and not written."""
    net = network(profile=TF2017)
    inputs, targets = a_batch()
    net.forward(*a_batch(seed=1))
    output, cache = net.forward(inputs, targets, update=False)
    d_logits = np.cos(output.logits)
    gradient = net.backward(d_logits, cache)["query_projection"]
    direction, weights, ends = np.random.default_rng(0).standard_normal((4, 4)), net.params["query_projection"], []
    for step in (1e-6, -1e-6):
        net.params["query_projection"] = weights + step * direction
        moved, _ = net.forward(inputs, targets, update=False)
        ends.append((moved.logits * d_logits).sum() + moved.memory_loss)
    assert (gradient * direction).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("rows", ["first", "all"])
@pytest.mark.parametrize("markovian", [False, True])
@pytest.mark.parametrize("w", [1, 2, 4])
def test_the_tape_by_what_was_written_is_the_whole_tape(rows, markovian, w):
    rng = np.random.default_rng(0)
    kernels, like = rng.standard_normal((3, 3, 4, 12)), np.zeros((2, 5, w, 4))
    results = []
    for make in (TAPES["plain"], TAPES["winograd"]):
        rng = np.random.default_rng(1)
        tape, found = make(kernels, like, rows=rows, markovian=markovian), []
        for t in range(5):
            found.append(tape.drive(rng.standard_normal((2, 4)) if t != 3 else None, t))
            tape.write(rng.standard_normal((2, 4)), t)
        tape.start_backward()
        for t in reversed(range(5)):
            found.append(tape.write_backward(t))
            found.append(tape.drive_backward(rng.standard_normal((2, 5, w, 12)), t))
        results.append([*found, tape.d_kernels()])
    for plain, written in zip(*results, strict=True):
        assert (plain is None) == (written is None)
        if plain is not None:
            np.testing.assert_allclose(written, plain, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("conv", ["plain", "columns", "winograd"])
def test_a_second_backward_pass_finds_the_same(conv):
    net = network(conv)
    net.forward(*a_batch(seed=1))
    output, cache = net.forward(*a_batch(), update=False)
    once, again = (net.backward(np.cos(output.logits), cache) for _ in range(2))
    for name, gradient in once.items():
        np.testing.assert_array_equal(again[name], gradient)


def test_without_targets_it_reads_its_own_outputs():
    """Greedy outputs, taken as targets, are what the network then says again."""
    net = network("winograd")
    net.forward(*a_batch(seed=1))
    inputs, _ = a_batch()
    greedy, _ = net.forward(inputs)
    again, _ = net.forward(inputs, greedy.symbols, update=False)
    np.testing.assert_array_equal(again.symbols, greedy.symbols)
    np.testing.assert_allclose(again.logits, greedy.logits, rtol=1e-12)
    assert greedy.memory_loss == 0


def test_the_memory_learns_the_targets_of_each_position_up_to_the_end():
    net = network(memory_size=100)
    inputs, targets = a_batch(n=5)
    output, _ = net.forward(inputs, targets, lengths=np.array([5, 3]))
    state = net.memory.state
    assert 0 < (state.values >= 0).sum() <= 8
    assert set(state.values[state.values >= 0]) <= {*targets[0], *targets[1, :3]}
    assert (output.memory_values[1, 3:] == -1).all() and not output.confidence[1, 3:].any()
    assert (output.memory_values[:, 0] == -1).all(), "the first query meets an empty memory"
    before = state.keys.copy()
    net.forward(inputs, targets, update=False)
    net.forward(inputs)
    np.testing.assert_array_equal(net.memory.state.keys, before)


def test_the_loss_is_left_out_where_nobody_wants_it():
    net = network()
    inputs, targets = a_batch()
    net.forward(*a_batch(seed=1))
    with_loss, _ = net.forward(inputs, targets, update=False)
    without, _ = net.forward(inputs, targets, update=False, measure=False)
    assert with_loss.memory_loss > 0 and without.memory_loss == 0
    np.testing.assert_array_equal(without.logits, with_loss.logits)
    written, _ = net.forward(inputs, targets, measure=False)  # what is written to needs it
    assert written.memory_loss > 0


def test_what_the_memory_says_changes_the_output_of_its_own_position_and_later_ones():
    net = network()
    inputs, targets = a_batch(1)
    net.forward(*a_batch(seed=1))
    one, _ = net.forward(inputs, targets, lengths=np.array([6]), update=False)
    other, _ = net.forward(inputs, targets, lengths=np.array([3]), update=False)  # not asked from position 3 on
    np.testing.assert_array_equal(one.logits[:, :3], other.logits[:, :3])
    assert np.abs(one.logits[:, 3] - other.logits[:, 3]).max() > 1e-9


@pytest.mark.parametrize("options", [{}, {"markovian": True}, {"memory_size": 0}], ids=str)
def test_what_is_watched_is_what_the_network_computes_with(options):
    net = network(conv="plain", **options)
    inputs, _ = a_batch()
    net.forward(*a_batch(seed=1))
    watched = watch(net, inputs)
    alone, _ = net.forward(inputs[:1], update=False)
    np.testing.assert_array_equal(watched.output.symbols, alone.symbols)
    assert watched.images.shape == (13, 6, 3, 4) and watched.tape.shape == (6, 6, 4)
    np.testing.assert_allclose(watched.images[[7 + t for t in range(6)], np.arange(6), 0] @ net.params["output"],
                               alone.logits[0])
    s = watched.images[:1]
    for image in watched.images[1:7]:  # the encoder's steps, one by one
        s = cgru_steps.apply(s, *(net.params[f"encoder.{name}"] for name in neural_gpu.CELLS), steps=1)
        np.testing.assert_allclose(image, s[0])
    table = net.params["tape_embedding"]
    for t in range(1, 6):  # the last output, and what was answered for this one
        np.testing.assert_array_equal(watched.tape[t, t - 1], table[alone.symbols[0, t - 1]])
        answer = np.zeros(4) if net.memory is None else alone.confidence[0, t] * table[alone.memory_values[0, t]]
        np.testing.assert_allclose(watched.tape[t, t], answer)
        assert watched.tape[t, :t - 1].any() == (t > 1 and not net.size.markovian)
        assert not watched.tape[t, t + 1:].any()


def test_in_the_markovian_variant_an_output_forgets_all_but_the_last():
    """Changing target 0 changes the tape for step 1 alone; with the whole tape, for all later steps."""
    for markovian in (False, True):
        net = network(memory_size=0, markovian=markovian)
        tapes = []
        for first in (0, 1):
            tape = TAPES["plain"](net.params["tape_kernels"], np.zeros((1, 6, 3, 4)), rows="first",
                                  markovian=markovian)
            drives = []
            for t in range(4):
                drives.append(tape.drive(None, t))
                tape.write(net.params["tape_embedding"][[first if t == 0 else 2]], t)
            tapes.append(drives)
        differs = [bool(np.abs(a - b).max() > 0) for a, b in zip(*tapes, strict=True)]
        assert differs == ([False, True, False, False] if markovian else [False, True, True, True])


@pytest.mark.parametrize(("call", "message"), [
    (lambda net: net.forward(np.array([[0, 5]])), r"inputs must be symbols in 0..4, got 5"),
    (lambda net: net.forward(np.array([[0, 1]]), np.array([[0, 1, 2]])), r"targets must have shape \(1, 2\)"),
    (lambda net: net.forward(np.array([[0, 1]]), lengths=np.array([2, 2])), r"lengths must have shape \(1,\)"),
    (lambda net: ExtendedSize(tape_rows="last"), "tape_rows must be one of first, all"),
    (lambda net: ExtendedNeuralGPU(ExtendedSize(**SMALL), 5, conv="fft"),
     "conv must be one of plain, columns, winograd"),
    (lambda net: ExtendedSize(query_rows="last"), "query_rows must be one of first, all, got 'last'"),
    (lambda net: ExtendedSize(query_width=0), "query_width must be at least 1 or None, got 0"),
    (lambda net: ExtendedNeuralGPU(ExtendedSize(**SMALL), 0), "symbols must be at least 1"),
])
def test_what_cannot_be_is_refused_and_the_memory_stays(call, message):
    net = network()
    with pytest.raises(ValueError, match=message):
        call(net)
    assert (net.memory.state.values == -1).all()
