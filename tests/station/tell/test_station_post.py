"""What happens is told once, in time, whatever fails meanwhile."""

from __future__ import annotations

import logging
from contextlib import closing

import pytest
from sqlalchemy import select
from tell_kit import MACHINES, NOON, Clock, Hall, Raw, Receiver, post_of, step

from rattle.station.config.secret_parts import secrets_of, without
from rattle.station.config.told import Tell
from rattle.station.store import reviews
from rattle.station.store.notices import TEST, Notice, add
from rattle.station.store.tables import NoticeRow
from rattle.station.tell.channel import NotSentError, Webhook
from rattle.station.tell.message import Message, Told
from rattle.station.tell.post import Post


@pytest.fixture
def post(hall: Hall, clock: Clock, receiver: Receiver) -> Post:
    return post_of(hall.database, clock, receiver.url)


def test_an_alarm_is_told_once_with_what_a_program_needs(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    alarm = hall.alarm()
    step(post, clock)
    assert receiver.asked == []  # it waits for others of the same cause
    for _ in range(4):
        step(post, clock, seconds=30)
    ((message, document),) = receiver.taken
    assert (document["v"], document["id"], document["plant"]) == (1, message, "hall")
    assert document["title"] == "Alarm: press-1"
    (notice,) = document["notices"]
    assert notice["incident"]["id"] == alarm.id
    assert notice["incident"]["opened"] == "2026-03-02T12:00:00+00:00"
    assert notice["link"] == f"https://rattle.example/incidents/{alarm.id}"
    assert "press-1 has sounded anomalous since 2026-03-02 12:00" in document["text"]


def test_its_end_is_told_and_an_hour_later_that_nobody_reviewed_it(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    alarm = hall.alarm()
    step(post, clock)
    step(post, clock, minutes=20)
    hall.end(alarm)
    for _ in range(59):
        step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-1", "ended press-1"]
    for _ in range(3):
        step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-1", "ended press-1", "review press-1"]


def test_what_was_reviewed_is_not_asked_for(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    alarm = hall.end(hall.alarm())
    step(post, clock)
    receiver.status = 503
    hall.alarm("press-2")
    step(post, clock)
    step(post, clock, minutes=55)
    step(post, clock, minutes=6)
    assert post.channels[0].waiting == 2  # with the review, which has not been tried
    with hall.database.writing() as session:
        reviews.add(session, [alarm.id], "normal", "ann", clock())
    receiver.status = 200
    for _ in range(9):
        step(post, clock, minutes=10)
    assert "review press-1" not in receiver.told
    assert "alarm press-2" in receiver.told


def test_a_source_is_told_of_once_it_has_been_lost_for_five_minutes(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    hall.end(hall.lost("press-2"))  # for a moment
    lost = hall.lost("press-1")  # which it has been for a minute
    step(post, clock, minutes=3, seconds=50)
    assert receiver.told == []
    step(post, clock, seconds=20)
    assert receiver.told == ["source press-1"]
    assert "unplugged" in receiver.taken[0][1]["text"]
    hall.end(lost)
    step(post, clock, minutes=1)
    assert receiver.told == ["source press-1", "ended press-1"]


def test_a_watch_is_for_the_queue_and_a_rise_to_alarm_is_told(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    watch = hall.alarm(level="watch")
    step(post, clock, hours=30)
    assert receiver.told == []
    hall.alarm(id=watch.id, opened=watch.opened)
    step(post, clock)
    step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-1"]


def test_a_channel_is_told_of_what_it_asks_for(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["ended"])
    alarm = hall.alarm()
    hall.lost("press-2")
    step(post, clock, minutes=20)
    hall.end(alarm)
    for _ in range(10):
        step(post, clock, minutes=20)
    assert receiver.told == ["ended press-1"]


def test_a_new_channel_is_told_of_what_goes_on_and_not_of_what_was(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    hall.end(hall.alarm("press-1"))
    hall.alarm("press-2")
    clock.forward(minutes=5)
    post = post_of(hall.database, clock, receiver.url, about=["alarm"])
    step(post, clock)
    step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-2"]


def test_a_source_that_was_lost_two_days_ago_and_still_is_is_news_to_a_new_channel(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    lost = hall.lost("press-1")
    hall.end(hall.lost("press-2"))
    clock.forward(hours=48)
    post = post_of(hall.database, clock, receiver.url)
    step(post, clock)
    step(post, clock, minutes=1)
    assert receiver.told == ["source press-1"]
    assert post.channels[0].expired == 0
    hall.end(lost)
    step(post, clock, minutes=1)
    assert receiver.told == ["source press-1", "ended press-1"]


def test_a_server_that_fails_for_an_hour_loses_nothing_and_gets_nothing_twice(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["alarm", "ended"])
    receiver.status = 503
    for minute in range(60):
        if minute % 20 == 0:
            hall.end(hall.alarm(MACHINES[minute // 20]))
        step(post, clock, minutes=1)
    assert receiver.taken == []
    assert 5 <= len(receiver.asked) <= 9  # after 30 s, one minute, two, four ...
    assert len({message for message, _ in receiver.asked}) == 1
    (channel,) = post.channels
    assert (channel.waiting, channel.sent) == (6, 0)
    assert channel.error == "the server answers 503"
    receiver.status = 204
    for _ in range(200):
        step(post, clock, minutes=1)
    expected = [f"{what} {machine}" for machine in MACHINES[:3] for what in ("alarm", "ended")]
    assert sorted(receiver.told) == sorted(expected)
    ids = [notice["id"] for _, document in receiver.taken for notice in document["notices"]]
    assert len(ids) == len(set(ids))
    assert receiver.taken[0] == receiver.asked[0]  # the same, under the same id
    (channel,) = post.channels
    assert (channel.waiting, channel.expired, channel.error) == (0, 0, "")


def test_what_cannot_be_told_within_a_day_expires_and_is_counted(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["alarm"])
    receiver.status = 500
    hall.end(hall.alarm())
    for _ in range(25):
        step(post, clock, hours=1)
    (channel,) = post.channels
    assert (channel.waiting, channel.expired) == (0, 1)
    receiver.status = 200
    hall.alarm("press-2")
    step(post, clock)
    step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-2"]


def test_more_than_six_an_hour_are_told_as_one(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["alarm"])
    for number in range(14):
        hall.end(hall.alarm(MACHINES[number % 8]))
        step(post, clock, minutes=4)
    singles = [len(document["notices"]) for _, document in receiver.taken]
    assert singles == [1] * 6
    for _ in range(15):
        step(post, clock, minutes=4)
    sizes = [len(document["notices"]) for _, document in receiver.taken]
    assert sizes == [1] * 6 + [8]
    assert receiver.taken[-1][1]["title"] == "8 notices from hall"
    assert len(receiver.told) == 14


def test_quiet_hours_hold_and_their_end_tells_all_in_one(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    post = post_of(hall.database, clock, receiver.url, quiet="22:00-06:00", about=["alarm"])
    clock.forward(hours=10)  # ten in the evening
    hall.end(hall.alarm("press-1"))
    for _ in range(7):
        step(post, clock, hours=1)
    hall.end(hall.alarm("press-2"))
    step(post, clock, minutes=59)
    assert receiver.asked == []
    step(post, clock, minutes=1)
    ((_, document),) = receiver.taken
    assert [each["incident"]["machine"] for each in document["notices"]] == ["press-1", "press-2"]


def test_many_machines_at_once_are_one_notice(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    alarms = [hall.alarm(machine) for machine in MACHINES[:6]]
    step(post, clock, seconds=10)
    step(post, clock, seconds=40)
    alarms.append(hall.alarm(MACHINES[6]))
    step(post, clock, minutes=5)
    assert receiver.told == ["at once"]
    (notice,) = receiver.taken[0][1]["notices"]
    assert notice["title"] == "6 machines at once in hall"
    assert notice["incidents"] == [alarm.id for alarm in alarms[:6]]
    for alarm in alarms:
        hall.end(alarm)
    step(post, clock, minutes=30)
    assert receiver.told == ["at once"]
    hall.alarm(MACHINES[7])
    step(post, clock)
    step(post, clock, minutes=1)
    assert receiver.told == ["at once", f"alarm {MACHINES[7]}"]


def test_an_alarm_that_was_told_before_it_became_one_of_many_is_told_to_be_over(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    first = hall.alarm(MACHINES[0])
    step(post, clock)
    step(post, clock, minutes=1)
    rest = [hall.alarm(machine) for machine in MACHINES[1:6]]
    step(post, clock, minutes=1)
    for each in (first, *rest):
        hall.end(each)
    step(post, clock, minutes=1)
    assert receiver.told == [f"alarm {MACHINES[0]}", "at once", f"ended {MACHINES[0]}"]


def test_where_there_is_nothing_to_note_nobody_is_kept_from_writing(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    hall.alarm()
    step(post, clock)
    step(post, clock, minutes=1)
    with hall.database.writing() as session:  # nobody else can at the same time
        session.execute(select(NoticeRow.id))
        step(post, clock, minutes=1)
    assert receiver.told == ["alarm press-1"]


def test_what_began_at_once_and_goes_on_for_months_is_told_once_and_its_end_as_well(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    alarms = [hall.alarm(MACHINES[0])]
    step(post, clock)
    step(post, clock, minutes=1)
    alarms += [hall.alarm(machine) for machine in MACHINES[1:6]]
    told = [f"alarm {MACHINES[0]}", "at once", f"ended {MACHINES[0]}"]
    for _ in range(60):
        step(post, clock, days=1)
    assert receiver.told == told[:2]
    for each in alarms:
        hall.end(each)
    for _ in range(60):
        step(post, clock, days=1)
    assert receiver.told == [*told, *(f"review {machine}" for machine in MACHINES[:6])]
    with hall.database.reading() as session:
        assert session.scalars(select(NoticeRow)).all() == []  # it is over, and forgotten


BODY = {"title": "", "text": "", "link": ""}
TEST_MESSAGE = Message("M", "hall", [Told("N", TEST, NOON, BODY)])
MAIL = "mailto://ann:pa55word@127.0.0.1:1?from=r@b.example&to=a@b.example"


def test_no_secret_is_in_an_error_or_the_log(
    hall: Hall, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post = post_of(hall.database, clock, "http://ann:pa55word@127.0.0.1:1/hook/t0psecret?k=k3yk3y")
    mail = post_of(hall.database, clock, MAIL)
    hall.alarm()
    for each in (post, mail):
        step(each, clock, minutes=1)
        step(each, clock, minutes=3)
    with hall.database.reading() as session:
        errors = [row.error for row in session.scalars(select(NoticeRow))]
    assert errors
    assert all(errors)
    # What apprise notes for itself gets nowhere.
    logged = [r.getMessage() for r in caplog.records if logging.getLogger(r.name).propagate]
    said = " ".join([*map(str, [*errors, *logged]), str(post.channels), str(mail.channels)])
    for secret in ("pa55word", "t0psecret", "k3yk3y"):
        assert secret not in said


def test_a_password_of_letters_alone_is_hidden_where_a_server_says_it() -> None:
    with closing(Raw(b"554 no hunter here, ask hunter\r\n\r\n", pause_s=0.0)) as server:
        url = server.url.replace("//", "//ann:hunter@")
        tell = Tell.model_validate({"name": "shift", "url": url})
        with pytest.raises(NotSentError) as refused:
            Webhook(tell).send(TEST_MESSAGE)
    assert "no ********** here, ask **********" in str(refused.value)


@pytest.mark.parametrize("scheme", ["https", "mailto"])
def test_a_password_of_letters_alone_is_a_secret_of_any_address(scheme: str) -> None:
    url = f"{scheme}://ann:hunter@host.example?from=r@b.example&to=a@b.example"
    tell = Tell.model_validate({"name": "shift", "url": url})
    assert without("535 hunter is wrong", secrets_of(tell)) == "535 ********** is wrong"


def test_a_server_that_answers_a_byte_now_and_then_holds_nobody_up() -> None:
    with closing(Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", pause_s=0.05)) as server:
        tell = Tell.model_validate({"name": "shift", "url": server.url})
        with pytest.raises(NotSentError, match=r"did not take it within 0\.3 s"):
            Webhook(tell, within_s=0.3).send(TEST_MESSAGE)
        Webhook(tell, within_s=60.0).send(TEST_MESSAGE)  # whoever waits gets its answer


def test_why_no_connection_is_made_is_said_as_the_system_says_it(hall: Hall, clock: Clock) -> None:
    post = post_of(hall.database, clock, "http://localhost:1/hook")
    hall.alarm()
    step(post, clock)
    step(post, clock, minutes=1)
    assert post.channels[0].error == "Connection refused"


def test_a_server_that_leads_elsewhere_is_not_followed(
    post: Post, hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    receiver.status = 302
    hall.alarm()
    step(post, clock)
    step(post, clock, minutes=1)
    assert post.channels[0].error == (
        "the server answers 302 (it leads elsewhere; give the address itself)"
    )


def test_a_test_goes_at_once_whatever_else_waits(
    hall: Hall, clock: Clock, receiver: Receiver
) -> None:
    about = ["alarm", "ended"]
    post = post_of(hall.database, clock, receiver.url, quiet="11:00-13:00", about=about)
    hall.end(hall.alarm())
    step(post, clock)
    body = {"title": "Test from hall", "text": "ann sent this.", "link": "https://r/health"}
    with hall.database.writing() as session:
        add(session, [Notice("shift", TEST, "test:1", clock(), body)], clock())
    step(post, clock)
    step(post, clock)
    assert receiver.told == ["test"]
    step(post, clock, hours=1)
    assert receiver.told == ["test", "alarm press-1", "ended press-1"]


def test_a_full_disk_is_told_once_a_day(hall: Hall, clock: Clock, receiver: Receiver) -> None:
    post = post_of(hall.database, clock, receiver.url, about=["station"])
    trouble = {"disk": "The disk is full."}
    post._troubles = lambda: trouble
    for _ in range(40):
        step(post, clock, minutes=30)
    assert receiver.told == ["station", "station"]  # it is the next day after twelve hours
    assert receiver.taken[0][1]["text"].startswith("The disk is full. Scores and alarms go on.")
