"""A slope and its own error bar: the Ridders/Neville tableau of differences.

The central difference D(h) = (phi(h) - phi(-h)) / 2h is a series in h^2: D(h) = slope + a h^2 + b h^4 + ...
From D at falling steps, Neville's rule removes one term after the other,

    T[i, 0] = D(h_i)
    T[i, k] = T[i, k-1] + (T[i, k-1] - T[i-1, k-1]) / ((h_{i-k} / h_i)^2 - 1),

and Ridders' observation is that the distance of an entry from its two parents bounds its error: they lack the
correction that it has. Rounding works the other way and grows as the step falls, n(i, 0) = sigma / (sqrt(2) h_i)
for noise of standard deviation sigma in phi; the same rule carries it through the table. The entry with the
smallest sum of both is the answer, and the sum its error bar. So there is no step to choose.

One more thing may go wrong: a kink at a distance d makes two plateaus, a false one for h > d and the true one for
h < d, and entries on the false one agree with each other. But smaller steps see it: where they contradict an entry by
more than their own noise, the contradiction is part of its error.

(One-sided differences are a series in h itself; `power` is 1 for them.)
"""

import math
from typing import NamedTuple

ORDER = 6  # corrections; more only amplify rounding
CLEAR = 3.0  # a contradiction counts from this many standard deviations of noise on


class Entry(NamedTuple):
    """One entry of the table."""

    row: int
    value: float
    error: float  # distance from its parents, and noise
    noise: float


class Tableau:
    """Add differences at falling steps; read off `value` and `error`, `noise` being the share of rounding in it."""

    def __init__(self, power: int = 2) -> None:
        self.power = power
        self.value, self.error, self.noise, self.step = math.nan, math.inf, math.inf, math.nan  # of the entry chosen
        self._steps: list[float] = []
        self._rows: list[list[Entry]] = []

    def add(self, step: float, difference: float, noise: float) -> None:
        """Enter the difference at the next smaller step, `noise` being its standard deviation.

        A difference that is not finite (the step left the domain) empties the table.
        """
        if not math.isfinite(difference):
            self._steps, self._rows, self.error = [], [], math.inf
            return
        i = len(self._rows)
        self._steps.append(step)
        row = [Entry(i, difference, math.inf, noise)]
        for k, above in enumerate(self._rows[-1][:ORDER] if self._rows else [], start=1):
            left = row[-1]
            gain = 1 / ((self._steps[-1 - k] / step) ** self.power - 1)
            value = left.value + (left.value - above.value) * gain
            noise = left.noise * (1 + gain) + above.noise * gain
            row.append(Entry(i, value, max(abs(value - left.value), abs(value - above.value)) + noise, noise))
        self._rows.append(row)
        self._choose()

    @property
    def drowned(self) -> bool:
        """The last difference is already noisier than the answer: smaller steps cannot help."""
        return self.error < math.inf and bool(self._rows) and self._rows[-1][0].noise >= self.error

    def _choose(self) -> None:
        self.error = math.inf
        for entry in sorted((entry for row in self._rows for entry in row[1:]), key=lambda entry: entry.error):
            if entry.error >= self.error:
                break
            error = entry.error + self._contradiction(entry)
            if error < self.error:
                self.value, self.error, self.noise = entry.value, error, entry.noise
                self.step = self._steps[entry.row]

    def _contradiction(self, entry: Entry) -> float:
        """By how much smaller steps say that this entry is wrong, whichever of their entries is kindest to it."""
        gaps = (min(abs(finer.value - entry.value) - CLEAR * finer.noise for finer in row)
                for row in self._rows[entry.row + 1:])
        return max(0.0, max(gaps, default=0.0))
