"""The PyTorch example conforms; with one mistake planted it fails, the right rule is named first, and so is the mistake."""

import math

import pytest

from refmem.conformance import hints, runner
from refmem.conformance.case import load_all
from refmem.conformance.diagnosis import ranked_hints
from refmem.conformance.verdict import FAILED, PASSED, Verdict

torch = pytest.importorskip("torch")

from examples.torch_adapter import Adapter  # noqa: E402  (needs torch)
from examples.torch_memory import TorchMemory  # noqa: E402

CASES = [case for case in load_all() if case.group == "memory"]
SHORT = [case for case in CASES if case.level != "L4" and case.dtype == "float64"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("profile", ["paper", "tf2017"])
def test_the_example_passes_every_level(profile):
    run = runner.conform(Adapter(), [case for case in CASES if case.profile == profile])
    assert run.exit_code == PASSED
    assert run.levels() == {profile: dict.fromkeys(["L1", "L2", "L3", "L4"], "pass")}
    skipped = {result.reason for result in run.results if result.verdict != Verdict.PASS}
    assert skipped == {"the implementation does not take sources"}


# --- Mistakes ---------------------------------------------------------------------------------------------------


class Temperature1(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(cosines, dim=1)


class TemperatureInverted(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(cosines / self.temperature, dim=1)


class ConfidenceDetached(TorchMemory):
    def softmax(self, cosines):
        return super().softmax(cosines.detach()) + 0.0 * cosines


class MarginSign(TorchMemory):
    def hinge(self, negative, positive):
        return torch.relu(negative - positive - self.alpha)


class MarginMinusAlpha(TorchMemory):
    def hinge(self, negative, positive):
        return super().hinge(negative, positive) - self.alpha


class SquaredHinge(TorchMemory):
    def hinge(self, negative, positive):
        return super().hinge(negative, positive) ** 2


class LossSummed(TorchMemory):
    def reduce(self, losses):
        return losses.sum()


class LossBByB(TorchMemory):
    """The public bug: [B, 1] - [B] makes [B, B]."""

    def margin_paper(self, q, labels, pool, cosines, present, right):
        self.parts = []
        return super().margin_paper(q, labels, pool, cosines, present, right)

    def hinge(self, negative, positive):
        return torch.relu(negative[:, None] - positive[None, :] + self.alpha).mean(1)


class KeyNotRenormalised(TorchMemory):
    def averaged(self, q, key):
        return (q + key) / 2


class KeyReplaced(TorchMemory):
    def averaged(self, q, key):
        return q + 0 * key


class QueryNotNormalised(TorchMemory):
    def normalise(self, x):
        return x


class QueryNormalisedOverBatch(TorchMemory):
    def normalise(self, x):
        return torch.nn.functional.normalize(x, dim=0, eps=1e-6)


class FarthestFirst(TorchMemory):
    def nearest(self, cosines):
        order = torch.where(torch.isfinite(cosines), -cosines, cosines)
        return super().nearest(order)


class EvictYoungest(TorchMemory):
    def oldest(self, noise, taken):
        scores = torch.where(taken, -math.inf, -self.ages - noise)
        return int((scores == scores.max()).nonzero()[0, 0])


class AgeTiesHigherSlot(TorchMemory):
    def oldest(self, noise, taken):
        scores = torch.where(taken, -math.inf, self.ages + noise)
        return int((scores == scores.max()).nonzero()[-1, 0])


class SlotsClaimedTwice(TorchMemory):
    def oldest(self, noise, taken):
        ages = self.ages_before if taken.any() else self.ages.clone()
        self.ages_before = ages
        return int((ages + noise).argmax())


class NothingAges(TorchMemory):
    def grow_older(self):
        pass


class AgeKept(TorchMemory):
    def put(self, slot, key, value):
        right = int(self.values[slot]) == value
        age = int(self.ages[slot])
        super().put(slot, key, value)
        if right:
            self.ages[slot] = age


class ValueNotWritten(TorchMemory):
    def put(self, slot, key, value):
        old = int(self.values[slot])
        super().put(slot, key, value if old < 0 else old)


class NoPositiveSkipped(TorchMemory):
    def missing_positive(self, nearby, anywhere):
        return nearby


class ProjectionTransposed(TorchMemory):
    def project(self, x):
        return x @ self.query_projection.T


class ProjectionAddsInput(TorchMemory):
    def project(self, x):
        return x + x @ self.query_projection


class NoMinusAlpha(TorchMemory):
    def margin_tf2017(self, *arguments):
        losses, teacher = super().margin_tf2017(*arguments)
        return losses + self.alpha, teacher


class Temperature40(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(cosines * 40.0, dim=1)


class AgesRowByRow(TorchMemory):
    def write_tf2017(self, q, *rest):
        super().write_tf2017(q, *rest)
        self.ages[self.ages > 0] += len(q) - 1


PLANTED = [  # profile, what is planted, the rule that must be named first, the hint that names the mistake
    ("paper", Temperature1, "memory.read.temperature", "temperature-1"),
    ("paper", TemperatureInverted, "memory.read.temperature", "temperature-inverted"),
    ("paper", ConfidenceDetached, "memory.read.confidence-gradient", "confidence-detached"),
    ("paper", MarginSign, "memory.loss.margin", "margin-sign"),
    ("paper", MarginMinusAlpha, "memory.loss.margin", "margin-minus-alpha"),
    ("paper", SquaredHinge, "memory.loss.margin", "squared-hinge"),
    ("paper", LossSummed, "memory.loss.batch-mean", "loss-summed"),
    ("paper", LossBByB, "memory.loss.batch-mean", "loss-b-by-b"),
    ("paper", KeyNotRenormalised, "memory.update.right-value.average-key", "key-not-renormalised"),
    ("paper", KeyReplaced, "memory.update.right-value.average-key", "key-replaced"),
    ("paper", QueryNotNormalised, "memory.query.unit-length", "query-not-normalised"),
    ("paper", QueryNormalisedOverBatch, "memory.query.unit-length", "query-normalised-over-batch"),
    ("paper", FarthestFirst, "memory.read.nearest", "farthest-first"),
    ("paper", EvictYoungest, "memory.update.wrong-value.evict-oldest", "evict-youngest"),
    ("paper", AgeTiesHigherSlot, "memory.update.age-ties-lower-slot", "age-ties-higher-slot"),
    ("paper", NothingAges, "memory.update.age-grows", "nothing-ages"),
    ("paper", AgeKept, "memory.update.age-reset", "age-kept-when-right"),
    ("paper", ValueNotWritten, "memory.update.wrong-value.write-query", "value-not-written"),
    ("paper", NoPositiveSkipped, "memory.loss.no-positive-nearby", "no-positive-is-skipped"),
    ("tf2017", ProjectionTransposed, "tf2017.query.projection", "tf-projection-transposed"),
    ("tf2017", ProjectionAddsInput, "tf2017.query.projection", "tf-projection-adds-input"),
    ("tf2017", NoMinusAlpha, "tf2017.loss.minus-alpha", "tf-no-minus-alpha"),
    ("tf2017", Temperature40, "tf2017.read.temperature", "tf-temperature-40"),
    ("tf2017", LossSummed, "memory.loss.batch-mean", "tf-loss-summed"),
]


@pytest.mark.parametrize(("profile", "memory", "rule", "hint"), PLANTED,
                         ids=[f"{profile}-{memory.__name__}" for profile, memory, _, _ in PLANTED])
def test_a_planted_mistake_is_named(profile, memory, rule, hint):
    class Wrong(Adapter):
        memory_class = memory

    run = runner.conform(Wrong(), [case for case in SHORT if case.profile == profile])
    failed = [result for result in run.results if result.verdict == Verdict.FAIL]
    assert run.exit_code == FAILED
    assert run.suspects[0] == rule
    assert hint in ranked_hints(failed)


def test_the_wrong_profile_is_named():
    """An implementation that follows the released code where the paper is asked for."""
    wrong = [case for case in SHORT if case.rule == "memory.loss.margin" and case.profile == "paper"]
    assert hints.OTHER == {"paper": "tf2017", "tf2017": "paper"}
    assert wrong
