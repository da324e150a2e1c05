"""Mistakes in an LSTM: in one step, and over a sequence."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles import tape
from refmem.conformance.oracles.operation import stopped
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


# --- One step of an LSTM --------------------------------------------------------------------------------------


@mutant("lstm-gates-tensorflow", "lstm_cell.gates", "the blocks stand in the order i, g, f, o",
        "TensorFlow's BasicLSTMCell")
class GatesOfTensorFlow(Loops):
    def blocks(self, z, width):
        i, g, f, o = super().blocks(z, width)
        return i, f, g, o


@mutant("lstm-gates-onnx", "lstm_cell.gates", "the blocks stand in the order i, o, f, g", "ONNX")
class GatesOfOnnx(Loops):
    def blocks(self, z, width):
        i, o, f, g = super().blocks(z, width)
        return i, f, g, o


@mutant("lstm-gates-interleaved", "lstm_cell.gates", "the four numbers of a unit stand side by side")
class CellInterleaved(Loops):
    def blocks(self, z, width):
        return [z[n::4] for n in range(4)]


@mutant("lstm-forget-gate-missing", "lstm_cell.cell", "the forget gate is missing: c + i g",
        "the LSTM of 1997, before Gers et al.")
class ForgetGateMissing(Loops):
    def cell(self, i, f, g, c):
        return c + i * g


@mutant("lstm-gates-coupled", "lstm_cell.cell", "the forget gate is 1 - i")
class GatesCoupled(Loops):
    def cell(self, i, f, g, c):
        return (1.0 - i) * c + i * g


@mutant("lstm-cell-shown-raw", "lstm_cell.output", "the tanh of the cell is missing: h = o c")
class ShownRaw(Loops):
    def shown(self, o, c):
        return o * c


@mutant("lstm-output-gate-missing", "lstm_cell.output", "the output gate is missing: h = tanh(c)")
class OutputGateMissing(Loops):
    def shown(self, o, c):
        return tape.tanh(c)


@mutant("lstm-forget-bias-1", "lstm_cell.no-forget-bias", "1 is added to the sums of the forget gate",
        "TensorFlow's BasicLSTMCell")
class ForgetBiasOne(Loops):
    def forget_gate(self, sums):
        return super().forget_gate([x + 1.0 for x in sums])


@mutant("lstm-bias-twice", "lstm_cell.no-forget-bias", "the forget gate's bias counts twice",
        "b given to both biases of PyTorch")
class BiasTwice(Loops):
    def sums(self, x, h, w_x, w_h, bias):
        width = len(h)
        doubled = [b + b if width <= j < 2 * width else b for j, b in enumerate(bias)]
        return super().sums(x, h, w_x, w_h, doubled)


@mutant("lstm-gradient-cell-cut", "lstm_cell.gradient", "what comes back to the cell is forgotten")
class CellCut(Loops):
    def cotangent(self, op, d_y, index):
        return d_y * 0.0 if op == "lstm_cell" and index >= 4 else d_y


@mutant("lstm-gradient-tanh-slope-missing", "lstm_cell.gradient", "h hands its gradient to the cell without 1 - tanh^2")
class TangentSlopeMissing(Loops):
    def shown(self, o, c):
        y = tape.tanh(c).value
        return o * Number(y, ((c, 1.0),))


# --- A whole sequence -----------------------------------------------------------------------------------------


@mutant("lstm-state-forgotten", "lstm.in-turn", "each step starts from a zero state")
class StateForgotten(Loops):
    def handed_on(self, state):
        return tuple([Number(0.0) for _ in part] for part in state)


@mutant("lstm-cell-not-handed-on", "lstm.in-turn", "h goes to the next step, but c does not")
class CellNotHandedOn(Loops):
    def handed_on(self, state):
        return state[0], [Number(0.0) for _ in state[1]]


@mutant("lstm-mask-ignored", "lstm.padding-keeps-state", "the state goes on through padding")
class MaskIgnored(Loops):
    def waits(self, state, x, w_x, w_h, bias):
        return self.step(x, state, w_x, w_h, bias)


@mutant("lstm-padding-clears", "lstm.padding-keeps-state", "padding sets the state to zero")
class PaddingClears(Loops):
    def waits(self, state, x, w_x, w_h, bias):
        return tuple([Number(0.0) for _ in part] for part in state)


@mutant("lstm-zero-at-padding", "lstm.padding-keeps-state", "y is 0 at padding", "PyTorch's packed sequences")
class ZeroAtPadding(Loops):
    def at_padding(self, state):
        return [Number(0.0) for _ in state[0]]


@mutant("lstm-not-reversed", "lstm.reverse", "the sequence is read forwards")
class NotReversed(Loops):
    def order(self, length, reverse):
        return list(range(length))


@mutant("lstm-reversed-output", "lstm.reverse", "y stands in the order of the walk, not turned back")
class ReversedOutput(Loops):
    def in_place(self, out, walked):
        return [out[t] for t in walked]


@mutant("lstm-gradient-one-step", "lstm.gradient", "nothing goes back from a step to the one before")
class OneStep(Loops):
    def handed_on(self, state):
        return tuple(stopped(part) for part in state)


@mutant("lstm-gradient-cell-stopped", "lstm.gradient", "h carries the gradient back, but c does not")
class CellStopped(Loops):
    def handed_on(self, state):
        return state[0], stopped(state[1])


@mutant("lstm-gradient-averaged", "lstm.gradient", "the gradients of the weights are averaged over the steps")
class StepsAveraged(Loops):
    def gradient(self, op, name, slopes, options):
        return [s / 3.0 for s in slopes] if op == "lstm" and name in ("w_x", "w_h", "bias") else slopes
