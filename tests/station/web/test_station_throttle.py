"""Slowing down whoever tries passwords."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rattle.station.web import throttle as module
from rattle.station.web.throttle import LONGEST_WAIT_S, Throttle

AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(0, 10), st.integers(0, 40))
def test_waits_double_up_to_a_minute_once_the_free_tries_are_used(free: int, failures: int) -> None:
    throttle = Throttle(free)
    for _ in range(failures):
        throttle.failed("ada", AT)
    over = failures - free
    expected = min(2 ** (over - 1), LONGEST_WAIT_S) if over > 0 else 0
    assert throttle.wait_s("ada", AT) == expected
    assert throttle.wait_s("bob", AT) == 0
    assert throttle.wait_s("ada", AT + timedelta(seconds=expected)) == 0


def test_failures_are_forgotten_after_half_an_hour() -> None:
    throttle = Throttle(0)
    for _ in range(10):
        throttle.failed("ada", AT)
    later = AT + timedelta(minutes=31)
    throttle.failed("ada", later)
    assert throttle.wait_s("ada", later) == 1


def test_many_keys_do_not_fill_the_memory() -> None:
    throttle = Throttle(0)
    for number in range(module.MOST_REMEMBERED + 10):
        throttle.failed(str(number), AT)
    assert throttle.wait_s("0", AT) == 0
    assert throttle.wait_s(str(module.MOST_REMEMBERED), AT) == 1
