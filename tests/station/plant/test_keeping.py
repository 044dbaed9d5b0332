"""The keeper: each job at its time, and none stops another."""

from __future__ import annotations

import logging

import pytest

from rattle.station.plant.keeping import Job, Keeper


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_job_is_done_first_when_it_says_and_then_every_so_often() -> None:
    clock, done = Clock(), []
    keeper = Keeper([Job("look", 10.0, lambda: done.append(clock.at), first_s=3.0)], clock)
    for second in range(30):
        clock.at = float(second)
        keeper.do_due()
    assert done == [3.0, 13.0, 23.0]


def test_a_job_that_fails_stops_no_other_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, done, tries = Clock(), [], []

    def fail() -> None:
        tries.append(clock.at)
        if len(tries) < 3:
            raise OSError("no space left")

    keeper = Keeper([Job("keep", 5.0, fail), Job("look", 5.0, lambda: done.append(1))], clock)
    keeper.do_due()
    assert keeper.errors == {"keep": "no space left"}
    for second in (5.0, 10.0):
        clock.at = second
        keeper.do_due()
    assert (len(done), tries, keeper.errors) == (3, [0.0, 5.0, 10.0], {})
    # It is logged when it begins to fail, and not every time.
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_it_ends_when_it_is_stopped() -> None:
    keeper = Keeper([], Clock())
    keeper.start()
    keeper.stop(5.0)
    assert not keeper._thread.is_alive()
