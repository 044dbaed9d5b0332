"""What waits for a person: in which order, why, and what is asked about together."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from made_up_station import DIMENSIONS, MadeUpStation
from sqlalchemy import update

from rattle.station.store.reading import queue as reading
from rattle.station.store.reading.queue import Entry, review_queue, waiting_count
from rattle.station.store.tables import IncidentRow, MachineRow, ReleaseRow


def asked(station: MadeUpStation) -> list[tuple[list[str], str]]:
    by_id = {id_: word for word, id_ in station.incidents.items()}
    return [([by_id[id_] for id_ in each.ids], each.why) for each in entries(station)]


def entries(station: MadeUpStation) -> tuple[Entry, ...]:
    with station.context.database.reading() as session:
        return review_queue(session, station.context.now()).entries


def change(station: MadeUpStation, *words: str, **values: object) -> None:
    ids = [station.incidents[word] for word in words]
    with station.context.database.writing() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id.in_(ids)).values(**values))


def heard(place: float) -> bytes:
    return np.full(DIMENSIONS, place, "<f2").tobytes()


def tell_alike(station: MadeUpStation, within: float) -> None:
    """Say how near sounds count as alike, for all machines."""
    report = {"alike": {"within": within}}
    with station.context.database.writing() as session:
        session.execute(update(ReleaseRow).values(report=report))


def test_machines_take_turns_and_an_alarm_that_goes_on_stands_before_all(
    station: MadeUpStation,
) -> None:
    # The press has three that wait, the others fewer; nobody knows yet what is alike.
    assert asked(station) == [
        (["open alarm"], "open"),
        (["watch"], "newest"),
        (["moment"], "newest"),
        (["alarm"], "newest"),
        (["other moment"], "newest"),
        (["old"], "newest"),
    ]
    with station.context.database.reading() as session:
        assert waiting_count(session) == 4, "moments do not wait"
        assert review_queue(session, station.context.now()).moments == 2


def test_alike_incidents_are_one_question_led_by_the_alarm_that_goes_on(
    station: MadeUpStation,
) -> None:
    tell_alike(station, 1.0)
    change(station, "alarm", peak_z=heard(2.0))
    change(station, "old", peak_z=heard(2.2))
    change(station, "open alarm", peak_z=heard(2.4))
    change(station, "fault", "false", peak_z=heard(8.0))
    assert asked(station)[0] == (["open alarm", "old", "alarm"], "open")
    change(station, "open alarm", state="ended")
    assert asked(station)[0] == (["old", "alarm", "open alarm"], "many")


def test_what_sounds_like_a_reviewed_one_says_so_and_comes_after_what_does_not(
    station: MadeUpStation,
) -> None:
    tell_alike(station, 1.0)
    change(station, "open alarm", state="ended", peak_z=heard(2.0))
    change(station, "alarm", peak_z=heard(8.0))
    change(station, "old", peak_z=heard(-8.0))
    change(station, "false", peak_z=heard(2.0))
    change(station, "fault", peak_z=heard(8.0))
    of_press = [each for each in asked(station) if each[0][0] in ("open alarm", "alarm", "old")]
    assert of_press == [
        (["old"], "unlike"),
        (["open alarm"], "normal"),
        (["alarm"], "anomaly"),
    ]


@pytest.mark.parametrize("lost", [{"peak_z": None}, {"release_id": None}])
def test_what_cannot_be_compared_is_asked_about_alone(
    station: MadeUpStation, lost: dict[str, None]
) -> None:
    tell_alike(station, 100.0)
    change(station, "alarm", **lost)
    assert (["alarm"], "incomparable") in asked(station)
    assert asked(station)[0] == (["open alarm", "old"], "open")


def test_an_incident_of_an_encoder_that_is_not_in_use_cannot_be_compared(
    station: MadeUpStation,
) -> None:
    with station.context.database.writing() as session:
        row = session.get_one(MachineRow, station.machines["press-3"])
        row.live_release_id = station.releases["fan-1"]
    whys = {why for words, why in asked(station) if words[0] in ("alarm", "old")}
    assert whys == {"incomparable"}


def test_moments_are_those_of_the_last_week_of_machines_that_raised_no_alarm(
    station: MadeUpStation,
) -> None:
    now = station.context.now()
    change(station, "other moment", opened=now - timedelta(days=8))
    assert "other moment" not in [words[0] for words, _ in asked(station)]
    pump = {"machine_id": station.machines["pump 7"], "source_id": station.sources["pump plc"]}
    change(station, "moment", release_id=station.releases["pump 7"], **pump)
    # The pump raised watches, and no alarm.
    assert "moment" in [words[0] for words, _ in asked(station)]
    change(station, "watch", level="alarm")
    assert "moment" not in [words[0] for words, _ in asked(station)]


def test_of_a_machines_moments_the_oddest_are_offered(
    station: MadeUpStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOMENTS_A_MACHINE", 1)
    assert [words[0] for words, _ in asked(station) if "moment" in words[0]] == ["moment"]


def test_the_first_questions_are_read_and_all_are_counted(
    station: MadeUpStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_SHOWN", 2)
    with station.context.database.reading() as session:
        queue = review_queue(session, station.context.now())
    assert (len(queue.entries), queue.count) == (2, 6)
