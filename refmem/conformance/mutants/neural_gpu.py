"""Mistakes in the operations of the Neural GPU."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/neural_gpu.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.neural_gpu import Loops, merged
from refmem.conformance.oracles.operation import nested, stopped
from refmem.conformance.oracles.tape import Number


# --- The gate -------------------------------------------------------------------------------------------------


@mutant("gate-stretched-as-released", "hard_gate.cutoff", "1.2 stands where the paper has 1.1", "the released code")
class StretchedAsReleased(Loops):
    def stretched(self, sigma, options):
        return sigma * 1.2 - 0.1


@mutant("gate-not-cut", "hard_gate.cutoff", "the stretched sigmoid is not cut")
class NotCut(Loops):
    def cut(self, y):
        return y


@mutant("gate-plain-sigmoid", "hard_gate.cutoff", "the gate is a plain sigmoid")
class PlainSigmoid(Loops):
    def stretched(self, sigma, options):
        return sigma


@mutant("gate-gradient-through-the-cut", "hard_gate.gradient", "the gradient passes where the gate is cut")
class ThroughTheCut(Loops):
    def cut(self, y):
        return Number(super().cut(y).value, ((y, 1.0),))


@mutant("gate-gradient-not-stretched", "hard_gate.gradient", "the gradient is that of the sigmoid, without c")
class NotStretched(Loops):
    def gradient(self, op, name, slopes, options):
        c = 1.2 if options.get("cutoff") == "released" else 1.1
        return [s / c for s in slopes] if op == "hard_gate" else slopes


# --- The cell -------------------------------------------------------------------------------------------------


@mutant("cgru-gates-exchanged", "cgru.gates", "update and reset gate are exchanged")
class GatesExchanged(Loops):
    def parted(self, opened, m):
        return super().parted(opened, m)[::-1]


@mutant("cgru-gates-interleaved", "cgru.gates", "the maps of the two gates alternate")
class GatesInterleaved(Loops):
    def parted(self, opened, m):
        return tuple([[[pixel[start::2] for pixel in row] for row in image] for image in opened] for start in (0, 1))


@mutant("cgru-reset-after-convolution", "cgru.reset-before-convolution",
        "the reset gate multiplies what the convolution made of s", "the GRU of PyTorch and cuDNN")
class ResetAfter(Loops):
    def reset(self, s, r, kernels, bias):
        return merged(lambda r_i, x: r_i * x, r, self.convolved(s, kernels, bias))


@mutant("cgru-no-reset", "cgru.reset-before-convolution", "the reset gate is forgotten")
class NoReset(Loops):
    def reset(self, s, r, kernels, bias):
        return self.convolved(s, kernels, bias)


@mutant("cgru-candidate-not-squashed", "cgru.candidate", "the candidate is not squashed")
class NotSquashed(Loops):
    def squashed(self, x):
        return x


@mutant("cgru-candidate-cut", "cgru.candidate", "the tanh is stretched and cut as the gates are")
class CandidateCut(Loops):
    def squashed(self, x):
        y = super().squashed(x) * 1.1
        return y if -1 < y.value < 1 else Number(1.0 if y.value > 0 else -1.0)


@mutant("cgru-mix-exchanged", "cgru.mix", "u and 1 - u are exchanged", "the GRU of PyTorch has z h + (1 - z) n, "
        "that of Cho et al. the other way round")
class MixExchanged(Loops):
    def mixed(self, u, s, c):
        return u * c + (1.0 - u) * s


@mutant("cgru-mix-adds", "cgru.mix", "the old image is kept whole: s + (1 - u) c")
class MixAdds(Loops):
    def mixed(self, u, s, c):
        return s + (1.0 - u) * c


@mutant("cgru-drive-gates-only", "cgru.drive", "the tape does not reach the candidate")
class DriveGatesOnly(Loops):
    def summed(self, pixels, drive, first):
        return pixels if first else super().summed(pixels, drive, first)


@mutant("cgru-drive-candidate-first", "cgru.drive", "the drive's maps stand in the order candidate, u, r")
class DriveCandidateFirst(Loops):
    def summed(self, pixels, drive, first):
        m = len(drive[0][0][0]) // 3 if drive is not None else 0
        return super().summed(pixels, drive, 0 if first else m)


@mutant("cgru-gradient-gates-stopped", "cgru.gradient", "the gates pass no gradient to the image and their weights")
class GatesStopped(Loops):
    def cgru(self, s, gate_kernels, gate_bias, candidate_kernels, candidate_bias, options, drive=None):
        held = super().cgru(s, gate_kernels, gate_bias, candidate_kernels, candidate_bias, options, drive)
        u, r = self.parted(nested(lambda x: self.gate(x, options), self.summed(
            self.convolved(stopped(s), stopped(gate_kernels), stopped(gate_bias)), stopped(drive), 0)),
            len(candidate_bias))
        candidate = self.summed(self.reset(s, r, candidate_kernels, candidate_bias), drive, 2 * len(candidate_bias))
        passed = merged(self.mixed, u, s, nested(self.squashed, candidate))
        return merged(lambda value, through: Number(value.value, ((through, 1.0),)), held, passed)


@mutant("cgru-gradient-reset-forgotten", "cgru.gradient", "d(r s) reaches s, but not the reset gate")
class ResetForgotten(Loops):
    def reset(self, s, r, kernels, bias):
        return super().reset(s, stopped(r), kernels, bias)


# --- Steps ----------------------------------------------------------------------------------------------------


@mutant("steps-layer-by-layer", "cgru_steps.layers-in-turn", "each layer is applied n times before the next")
class LayerByLayer(Loops):
    def order(self, steps, layers):
        return [(t, layer) for layer in range(layers) for t in range(steps)]


@mutant("steps-layers-reversed", "cgru_steps.layers-in-turn", "the last layer comes first")
class LayersReversed(Loops):
    def order(self, steps, layers):
        return [(t, layer) for t in range(steps) for layer in reversed(range(layers))]


@mutant("steps-one-too-few", "cgru_steps.layers-in-turn", "one step is missing")
class OneTooFew(Loops):
    def order(self, steps, layers):
        return super().order(steps - 1, layers)


@mutant("steps-sets-in-blocks", "cgru_steps.relaxation", "the first steps use the first set, the last the last")
class SetsInBlocks(Loops):
    def set_of(self, t, steps, sets):
        return t * sets // steps


@mutant("steps-first-set-only", "cgru_steps.relaxation", "all steps use the first set")
class FirstSetOnly(Loops):
    def set_of(self, t, steps, sets):
        return 0


@mutant("steps-one-mask", "cgru_steps.dropout", "one mask serves all steps")
class OneMask(Loops):
    def mask(self, uniforms, t):
        return uniforms[0]


@mutant("steps-dropout-in-every-layer", "cgru_steps.dropout", "the image is dropped from before every layer")
class DropoutInEveryLayer(Loops):
    def drops(self, t, layer):
        return True


@mutant("steps-dropout-not-scaled", "cgru_steps.dropout", "what is kept is not scaled up")
class StepsNotScaled(Loops):
    def dropped(self, s, uniforms, keep):
        return merged(lambda x, u: x if u < keep else Number(0.0), s, uniforms)


@mutant("steps-gradient-averaged", "cgru_steps.gradient", "the gradient of a weight is averaged over the steps")
class StepsAveraged(Loops):
    def gradient(self, op, name, slopes, options):
        averaged = op == "cgru_steps" and name != "s"
        return [s / float(options["steps"]) for s in slopes] if averaged else slopes


@mutant("steps-gradient-last-step-only", "cgru_steps.gradient", "only the last step's use of a weight counts")
class LastStepOnly(Loops):
    def cgru_steps(self, s, options, uniforms=None, **weights):
        steps, layers = options["steps"], len(weights["gate_bias"][0])
        before = super().order(steps - 1, layers)
        values = {name: stopped(array) for name, array in weights.items()}
        for t, layer in before:
            of_set = self.set_of(t, steps, len(weights["gate_bias"]))
            s = self.cgru(s, *(array[of_set][layer] for array in values.values()), options=options)
        of_set = self.set_of(steps - 1, steps, len(weights["gate_bias"]))
        for layer in range(layers):
            s = self.cgru(s, *(array[of_set][layer] for array in weights.values()), options=options)
        return s


# --- The tape -------------------------------------------------------------------------------------------------


@mutant("tape-written-one-ahead", "tape_write.position", "the tape is written one position further")
class WrittenOneAhead(Loops):
    def written(self, k, i, position, rows):
        return super().written(k, i, position + 1, rows)


@mutant("tape-axes-swapped", "tape_write.position", "position and row are swapped")
class TapeAxesSwapped(Loops):
    def written(self, k, i, position, rows):
        return super().written(i, k, position, rows)


@mutant("tape-added", "tape_write.position", "the value is added to what stands on the tape")
class TapeAdded(Loops):
    def put(self, pixel, value):
        return [a + b for a, b in zip(pixel, value, strict=True)]


@mutant("tape-all-rows", "tape_write.rows", "all rows are written where row 0 alone was asked for", "the released code")
class TapeAllRows(Loops):
    def written(self, k, i, position, rows):
        return k == position


@mutant("tape-row-0-alone", "tape_write.rows", "row 0 alone is written where all rows were asked for")
class TapeRowZero(Loops):
    def written(self, k, i, position, rows):
        return k == position and i == 0


@mutant("tape-gradient-not-cleared", "tape_write.gradient", "what was overwritten still gets a gradient")
class TapeNotCleared(Loops):
    def put(self, pixel, value):
        return [Number(b.value, ((a, 1.0), (b, 1.0))) for a, b in zip(pixel, value, strict=True)]


@mutant("tape-gradient-mean", "tape_write.gradient", "the gradient of a value is averaged over the rows")
class TapeMean(Loops):
    def gradient(self, op, name, slopes, options):
        return [s / 3.0 for s in slopes] if (op, name) == ("tape_write", "v") else slopes


@mutant("query-axes-swapped", "tape_read.position-then-row", "position and row are swapped", "the released code")
class QueryAxesSwapped(Loops):
    def at(self, image, position):
        return image[0][position]


@mutant("query-of-the-position-before", "tape_read.position-then-row", "the position before is read")
class QueryBefore(Loops):
    def at(self, image, position):
        return image[position - 1][0]


@mutant("query-gradient-all-rows", "tape_read.gradient", "the gradient goes to every row of the position")
class QueryAllRows(Loops):
    def at(self, image, position):
        column = image[position]
        return [Number(numbers[0].value, tuple((number, 1.0) for number in numbers))
                for numbers in zip(*column, strict=True)]


@mutant("query-gradient-stopped", "tape_read.gradient", "the query passes no gradient to the image")
class QueryStopped(Loops):
    def at(self, image, position):
        return [Number(number.value) for number in super().at(image, position)]
