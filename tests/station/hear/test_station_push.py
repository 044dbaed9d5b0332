"""Pushed bytes become blocks: bounded, whole samples, each with its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.listening.backlog import blocks_of
from rattle.listening.source import SourceLostError
from rattle.station.config.model import Push
from rattle.station.hear.push import INBOX_SECONDS, PushInbox

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def inbox(**values: object) -> PushInbox:
    push = Push.model_validate({"sample_rate_hz": 1000, "token": "secret", **values})
    return PushInbox("mic", push, now=lambda: NOW)


def test_what_is_pushed_is_heard_with_the_time_of_its_arrival() -> None:
    box = inbox()
    samples = np.arange(600, dtype="<i2")
    assert box.offer(samples.tobytes())
    blocks = list(islice(box.connect().blocks(), 3))
    heard = np.concatenate([block.samples for block in blocks])
    assert heard[:, 0] * 32768 == pytest.approx(samples)
    assert [block.at for block in blocks] == [
        NOW - timedelta(milliseconds=350),
        NOW - timedelta(milliseconds=100),
        NOW,
    ]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=30))
def test_half_a_sample_is_left_out_and_shifts_nothing(lengths: list[int]) -> None:
    box = inbox(channels=3, encoding="f32le")
    samples = np.random.default_rng(0).normal(size=(30, 3)).astype("<f4")
    data, frame = samples.tobytes(), 3 * 4
    for length in lengths:
        assert box.offer(data[:length])
    whole = [samples[: length // frame] for length in lengths if length >= frame]
    blocks = box.connect().blocks()
    for expected in whole:
        assert (next(blocks).samples == expected).all()


def test_it_holds_ten_seconds_and_takes_nothing_of_what_is_more() -> None:
    box = inbox()
    second = np.zeros(1000, "<i2").tobytes()
    assert all(box.offer(second) for _ in range(int(INBOX_SECONDS)))
    assert not box.offer(second)
    assert not box.offer(b"\0\0")
    blocks = list(islice(box.connect().blocks(), 4))
    assert sum(block.seconds for block in blocks) == 1
    assert box.offer(second)
    assert not box.offer(second)


def test_more_than_it_holds_at_all_is_never_taken() -> None:
    box = inbox(channels=2)
    assert box.most_bytes == 10 * 1000 * 2 * 2
    assert box.offer(bytes(box.most_bytes))
    assert not inbox(channels=2).offer(bytes(box.most_bytes + 4))


def test_a_silent_sender_is_lost_and_is_heard_again() -> None:
    box = inbox()
    box.offer(b"\1\0")
    blocks = blocks_of(box, stall_s=0.05)
    assert len(next(blocks).samples) == 1
    with pytest.raises(SourceLostError, match="no sound for"):
        next(blocks)
    again = box.connect()
    box.offer(b"\3\0")
    assert next(again.blocks()).samples[0, 0] * 32768 == 3


def test_pushes_from_another_thread_arrive_in_order() -> None:
    box = inbox(encoding="f32le")

    def push() -> None:
        for number in range(200):
            while not box.offer(np.full(100, number, "<f4").tobytes()):
                pass

    sender = Thread(target=push)
    sender.start()
    heard: list[float] = []
    connection = box.connect()
    for block in connection.blocks():
        heard += block.samples[:, 0].tolist()
        if len(heard) == 20_000:
            connection.close()
    sender.join()
    assert heard == [number for number in range(200) for _ in range(100)]


def test_closing_ends_one_that_waits() -> None:
    connection = inbox().connect()
    ended: list[bool] = []
    waiting = Thread(target=lambda: ended.append(list(connection.blocks()) == []))
    waiting.start()
    connection.close()
    waiting.join(5)
    assert ended == [True]
