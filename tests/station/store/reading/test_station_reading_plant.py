"""What is counted for the wall and the health page."""

from __future__ import annotations

from made_up_station import MadeUpStation

from rattle.station.store.reading.plant import (
    FalseIncidents,
    clip_path,
    false_incidents,
    incident_counts,
    threshold_history,
)
from rattle.station.store.reading.releases import releases


def test_false_incidents_are_all_but_faults_by_machine_and_level(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        counted = false_incidents(session, station.context.now())
    press, pump = station.machines["press-3"], station.machines["pump 7"]
    assert counted == {
        (press, "alarm"): FalseIncidents(week=3, four_weeks=3),
        (press, "watch"): FalseIncidents(week=0, four_weeks=1),
        (pump, "watch"): FalseIncidents(week=2, four_weeks=2),
    }


def test_incidents_are_counted_by_machine_kind_and_level(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        counts = incident_counts(session)
    assert counts[station.machines["press-3"], "microphone", "alarm"] == 1
    # Two are moments, which raised nothing.
    assert sum(counts.values()) == len(station.incidents) - 2


def test_releases_and_thresholds_of_a_machine_are_its_own(station: MadeUpStation) -> None:
    press = station.machines["press-3"]
    with station.context.database.reading() as session:
        assert [each.id for each in releases(session, press)] == [station.releases["press-3"]]
        assert len(releases(session)) == 5
        history = threshold_history(session, press)
    assert len(history) == 6
    assert history[0].reason == "reviewed"
    assert {each.source_id for each in history} == {station.sources["press cam"]}


def test_a_recording_is_found_by_its_name_alone(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        assert clip_path(session, station.clips["fault"]) == (
            f"clips/{station.clips['fault'][:2]}/{station.clips['fault']}.flac"
        )
        assert clip_path(session, "0" * 64) is None
