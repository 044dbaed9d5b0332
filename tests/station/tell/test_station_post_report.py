"""The report of the week that is over goes on Monday at seven to who asks for it, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from tell_kit import Clock, Hall, Receiver, post_of, step

from rattle.station.config.told import Tell
from rattle.station.store.tables import NoticeRow
from rattle.station.tell.channel import channel_of
from rattle.station.tell.finding import Past
from rattle.station.tell.post import Post, Sender
from rattle.station.tell.reporting import last_week
from rattle.station.tell.words import Words

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
LONG_AGO = MONDAY - timedelta(days=100)


def reports(receiver: Receiver) -> list[dict]:
    return [
        notice
        for _, document in receiver.taken
        for notice in document["notices"]
        if notice["what"] == "report"
    ]


def test_a_channel_that_asks_for_it_gets_it_once_a_week(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["report"])
    hall.end(hall.alarm())
    clock.at = MONDAY + timedelta(hours=6, minutes=59)
    step(post, clock)
    assert receiver.asked == []
    step(post, clock, minutes=1)
    (report,) = reports(receiver)
    assert report["title"] == "Report: Week 10 of 2026, hall"
    assert report["week"] == "2026-W10"
    assert report["link"] == "https://rattle.example/reports/2026-W10"
    assert "1 alarm: 1 not reviewed" in report["text"]
    again = post_of(hall.database, clock, receiver.url, about=["report"])
    for _ in range(20):
        step(again, clock, hours=8)
    assert len(reports(receiver)) == 1
    clock.at = MONDAY + timedelta(days=7, hours=7)
    step(again, clock)
    assert [each["week"] for each in reports(receiver)] == ["2026-W10", "2026-W11"]


def test_nobody_gets_it_who_does_not_ask(hall: Hall, clock: Clock, receiver: Receiver) -> None:
    post = post_of(hall.database, clock, receiver.url)
    clock.at = MONDAY + timedelta(hours=8)
    step(post, clock)
    assert receiver.asked == []


@pytest.mark.parametrize(("hours", "told"), [(7, 1), (30, 1), (31, 0), (80, 0)])
def test_a_station_that_was_off_on_monday_tells_for_a_day(
    hours: int, told: int, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post_of(hall.database, clock, receiver.url, about=["report"])
    clock.at = MONDAY + timedelta(hours=hours)
    step(post_of(hall.database, clock, receiver.url, about=["report"]), clock)
    assert len(reports(receiver)) == told


def test_a_new_channel_waits_for_the_next_monday(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    clock.at = MONDAY + timedelta(hours=8)
    step(post_of(hall.database, clock, receiver.url, about=["report"]), clock)
    assert receiver.asked == []


def test_seven_is_by_the_clock_of_the_plant(hall: Hall, receiver: Receiver) -> None:
    tell = Tell.model_validate({"name": "shift", "url": receiver.url, "about": ["report"]})
    words = Words("hall", "https://rattle.example", ZoneInfo("America/New_York"))
    past = Past((), LONG_AGO)
    at = MONDAY + timedelta(hours=11)  # summer time began on the day before
    with hall.database.reading() as session:
        assert last_week(session, tell, past, words, at - timedelta(seconds=1)) == []
        (notice,) = last_week(session, tell, past, words, at)
        assert notice.at == at
        told = Past((notice.key,), LONG_AGO)
        assert last_week(session, tell, told, words, at) == []


def test_a_report_that_could_not_be_sent_is_sent_later_and_once(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["report"])
    receiver.status = 503
    clock.at = MONDAY + timedelta(hours=7)
    for _ in range(10):
        step(post, clock, minutes=10)
    assert reports(receiver) == []
    receiver.status = 200
    for _ in range(10):
        step(post, clock, hours=1)
    assert len(reports(receiver)) == 1


@pytest.mark.parametrize(
    ("url", "has_html", "is_whole"),
    [
        ("mailto://mail.example?from=a@b.example&to=c@d.example", True, True),
        ("https://hook.example", False, True),
        ("ntfy://topic", False, False),
    ],
)
def test_a_mail_has_all_of_it_and_a_telephone_the_plants_part(
    url: str, has_html: bool, is_whole: bool, hall: Hall
) -> None:
    tell = Tell.model_validate({"name": "shift", "url": url, "about": ["report"]})
    words = Words("hall", "https://rattle.example", UTC)
    hall.end(hall.alarm())
    with hall.database.reading() as session:
        (notice,) = last_week(session, tell, Past((), LONG_AGO), words, MONDAY.replace(hour=7))
    assert ("html" in notice.body) == has_html
    assert ("press-8" in notice.body["text"]) == is_whole
    assert "1 alarm: 1 not reviewed" in notice.body["text"]


def test_a_drift_is_told_to_nobody_as_a_fault_of_the_microphone(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    tell = Tell.model_validate({"name": "shift", "url": receiver.url})
    words = Words("hall", "https://rattle.example", UTC)
    post = Post(hall.database, [Sender(tell, channel_of(tell))], words, now=clock)
    post.begin()
    drift = hall.lost(kind="drift", reason="since 2026-02-01 it is higher")
    step(post, clock, minutes=10)
    hall.end(drift)
    step(post, clock, minutes=10)
    assert receiver.asked == []
    with hall.database.reading() as session:
        assert session.scalars(select(NoticeRow)).all() == []
