"""The plant put together: what is heard is stored, explained, told, and known after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plant_kit import (
    HEARD,
    Given,
    between,
    incident,
    plant_file,
    remember_minutes,
    rows,
    started,
    waited_for,
)
from sqlalchemy import update

from rattle import StorageError
from rattle.station.board import SourceNow
from rattle.station.config.model import Source as SourceFile
from rattle.station.hear.listener import Listener
from rattle.station.ids import new_id
from rattle.station.plant.beginning import enter
from rattle.station.plant.following import Following
from rattle.station.plant.station import Plant
from rattle.station.records import StretchChanged
from rattle.station.store import reviews
from rattle.station.store.database import open_database
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MinuteRow,
    ReleaseRow,
    SourceRow,
    ThresholdRow,
)


@pytest.fixture
def heard(
    tmp_path: Path, exported_file: Path, healthy: np.ndarray, odd: np.ndarray
) -> Iterator[tuple[Plant, Given]]:
    """A plant that knows its machine, has heard half a minute of it and then hiss."""
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = started(file, source)
    begins = datetime.now(UTC) - timedelta(minutes=2)
    source.put(odd, source.put(healthy, begins))
    yield plant, source
    plant.stop()


def test_an_alarm_is_stored_with_its_recording_and_explained(heard: tuple[Plant, Given]) -> None:
    plant, _ = heard
    waited_for(lambda: (found := incident(plant)) and found.explanation)
    found: Any = incident(plant)
    assert (found.kind, found.state) == ("machine", "open")
    assert found.peak > plant.board.machines()[0].sources[0].alarm
    assert found.threshold_id is not None
    assert found.explanation["sentences"]
    assert len(found.explanation["hz"]) == len(found.explanation["clip"])
    (clip, *_) = rows(plant, ClipRow)
    assert (plant.file.data / clip.path).is_file()
    assert clip.incident_id == found.id


def test_a_page_is_told_of_an_incident_that_is_stored(
    tmp_path: Path, exported_file: Path, healthy: np.ndarray, odd: np.ndarray
) -> None:
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = Plant(file, opens=lambda *_: source)
    stored: list[bool] = []
    page = plant.hub.subscribe(
        lambda: stored.extend(
            any(row.id == event.data["id"] for row in rows(plant, IncidentRow))
            for event in page.take()
            if event.kind == "incident"
        )
    )
    plant.start()
    source.put(odd, source.put(healthy, datetime.now(UTC) - timedelta(minutes=2)))
    waited_for(lambda: stored)
    plant.stop()
    assert all(stored)


def test_a_review_is_known_to_the_budget_at_once_and_after_a_restart(
    heard: tuple[Plant, Given],
) -> None:
    plant, source = heard
    waited_for(lambda: (found := incident(plant)) and found.level == "alarm")
    found: Any = incident(plant)
    with plant.database.writing() as session:
        reviews.add(session, [found.id], "normal", "anna", datetime.now(UTC), None, None)
    plant.reviewed([found.id])
    (ear,) = plant._ears.ears.values()
    assert [each.verdict for each in ear._judge.ledger.incidents if each.level == "alarm"] == [
        "normal"
    ]
    before = ear._judge.ledger.account()
    plant.stop()
    again = started(plant.file, Given())
    try:
        (ear,) = again._ears.ears.values()
        after = ear._judge.ledger.account()
        np.testing.assert_array_equal(after.minutes, before.minutes)
        assert (after.heard, after.incidents) == (before.heard, before.incidents)
        assert after.thresholds == before.thresholds
        (machine,) = again.board.machines()
        assert machine.sources[0].minutes == before.heard >= HEARD
        # It goes on: its last minute was a moment ago.
        assert machine.incident_id == found.id
    finally:
        again.stop()
    assert source.blocks_put.empty() or source.blocks_put.get() is None


def test_an_alarm_that_begins_after_its_review_is_known_to_the_budget(
    heard: tuple[Plant, Given],
) -> None:
    plant, _ = heard
    waited_for(lambda: (found := incident(plant)) and found.level == "alarm")
    found: Any = incident(plant)
    (ear,) = plant._ears.ears.values()
    (first,) = {each.first for each in ear._judge.ledger.incidents if each.level == "alarm"}
    with plant.database.writing() as session:
        reviews.add(session, [found.id], "anomaly", "anna", datetime.now(UTC), None, None)
    stretch = StretchChanged(
        found.id, found.source_id, found.release_id, "alarm", first, first, 9.0, 1.0
    )
    plant._reviewing.newest.clear()
    plant._following.written([stretch])
    assert [each.verdict for each in ear._judge.ledger.incidents if each.level == "alarm"] == [
        "anomaly"
    ]


def test_what_was_not_explained_is_explained_after_a_restart(heard: tuple[Plant, Given]) -> None:
    plant, _ = heard
    waited_for(lambda: (found := incident(plant)) and found.explanation)
    with plant.database.writing() as session:
        session.execute(update(IncidentRow).values(explanation=None))
    plant.stop()
    again = started(plant.file, Given())
    try:
        assert waited_for(lambda: incident(again).explanation)  # type: ignore[union-attr]
    finally:
        again.stop()


def test_what_a_source_that_left_the_file_heard_is_explained_all_the_same(
    heard: tuple[Plant, Given],
) -> None:
    plant, _ = heard
    waited_for(lambda: (found := incident(plant)) and found.explanation)
    with plant.database.writing() as session:
        session.execute(update(IncidentRow).values(explanation=None))
    plant.stop()
    (machine,) = plant.file.machine
    sources = [{"name": "another mic", "url": "made://up"}]
    again = started(plant_file(plant.file.data, machine.bundle, sources=sources), Given())
    try:
        assert waited_for(lambda: incident(again).explanation)  # type: ignore[union-attr]
    finally:
        again.stop()


def test_minutes_are_stored_when_it_stops(heard: tuple[Plant, Given]) -> None:
    plant, _ = heard
    waited_for(lambda: incident(plant))
    plant.stop()
    # The half minute after which it stopped is no whole one.
    again = started(plant.file, Given())
    live = [row for row in rows(again, MinuteRow) if len(row.scores)]
    again.stop()
    assert sum(len(row.scores) for row in live) > 30


def test_a_second_station_on_the_same_data_is_refused(heard: tuple[Plant, Given]) -> None:
    plant, _ = heard
    with pytest.raises(StorageError, match="a station"):
        started(plant.file, Given())


def test_a_station_that_cannot_start_leaves_nothing_taken(
    tmp_path: Path, exported_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = plant_file(tmp_path / "data", exported_file)

    def fails(*_: object) -> None:
        raise OSError("the disk is broken")

    # The listeners are made by then, and not started.
    with monkeypatch.context() as patched:
        patched.setattr(Following, "brought_in", fails)
        with pytest.raises(OSError, match="the disk is broken"):
            started(file, Given())
    plant = started(file, Given())
    (source,) = rows(plant, SourceRow)
    assert source.node is not None
    plant.stop()


def test_a_source_that_cannot_be_opened_says_why_and_the_others_are_heard(
    tmp_path: Path, exported_file: Path, healthy: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Listener.__init__.__kwdefaults__, "failed_wait_s", 0.1)
    file = plant_file(
        tmp_path / "data",
        exported_file,
        sources=[{"name": name, "url": f"made://{name}"} for name in ("broken", "mic")],
    )
    given, broken = {"broken": Given(), "mic": Given()}, ["broken"]

    def opens(source: SourceFile, *_: object) -> Given:
        if source.name in broken:
            raise ZeroDivisionError("no such device")
        return given[source.name]

    plant = Plant(file, opens=opens)
    plant.start()

    def shown(name: str) -> SourceNow:
        (machine,) = plant.board.machines()
        return next(source for source in machine.sources if source.name == name)

    given["mic"].put(healthy, datetime.now(UTC) - timedelta(minutes=2))
    waited_for(lambda: shown("mic").score is not None)
    waited_for(lambda: "no such device" in shown("broken").reason)
    broken.clear()
    given["broken"].put(healthy, datetime.now(UTC) - timedelta(minutes=2))
    waited_for(lambda: shown("broken").score is not None)
    plant.stop()


def test_a_drift_that_a_person_reviewed_is_over(heard: tuple[Plant, Given]) -> None:
    plant, _ = heard
    now = datetime.now(UTC)
    source = rows(plant, SourceRow)[0]
    with plant.database.writing() as session:
        session.add(
            IncidentRow(
                id=new_id(now),
                machine_id=source.machine_id,
                source_id=source.id,
                subject=source.id,
                kind="drift",
                level="watch",
                state="open",
                opened=now,
                reason="since 2026-03-02 the score is 0.4 higher",
            )
        )

    def drift() -> IncidentRow:
        return next(row for row in rows(plant, IncidentRow) if row.kind == "drift")

    with plant.database.writing() as session:
        reviews.add(session, [drift().id], "normal", "ada", now)
    plant.reviewed([drift().id])
    waited_for(lambda: drift().state == "ended")
    assert drift().verdict == "normal"


def test_another_bundle_is_another_release_and_begins_to_learn(
    tmp_path: Path, exported_file: Path, fleet: dict[Any, Any]
) -> None:
    import rattle

    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, 0.1)
    plant = started(file, Given())
    (machine,) = plant.board.machines()
    assert machine.stage == "provisional"
    plant.stop()
    other = next(iter(fleet.values()))
    rattle.export(other).save(tmp_path / "other.rattle")
    plant = started(plant_file(tmp_path / "data", tmp_path / "other.rattle"), Given())
    (machine,) = plant.board.machines()
    states = {row.id: row.state for row in rows(plant, ReleaseRow)}
    plant.stop()
    assert machine.stage == "learning"
    assert sorted(states.values()) == ["live", "retired"]
    assert states[machine.release_id] == "live"


def test_another_budget_is_known_where_another_station_read_the_file_first(
    heard: tuple[Plant, Given],
) -> None:
    plant, _ = heard
    waited_for(lambda: rows(plant, ThresholdRow))
    alarm = plant.board.machines()[0].sources[0].alarm
    plant.stop()
    (machine,) = plant.file.machine
    file = plant_file(plant.file.data, machine.bundle, false_alarms_per_week=0.1)
    with closing(open_database("sqlite", file.data)) as database, database.writing() as session:
        enter(session, file, datetime.now(UTC))
    again = started(file, Given())
    try:
        assert again.board.machines()[0].sources[0].alarm > alarm
    finally:
        again.stop()


def test_another_budget_fits_the_thresholds_anew(tmp_path: Path, exported_file: Path) -> None:
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, 0.1)
    thresholds = []
    for budget in (1.0, 1.0, 0.1):
        file = plant_file(tmp_path / "data", exported_file, false_alarms_per_week=budget)
        plant = started(file, Given())
        thresholds.append(plant.board.machines()[0].sources[0].alarm)
        plant.stop()
    assert thresholds[0] == thresholds[1] < thresholds[2]


def test_a_tag_reaches_the_machine_and_no_other_kind(tmp_path: Path, exported_file: Path) -> None:
    plant = started(plant_file(tmp_path / "data", exported_file, running="by tag"), Given())
    (machine,) = plant.board.machines()
    assert machine.operating == "unknown"
    plant.set_running(machine.id, running=True)
    assert plant.board.machines()[0].operating == "running"
    plant.stop()
    plant = started(plant_file(tmp_path / "data", exported_file), Given())
    with pytest.raises(ValueError, match="tag"):
        plant.set_running(machine.id, running=True)
    plant.stop()


def test_its_health_says_what_is_kept_and_that_nothing_is_wrong(
    heard: tuple[Plant, Given],
) -> None:
    plant, _ = heard
    waited_for(lambda: plant.health().kept.ran)
    health = plant.health()
    assert health.banners == ()
    assert health.kept.database_bytes > 0
    assert health.writing.error == ""
