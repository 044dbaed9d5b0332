"""Say how unusual a value is among those of healthy clips, alike for every kind of statistic.

Of a statistic, such as the level in each of B bands, the healthy clips' values are ``[n, B]``.
A value's deviation from their middle counts in widths: how far the middle is from the tenth
highest (or lowest) in a hundred healthy clips, at least a floor. A clip has many bands, and
the largest of many deviations is large by chance. How large shows on the healthy clips, each
judged by the rest: that is the ``Yardstick`` by which the deviations of a kind are divided. So 1
is what a healthy clip hardly ever reaches, whatever was measured.

Order statistics are taken as they are, not interpolated: leaving a clip out then only moves an
index, which makes judging each by the rest as cheap as judging one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
OUTER = 0.9  # of the healthy clips lie within a width above the middle, and as many below
SELDOM = 0.95  # of the healthy clips have no deviation as large as 1
SMALLEST_YARDSTICK = 2.0  # widths: healthy clips that are alike to a hair prove little
FEW = 4.0  # clips: with so many the yardstick is twice as long, for they say little of the rest


@dataclass(frozen=True)
class Usual:
    """The values of a statistic in healthy clips ``[n, D]``, and the least width that counts."""

    values: Values
    floor: float | Values

    @property
    def middle(self) -> Values:
        """Give the healthy clips' middle value ``[D]``."""
        return np.asarray(self._sorted[_middle(len(self.values))])

    @property
    def highest(self) -> Values:
        """Give the highest healthy value ``[D]``."""
        return np.asarray(self._sorted[-1])

    @property
    def lowest(self) -> Values:
        """Give the lowest healthy value ``[D]``."""
        return np.asarray(self._sorted[0])

    def deviations(self, values: Values) -> Values:
        """Count by how many widths values ``[D]`` lie above (or, below 0, under) the middle."""
        n = len(self.values)
        orders = (self._sorted[k] for k in (_lower(n), _middle(n), _upper(n)))
        return self._in_widths(values, *orders)

    def among_themselves(self, values: Values | None = None) -> Values:
        """Count the deviations ``[n, D]`` of each healthy clip from the rest; 0 if there is none.

        ``values`` are what is judged in place of the values themselves.
        """
        n = len(self.values) - 1
        if not n:
            return np.zeros_like(self.values)
        orders = (self._without_each(k) for k in (_lower(n), _middle(n), _upper(n)))
        return self._in_widths(self.values if values is None else values, *orders)

    @cached_property
    def _sorted(self) -> Values:
        return np.asarray(np.sort(self.values, axis=0))

    def _without_each(self, k: int) -> Values:
        """Give the k-th smallest of the other clips, for each clip ``[n, D]``."""
        lower, higher = self._sorted[k], self._sorted[k + 1]
        return np.asarray(np.where(self.values > lower, lower, higher))

    def _in_widths(self, values: Values, lower: Values, middle: Values, upper: Values) -> Values:
        apart = values - middle
        above = np.maximum(upper - middle, self.floor)
        below = np.maximum(middle - lower, self.floor)
        return np.where(apart > 0, apart / above, apart / below)


@dataclass(frozen=True)
class Yardstick:
    """How large the largest deviation of a healthy clip is, above the middle and below it."""

    above: float
    below: float

    @classmethod
    def of(cls, deviations: Values) -> Yardstick:
        """Take it from the deviations of healthy clips from each other ``[n, D]``."""
        few = 1 + FEW / len(deviations)
        largest = [side.max(axis=1, initial=0.0) for side in (deviations, -deviations)]
        above, below = (
            few * max(float(np.quantile(each, SELDOM)), SMALLEST_YARDSTICK) for each in largest
        )
        return cls(above, below)

    def __call__(self, deviations: Values) -> Values:
        """Divide deviations by it, sign kept."""
        return np.where(deviations > 0, deviations / self.above, deviations / self.below)


def lesser(one: Values, other: Values) -> Values:
    """Give the smaller of two deviations where both are on the same side, 0 elsewhere."""
    smaller = np.where(np.abs(one) < np.abs(other), one, other)
    return np.where(one * other > 0, smaller, 0.0)


def _middle(n: int) -> int:
    return (n - 1) // 2


def _upper(n: int) -> int:
    return int(np.ceil(OUTER * (n - 1) - 1e-9))


def _lower(n: int) -> int:
    return n - 1 - _upper(n)
