"""The outbox keeps each notice once, on either database, until it was told or is a day late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from made_up_heard import NOW, Heard
from rattle.station.store import notices
from rattle.station.store.database import Database
from rattle.station.store.notices import EXPIRES, KEPT, TEST, Notice
from rattle.station.store.reading.lately import lately
from rattle.station.store.reading.newest import in_order, newest_ids
from rattle.station.store.reading.notices import told
from rattle.station.store.tables import IncidentRow, NoticeRow
from rattle.station.store.writing import write

HOUR = timedelta(hours=1)


def notice(key: str = "alarm:1", channel: str = "shift", **changes: object) -> Notice:
    usual: dict[str, object] = {"what": "alarm", "at": NOW, "body": {"title": "Alarm"}}
    return Notice(channel, key=key, **{**usual, **changes})  # type: ignore[arg-type]


def taken(database: Database, message: str = "M", channel: str = "shift") -> None:
    """Let all that waits for a channel be of one message."""
    with database.writing() as session:
        for row in notices.waiting(session, channel):
            row.message = message


def states(database: Database) -> dict[str, str]:
    with database.reading() as session:
        return {row.key: row.state for row in session.scalars(select(NoticeRow))}


def test_what_is_found_again_is_kept_once_a_channel(database: Database) -> None:
    for _ in range(2):
        with database.writing() as session:
            notices.add(session, [notice(), notice(channel="boss"), notice("alarm:2")], NOW)
    with database.reading() as session:
        assert notices.keys_of(session, NOW) == {
            "shift": {"alarm:1": False, "alarm:2": False},
            "boss": {"alarm:1": False},
        }
        assert notices.channels_due(session, NOW) == {"shift", "boss"}
        assert notices.channels_due(session, NOW - HOUR) == set()


def test_a_channel_is_known_from_its_first_start_on(database: Database) -> None:
    with database.writing() as session:
        assert notices.known_since(session, ["shift"], NOW) == {"shift": NOW}
    with database.writing() as session:
        later = notices.known_since(session, ["shift", "boss"], NOW + HOUR)
    assert later == {"shift": NOW, "boss": NOW + HOUR}


def test_what_was_sent_is_sent_and_what_was_refused_waits(database: Database) -> None:
    with database.writing() as session:
        notices.add(session, [notice("a"), notice("b")], NOW)
    taken(database)
    with database.writing() as session:
        notices.was_refused(session, "M", "the server answers 503", NOW + HOUR)
    with database.reading() as session:
        count = told(session)["shift"]
        assert (count.waiting, count.sent, count.error) == (2, 0, "the server answers 503")
        assert notices.channels_due(session, NOW) == set()
    with database.writing() as session:
        notices.was_sent(session, "M", NOW + HOUR)
        notices.was_sent(session, "M", NOW + 2 * HOUR)  # told twice, noted once
    with database.reading() as session:
        count = told(session)["shift"]
        assert (count.waiting, count.sent, count.error) == (0, 2, "")
        assert count.last_sent == NOW + HOUR
        assert notices.sent_since(session, "shift", NOW) == [NOW + HOUR]
        assert [row.tries for row in session.scalars(select(NoticeRow))] == [2, 2]


def test_a_test_is_none_of_the_messages_of_an_hour(database: Database) -> None:
    with database.writing() as session:
        notices.add(session, [notice("t", what=TEST)], NOW)
    taken(database)
    with database.writing() as session:
        notices.was_sent(session, "M", NOW)
        assert notices.sent_since(session, "shift", NOW - HOUR) == []


def test_what_is_tried_already_is_not_taken_back(database: Database) -> None:
    with database.writing() as session:
        notices.add(session, [notice("tried")], NOW)
    taken(database)
    with database.writing() as session:
        notices.add(session, [notice("untried"), notice("untried", channel="boss")], NOW)
        notices.take_back(session, "shift", ["tried", "untried", "none"])
        assert notices.keys_of(session, NOW) == {
            "shift": {"tried": True},
            "boss": {"untried": False},
        }


def test_a_day_late_it_expires(database: Database) -> None:
    with database.writing() as session:
        notices.add(session, [notice("a"), notice("b", at=NOW + HOUR)], NOW)
        assert not notices.is_untidy(session, NOW + EXPIRES, [])
        assert notices.is_untidy(session, NOW + EXPIRES + HOUR / 2, [])
        notices.tidy(session, NOW + EXPIRES + HOUR / 2, [])
        assert not notices.is_untidy(session, NOW + EXPIRES + HOUR / 2, [])
    assert states(database) == {"a": "expired", "b": "waiting"}


def test_what_goes_on_is_remembered_and_other_things_for_four_weeks(
    database: Database, heard: Heard
) -> None:
    goes_on, ended = heard.incident(), heard.incident(state="ended", ended=NOW)
    with database.writing() as session:
        for each in (ended, goes_on):
            write(session, each)
        about = [notice(key, incident_id=of.id) for key, of in (("on", goes_on), ("off", ended))]
        about.append(notice("new", at=NOW + KEPT))
        notices.add(session, [*about, *map(notice, ("other", "at once:1", "at once:2"))], NOW)
    taken(database)
    with database.writing() as session:
        notices.was_sent(session, "M", NOW)
        assert not notices.is_untidy(session, NOW + KEPT - HOUR, ["at once:1"])
        notices.tidy(session, NOW + KEPT - HOUR, ["at once:1"])
    assert len(states(database)) == 6
    with database.writing() as session:
        assert notices.is_untidy(session, NOW + KEPT + HOUR, ["at once:1"])
        notices.tidy(session, NOW + KEPT + HOUR, ["at once:1"])
        assert not notices.is_untidy(session, NOW + KEPT + HOUR, ["at once:1"])
    assert states(database).keys() == {"on", "new", "at once:1"}


def test_incidents_that_go_on_or_ended_lately_may_have_to_be_told(
    database: Database, heard: Heard
) -> None:
    open_ = heard.incident(opened=NOW - 100 * HOUR)
    ended = heard.incident(state="ended", opened=NOW - 3 * HOUR, ended=NOW - 2 * HOUR)
    old = heard.incident(state="ended", opened=NOW - 9 * HOUR, ended=NOW - 8 * HOUR)
    with database.writing() as session:
        for each in (old, ended, open_):
            write(session, each)
    with database.reading() as session:
        found = lately(session, NOW - 7 * HOUR)
    assert [each.id for each in found] == [open_.id, ended.id]
    assert (found[0].machine, found[0].source, found[0].threshold) == ("fan", "cam", None)


def test_a_machines_newest_incident_follows_an_older_one_that_changed(
    database: Database, heard: Heard
) -> None:
    def ended(hours: int, **changes: object) -> str:
        at = NOW + hours * HOUR
        incident = heard.incident(state="ended", opened=at, ended=at, **changes)
        with database.writing() as session:
            write(session, incident)
        return incident.id

    other = {"machine_id": heard.other_machine_id, "subject": heard.other_machine_id}
    newest, _ = ended(3), ended(2, **other)
    old, _ = ended(1), ended(4, kind="source", subject=heard.source_id)
    with database.reading() as session:
        assert newest_ids(session, [heard.machine_id]) == [newest]
        assert [each.id for each in in_order(session, [old])] == [old, newest]
        assert in_order(session, ["none"]) == []


def test_many_incidents_are_read_by_as_many_statements_as_one(
    database: Database, heard: Heard
) -> None:
    with database.writing() as session:
        for number in range(20):
            at = NOW + number * HOUR
            write(session, heard.incident(state="ended", opened=at, ended=at))
    statements: list[int] = []
    with database.reading() as session:
        ids = [*session.scalars(select(IncidentRow.id))]

        def note(*_: object) -> None:
            statements[-1] += 1

        event.listen(session.get_bind(), "before_cursor_execute", note)
        for count in (1, 20):
            statements.append(0)
            assert len(in_order(session, ids[-count:])) == count
        event.remove(session.get_bind(), "before_cursor_execute", note)
    assert statements[0] == statements[1]


@pytest.mark.parametrize("count", [1, 3])
def test_messages_are_counted_and_not_their_notices(count: int, database: Database) -> None:
    with database.writing() as session:
        notices.add(session, [notice(str(number)) for number in range(count)], NOW)
    taken(database)
    with database.writing() as session:
        notices.was_sent(session, "M", NOW)
        assert len(notices.sent_since(session, "shift", NOW - HOUR)) == 1
