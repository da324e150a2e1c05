"""The PyTorch memory with one mistake planted in it: what a port may get wrong, by the mutant that it should match."""

import math

import torch
from examples.torch_memory import TorchMemory
from torch.nn import functional


class NotNormalised(TorchMemory):
    def normalise(self, x):
        return x


class NotRenormalised(TorchMemory):
    def averaged(self, q, key):
        return (q + key) / 2


class KeyReplaced(TorchMemory):
    def averaged(self, q, key):
        return q.expand_as(key)


class TemperatureOne(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(cosines, dim=1)


class TemperatureDivides(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(cosines / self.temperature, dim=1)


class Detached(TorchMemory):
    def softmax(self, cosines):
        return super().softmax(cosines.detach())


class LossSummed(TorchMemory):
    def reduce(self, losses):
        return losses.sum()


class MarginSign(TorchMemory):
    def hinge(self, negative, positive):
        return torch.relu(negative - positive - self.alpha)


class NoHinge(TorchMemory):
    def hinge(self, negative, positive):
        return negative - positive + self.alpha


class NoPositiveSkipped(TorchMemory):
    def missing_positive(self, nearby, anywhere):
        return nearby


class EvictsYoungest(TorchMemory):
    def oldest(self, noise, taken):
        scores = torch.where(taken, torch.inf, self.ages + noise)
        return int((scores == scores.min()).nonzero()[0, 0])


class AgeOne(TorchMemory):
    def put(self, slot, key, value):
        super().put(slot, key, value)
        self.ages[slot] = 1


class NothingAges(TorchMemory):
    def grow_older(self):
        pass


class TiesHigher(TorchMemory):
    def nearest(self, cosines):
        backwards = cosines.detach().flip(1).sort(dim=1, descending=True, stable=True).indices
        return (cosines.shape[1] - 1 - backwards)[:, :self.k]


class ProjectionTransposed(TorchMemory):
    def project(self, x):
        return x @ self.query_projection.T


class ProjectionAddsInput(TorchMemory):
    def project(self, x):
        return x if self.query_projection is None else x + x @ self.query_projection


class NoProjection(TorchMemory):
    def project(self, x):
        return x + 0 * (x @ self.query_projection)


class NoMinusAlpha(TorchMemory):
    def margin_tf2017(self, *arguments):
        losses, teacher = super().margin_tf2017(*arguments)
        return losses + self.alpha, teacher


class TemperatureForty(TorchMemory):
    def softmax(self, cosines):
        return torch.softmax(40.0 * cosines, dim=1)


class MarginMinusAlpha(TorchMemory):
    def hinge(self, negative, positive):
        return super().hinge(negative, positive) - self.alpha


class SquaredHinge(TorchMemory):
    def hinge(self, negative, positive):
        return super().hinge(negative, positive) ** 2


class LossOfPairs(TorchMemory):
    """[B, 1] - [B] broadcasts to [B, B]."""

    def hinge(self, negative, positive):
        return torch.relu(negative[:, None] - positive + self.alpha)


class NormalisedOverBatch(TorchMemory):
    def normalise(self, x):
        return functional.normalize(x, dim=0, eps=1e-6)


class AgeTiesHigher(TorchMemory):
    def oldest(self, noise, taken):
        scores = torch.where(taken, -math.inf, self.ages + noise)
        return int((scores == scores.max()).nonzero()[-1, 0])


class AgeKept(TorchMemory):
    def put(self, slot, key, value):
        age = int(self.ages[slot]) if int(self.values[slot]) == value else 0
        super().put(slot, key, value)
        self.ages[slot] = age


class ValueKept(TorchMemory):
    def put(self, slot, key, value):
        old = int(self.values[slot])
        super().put(slot, key, value if old < 0 else old)


PLANTED = {
    "margin-minus-alpha": ("paper", MarginMinusAlpha),
    "squared-hinge": ("paper", SquaredHinge),
    "loss-b-by-b": ("paper", LossOfPairs),
    "query-normalised-over-batch": ("paper", NormalisedOverBatch),
    "age-ties-higher-slot": ("paper", AgeTiesHigher),
    "age-kept-when-right": ("paper", AgeKept),
    "value-not-written": ("paper", ValueKept),
    "query-not-normalised": ("paper", NotNormalised),
    "key-not-renormalised": ("paper", NotRenormalised),
    "key-replaced": ("paper", KeyReplaced),
    "temperature-1": ("paper", TemperatureOne),
    "temperature-inverted": ("paper", TemperatureDivides),
    "confidence-detached": ("paper", Detached),
    "loss-summed": ("paper", LossSummed),
    "margin-sign": ("paper", MarginSign),
    "no-hinge": ("paper", NoHinge),
    "no-positive-is-skipped": ("paper", NoPositiveSkipped),
    "evict-youngest": ("paper", EvictsYoungest),
    "age-starts-at-1": ("paper", AgeOne),
    "nothing-ages": ("paper", NothingAges),
    "ties-higher-slot": ("paper", TiesHigher),
    "tf-projection-transposed": ("tf2017", ProjectionTransposed),
    "tf-projection-adds-input": ("tf2017", ProjectionAddsInput),
    "tf-no-projection": ("tf2017", NoProjection),
    "tf-no-minus-alpha": ("tf2017", NoMinusAlpha),
    "tf-temperature-40": ("tf2017", TemperatureForty),
    "tf-loss-summed": ("tf2017", LossSummed),
    "tf-key-not-renormalised": ("tf2017", NotRenormalised),
}
