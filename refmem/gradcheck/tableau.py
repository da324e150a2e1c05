"""A slope and its own error bar: the Ridders/Neville tableau of differences.

The central difference D(h) = (phi(h) - phi(-h)) / 2h is a series in h^2: D(h) = slope + a h^2 + b h^4 + ...
From D at falling steps, Neville's rule removes one term after the other,

    T[i, 0] = D(h_i)
    T[i, k] = T[i, k-1] + (T[i, k-1] - T[i-1, k-1]) / ((h_{i-k} / h_i)^2 - 1),

and Ridders' observation is that the distance of an entry from its two parents bounds its error: they lack the
correction that it has. Rounding works the other way and grows as the step falls, n(i, 0) = sigma / (sqrt(2) h_i)
for noise of standard deviation sigma in phi; the same rule carries it through the table. The entry with the
smallest sum of both is the answer, and the sum its error bar. So there is no step to choose.

(One-sided differences are a series in h itself; `power` is 1 for them.)
"""

import math
from dataclasses import dataclass, field

ORDER = 6  # corrections; more only amplify rounding


@dataclass
class Tableau:
    """Add differences at falling steps; read off `value` and `error`, `noise` being the share of rounding in it."""

    power: int = 2
    value: float = math.nan
    error: float = math.inf
    noise: float = math.inf
    _steps: list[float] = field(default_factory=list, repr=False)
    _row: list[float] = field(default_factory=list, repr=False)
    _row_noise: list[float] = field(default_factory=list, repr=False)

    def add(self, step: float, difference: float, noise: float) -> None:
        """Enter the difference at the next smaller step, `noise` being its standard deviation.

        A difference that is not finite (the step left the domain) empties the table.
        """
        if not math.isfinite(difference):
            self._steps, self._row, self._row_noise = [], [], []
            return
        self._steps.append(step)
        row, row_noise = [difference], [noise]
        for k, (above, above_noise) in enumerate(zip(self._row[:ORDER], self._row_noise[:ORDER], strict=True), start=1):
            gain = 1 / ((self._steps[-1 - k] / step) ** self.power - 1)
            left, left_noise = row[-1], row_noise[-1]
            row.append(left + (left - above) * gain)
            row_noise.append(left_noise * (1 + gain) + above_noise * gain)
            error = max(abs(row[k] - left), abs(row[k] - above)) + row_noise[k]
            if error < self.error:
                self.value, self.error, self.noise = row[k], error, row_noise[k]
        self._row, self._row_noise = row, row_noise

    @property
    def drowned(self) -> bool:
        """The last difference is already noisier than the answer: smaller steps cannot help."""
        return self.error < math.inf and bool(self._row_noise) and self._row_noise[0] >= self.error
