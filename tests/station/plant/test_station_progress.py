"""A long start says how far it is, a short one says nothing."""

from __future__ import annotations

import logging

import pytest

from rattle.station.plant.progress import told


@pytest.mark.parametrize(("seconds_each", "said"), [(0.1, []), (2.0, [3, 6, 9])])
def test_a_long_start_says_every_five_seconds_how_far_it_is(
    seconds_each: float, said: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    seen, now = [], [0.0]
    with caplog.at_level(logging.INFO):
        for item in told(range(10), "opening bundles", 10, lambda: now[0]):
            seen.append(item)
            now[0] += seconds_each
    assert seen == list(range(10))
    assert caplog.messages == [f"starting: opening bundles, {each} of 10 done" for each in said]
