"""Work done ahead comes in order, is done at once, and waits in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rattle.ahead import map_ahead

LONG_S = 30


def test_results_come_in_the_order_of_their_items() -> None:
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(LONG_S)
        elif item == 1:
            second_is_done.set()
        return item * item

    assert list(map_ahead(work, range(20), workers=2)) == [n * n for n in range(20)]


def test_as_many_items_are_worked_on_at_once_as_there_are_workers() -> None:
    # The barrier opens only when three threads stand before it.
    meeting = threading.Barrier(3, timeout=LONG_S)
    places = list(map_ahead(lambda _: meeting.wait(), range(6), workers=3))
    assert sorted(places) == [0, 0, 1, 1, 2, 2]


def test_while_a_result_is_used_at_most_one_a_worker_waits() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(50):
            taken += 1
            yield item

    for result in map_ahead(lambda item: item, items(), workers=2):
        assert taken <= result + 1 + 2
    assert taken == 50


def test_an_error_is_raised_at_its_turn_and_the_rest_is_dropped() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 2:
            raise ValueError("item 2")
        return item

    results = map_ahead(work, range(100), workers=1)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2"):
        next(results)
    assert max(begun) <= 3


def test_no_items_give_no_results() -> None:
    assert list(map_ahead(str, [], workers=2)) == []
