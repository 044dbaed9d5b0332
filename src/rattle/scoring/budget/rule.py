"""Say of single scores what they add up to: K of the last N windows."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.errors import DataError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class AlarmRule:
    """A level is passed when ``passes`` of the last ``hops`` windows are above it.

    That holds exactly where the ``passes``-th largest of their scores is: one number, Y, that no
    level is needed for.
    """

    passes: int = 3
    hops: int = 5

    @classmethod
    def parse(cls, text: str) -> AlarmRule:
        """Read a rule such as ``"3/5"``; ``DataError`` for what is none."""
        numbers = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        rule = cls(int(numbers[1]), int(numbers[2])) if numbers else None
        if rule is None or not 1 <= rule.passes <= rule.hops:
            raise DataError(
                f"{text!r} is no rule for alarms; expected K/N, K of the last N hops, such as 3/5",
                argument="alarm",
            )
        return rule

    def __str__(self) -> str:
        return f"{self.passes}/{self.hops}"

    def statistic(self, scores: Values) -> Values:
        """Compute Y of each hop ``[n]``; NaN in ``scores`` is a window that was not scored.

        Such a window is above no level, and counts among the last N. Y is -inf where fewer than K
        of them were scored.

        >>> AlarmRule(2, 3).statistic(np.array([1.0, 5.0, 4.0, np.nan, 0.0])).tolist()
        [-inf, 1.0, 4.0, 4.0, 0.0]
        """
        if not len(scores):
            return scores
        above_none = np.where(np.isnan(scores), -np.inf, scores)
        padded = np.concatenate([np.full(self.hops - 1, -np.inf), above_none])
        last = np.lib.stride_tricks.sliding_window_view(padded, self.hops)
        place = self.hops - self.passes
        return np.asarray(np.partition(last, place, axis=1)[:, place], dtype=np.float64)


class Statistic:
    """Y of a sound that goes on, hop by hop."""

    def __init__(self, rule: AlarmRule) -> None:
        self._passes = rule.passes
        self._last = deque([-np.inf] * rule.hops, maxlen=rule.hops)

    def hop(self, score: float | None) -> float:
        """Take the next window's score, None where it was not scored, and give Y."""
        self._last.append(-np.inf if score is None else score)
        return sorted(self._last, reverse=True)[self._passes - 1]
