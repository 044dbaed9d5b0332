"""The hub: every page is told, none is flooded, none holds anyone up."""

from __future__ import annotations

from rattle.station.events import MOST_WAITING, Hub


def test_every_page_gets_every_event_in_order() -> None:
    hub, woken = Hub(), []
    pages = [hub.subscribe(lambda: woken.append(1)) for _ in range(2)]
    for number in range(3):
        hub.publish("incident", id=number)
    for page in pages:
        assert [event.data["id"] for event in page.take()] == [0, 1, 2]
        assert page.take() == []
    assert len(woken) == 6


def test_a_page_that_does_not_read_loses_the_oldest_and_is_told_so() -> None:
    hub = Hub()
    page = hub.subscribe(lambda: None)
    for number in range(MOST_WAITING + 5):
        hub.publish("incident", id=number)
    first, *others = page.take()
    assert first.kind == "resync"
    assert [event.data["id"] for event in others] == list(range(5, MOST_WAITING + 5))
    hub.publish("incident", id="later")
    assert [event.kind for event in page.take()] == ["incident"]


def test_of_a_sources_scores_only_the_newest_waits() -> None:
    hub = Hub()
    page = hub.subscribe(lambda: None)
    for number in range(1000):
        hub.publish("score", source=f"s{number % 3}", score=number)
    hub.publish("incident", id=1)
    events = page.take()
    assert [event.kind for event in events] == ["incident", "score", "score", "score"]
    assert sorted(event.data["score"] for event in events[1:]) == [997, 998, 999]


def test_a_page_that_left_is_told_nothing() -> None:
    hub = Hub()
    page = hub.subscribe(lambda: None)
    hub.leave(page)
    hub.publish("plant")
    assert page.take() == []
