"""An alarm needs k of the last n hops, and an end that is sure."""

from __future__ import annotations

import pytest

from rattle import DataError
from rattle.listening.alarm import Alarm, AlarmRule


def changes(rule: str, hops: str) -> str:
    """``^`` where an alarm was raised, ``v`` where it ended; x: passed, -: not, ?: not scored."""
    alarm = Alarm(AlarmRule.parse(rule))
    shown = {"raised": "^", "ended": "v", None: "."}
    return "".join(shown[alarm.hop({"x": True, "-": False, "?": None}[hop])] for hop in hops)


@pytest.mark.parametrize(
    ("rule", "hops", "expected"),
    [
        ("3/5", "xxx-----x", "..^....v."),
        ("3/5", "x-x-x", "....^"),
        ("3/5", "x--x--x--x", ".........."),
        ("1/1", "-x-x", ".^v^"),
        ("2/3", "x?x", "..^"),
        ("2/3", "x??x", "...."),
        ("3/5", "??????????", ".........."),
        # A microphone that dies does not end an alarm.
        ("2/3", "xx????????---", ".^..........v"),
        ("2/3", "xx--x---", ".^.....v"),
    ],
)
def test_an_alarm_is_raised_by_the_rule_and_ends_after_calm(
    rule: str, hops: str, expected: str
) -> None:
    assert changes(rule, hops) == expected


@pytest.mark.parametrize("text", ["", "3", "3/", "0/5", "6/5", "3/5/7", "-1/5", "a/b", "3.5/5"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="expected K/N") as refused:
        AlarmRule.parse(text)
    assert refused.value.arguments == ("alarm",)
