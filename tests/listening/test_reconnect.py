"""A lost source is connected again, more and more patiently."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from fake_source import FakeSource, Played

from rattle import SourceError
from rattle.listening.reconnect import Outage, back_off, connected_blocks
from rattle.listening.source import Block, Source, SourceLostError, SourceRefusedError

BLOCK = Block(np.zeros((10, 1), np.float32), 100)


def directly(source: Source) -> Iterator[Block]:
    return source.connect().blocks()


def keep(connections: list[Played], *, live: bool = True, once: bool = False) -> Iterator[object]:
    return connected_blocks(
        FakeSource(connections, live=live),
        once=once,
        sleep=lambda _: None,
        randomness=np.random.default_rng(0),
        read=directly,
    )


def test_waits_double_from_one_second_to_thirty() -> None:
    waits = list(islice(back_off(np.random.default_rng(0)), 12))
    for wait, ideal in zip(waits, [1, 2, 4, 8, 16, *[30] * 7], strict=True):
        assert max(0.75 * ideal, 1) <= wait <= min(1.25 * ideal, 30)


def test_two_stations_do_not_wait_alike() -> None:
    first, second = (list(islice(back_off(np.random.default_rng(seed)), 5)) for seed in (0, 1))
    assert first != second


def test_a_lost_source_is_connected_again_after_the_wait_that_was_told() -> None:
    slept: list[float] = []
    source = FakeSource([[BLOCK, SourceLostError("cable")], [SourceLostError("still")], [BLOCK]])
    events = connected_blocks(
        source, once=False, sleep=slept.append, randomness=np.random.default_rng(0), read=directly
    )
    found = list(islice(events, 4))
    outages = [event for event in found if isinstance(event, Outage)]
    assert found == [BLOCK, *outages, BLOCK]
    assert [outage.reason for outage in outages] == ["cable", "still"]
    assert slept == [outage.wait_s for outage in outages]
    assert 1 <= outages[0].wait_s < outages[1].wait_s


def test_a_source_that_came_back_is_waited_for_from_one_second_again() -> None:
    lost = SourceLostError("cable")
    connections: list[Played] = [[lost], [lost], [lost], [BLOCK, lost], [BLOCK]]
    outages = [e for e in islice(keep(connections), 6) if isinstance(e, Outage)]
    assert outages[2].wait_s >= 3
    assert outages[3].wait_s <= 1.25


def test_a_live_source_that_ends_is_lost() -> None:
    found = list(islice(keep([[BLOCK], [BLOCK]]), 3))
    assert isinstance(found[1], Outage)
    assert found[1].reason == "fake ended"


def test_a_file_that_ends_has_ended() -> None:
    assert list(keep([[BLOCK, BLOCK]], live=False)) == [BLOCK, BLOCK]


def test_a_live_source_is_not_connected_again_where_once_is_asked() -> None:
    assert list(keep([[BLOCK]], once=True)) == [BLOCK]
    with pytest.raises(SourceError, match="cable"):
        list(keep([[SourceLostError("cable")]], once=True))


def test_a_file_that_breaks_off_is_an_error() -> None:
    with pytest.raises(SourceError, match="cut short"):
        list(keep([[BLOCK, SourceLostError("cut short")]], live=False))


def test_a_source_that_can_never_work_is_not_tried_again() -> None:
    with pytest.raises(SourceError, match="no such device"):
        list(keep([[SourceError("no such device")]]))


def test_a_source_that_refuses_before_it_gave_sound_is_not_connected_again() -> None:
    with pytest.raises(SourceError, match="no sound in it"):
        list(keep([[SourceLostError("cable")], [SourceRefusedError("no sound in it")], [BLOCK]]))


def test_a_source_that_refuses_after_it_gave_sound_is_waited_for() -> None:
    found = list(islice(keep([[BLOCK], [SourceRefusedError("404")], [BLOCK]]), 4))
    assert [getattr(event, "reason", None) for event in found] == [None, "fake ended", "404", None]
