"""Decide when single scores add up to an alarm."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

from rattle.errors import DataError


@dataclass(frozen=True)
class AlarmRule:
    """An alarm is raised when the threshold was passed in ``passes`` of the last ``hops`` hops."""

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


class Alarm:
    """Raised by the rule, ended by as many scored hops in a row without a pass as it looks back.

    A hop that was not scored (None) is no pass, and does not help to end an alarm.
    """

    def __init__(self, rule: AlarmRule) -> None:
        self.is_on = False
        self._rule = rule
        self._passed: deque[bool] = deque(maxlen=rule.hops)
        self._calm = 0

    def hop(self, passed: bool | None) -> Literal["raised", "ended"] | None:
        """Count the next hop and tell what changes by it."""
        self._passed.append(bool(passed))
        if not self.is_on:
            self.is_on = sum(self._passed) >= self._rule.passes
            self._calm = 0
            return "raised" if self.is_on else None
        if passed is not None:
            self._calm = 0 if passed else self._calm + 1
        if self._calm < self._rule.hops:
            return None
        self.is_on = False
        return "ended"
