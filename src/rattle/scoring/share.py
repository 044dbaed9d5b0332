"""Give a share with what chance leaves open of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Share:
    """A share of 0 to 1 and its 95 % interval, ``low`` to ``high``."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, trials: int, confidence: float = 0.95) -> Share:
        """Take a share of so many independent trials, with Wilson's interval.

            (p + z^2 / 2n  -+  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

        p is the share, n counts the trials, z is the normal distribution's quantile. E. B. Wilson,
        "Probable inference, the law of succession, and statistical inference", JASA 22, 1927. A
        mean of trials that are shares themselves may be given: it varies less than one of yes and
        no, so the interval is then too wide, never too narrow. ``ValueError`` without a trial.

        >>> share = Share.of(0.5, 12)
        >>> f"{share.low:.3f} {share.high:.3f}"
        '0.254 0.746'
        """
        if trials < 1 or not 0 <= value <= 1:
            raise ValueError(f"a share of 0 to 1 of at least one trial, not {value} of {trials}")
        square = NormalDist().inv_cdf((1 + confidence) / 2) ** 2 / trials
        middle = (value + square / 2) / (1 + square)
        spread = value * (1 - value) * square
        reach = math.sqrt(spread + square**2 / 4) / (1 + square)
        return cls(value, max(middle - reach, 0.0), min(middle + reach, 1.0))
