"""The queue before the scorer: bounded, ordered, and honest about what it drops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from fake_source import FakeSource

from rattle import SourceError
from rattle.listening.backlog import Backlog, blocks_of
from rattle.listening.source import Block, SourceLostError


def block(number: int, seconds: float = 0.5) -> Block:
    return Block(np.full((round(seconds * 100), 1), number, np.float32), 100)


def number(taken_block: Block | None) -> int:
    assert taken_block is not None
    return int(taken_block.samples[0, 0])


def test_blocks_come_out_in_order_and_then_the_end() -> None:
    backlog = Backlog()
    for i in range(3):
        backlog.put(block(i))
    backlog.end(None)
    assert [number(backlog.get(0)) for _ in range(3)] == [0, 1, 2]
    assert backlog.get(0) is None


def test_what_came_before_an_error_is_still_scored() -> None:
    backlog = Backlog()
    backlog.put(block(0))
    backlog.end(SourceLostError("cable"))
    assert number(backlog.get(0)) == 0
    with pytest.raises(SourceLostError, match="cable"):
        backlog.get(0)


def late() -> Callable[[], float]:
    """A clock by which nothing is scored in time."""
    ticks = count(step=100)
    return lambda: next(ticks)


def test_sound_that_waited_too_long_is_dropped_and_the_next_block_says_so() -> None:
    backlog = Backlog(limit_s=2.0, clock=late())
    for i in range(6):
        backlog.put(block(i))
    first, second = backlog.get(0), backlog.get(0)
    assert (number(first), number(second)) == (4, 5)
    assert first is not None
    assert first.gap == "2.0 s of sound dropped: scoring does not keep up"
    assert second is not None
    assert second.gap == ""


def test_no_more_than_the_limit_ever_waits() -> None:
    backlog = Backlog(limit_s=2.0, clock=late())
    for i in range(1000):
        backlog.put(block(i, seconds=0.3))
        assert sum(waiting.seconds for _, waiting in backlog._blocks) <= 2.0


def test_a_burst_waits_for_the_scorer_and_loses_nothing() -> None:
    source = FakeSource([[block(i) for i in range(500)]])
    found = list(blocks_of(source, backlog_s=2.0))
    assert [number(b) for b in found] == list(range(500))
    assert not any(b.gap for b in found)


def test_a_source_says_nothing_to_one_who_has_left() -> None:
    source = FakeSource([[block(i) for i in range(500)]])
    blocks = blocks_of(source, backlog_s=2.0)
    before = threading.active_count()
    next(blocks)
    assert threading.active_count() == before + 1
    blocks.close()
    while threading.active_count() > before:
        time.sleep(0.01)


def test_a_source_that_says_nothing_for_long_is_lost_and_closed() -> None:
    source = FakeSource([[block(0), None]])
    blocks = blocks_of(source, stall_s=0.05)
    assert number(next(blocks)) == 0
    with pytest.raises(SourceLostError, match=r"no sound for 0\.05 s"):
        next(blocks)
    assert source.opened[0].closed.is_set()


def test_a_live_source_is_closed_by_the_one_who_stops_listening() -> None:
    source = FakeSource([[block(0), None]])
    blocks = blocks_of(source)
    next(blocks)
    blocks.close()
    assert source.opened[0].closed.is_set()


@pytest.mark.parametrize("live", [True, False])
def test_a_source_that_cannot_be_had_says_why(live: bool) -> None:
    source = FakeSource([[SourceError("no such device")]], live=live)
    with pytest.raises(SourceError, match="no such device"):
        list(blocks_of(source))


def test_a_file_is_read_no_faster_than_it_is_scored() -> None:
    source = FakeSource([[block(i, seconds=8.0) for i in range(20)]], live=False)
    assert [number(b) for b in blocks_of(source, backlog_s=1.0)] == list(range(20))
