"""A machine is enrolled while the station runs, and is watched as any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from plant_kit import RATE_HZ, Given, plant_file, rows, waited_for

from rattle.errors import ConfigError, DataError
from rattle.station.board import MachineNow
from rattle.station.config.model import Source
from rattle.station.enrol.now import EnrolmentNow
from rattle.station.enrol.wanted import Wanted
from rattle.station.hear.sources import source_of
from rattle.station.plant.station import Plant
from rattle.station.store.tables import AuditRow, MachineRow, MinuteRow, ReleaseRow


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAN_TOKEN", "a-token-of-the-fan")


class Running:
    """The station; ``again`` ends it and starts it anew on the same folder."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.file = plant_file(folder, bundle, name="valve")
        self.plant = self._started()

    def again(self) -> Plant:
        self.plant.stop()
        self.plant = self._started()
        return self.plant

    def _started(self) -> Plant:
        plant = Plant(self.file, opens=lambda source, *_: self._opened(source))
        plant.start()
        return plant

    def _opened(self, source: Source) -> Any:
        return source_of(source, 0, self.file.data) if source.push else Given()

    def state(self, id_: str) -> str:
        return self.now(id_).row.state

    def now(self, id_: str) -> EnrolmentNow:
        found = self.plant.enrolling.one(id_)
        assert found is not None
        return found


@pytest.fixture
def station(tmp_path: Path, valve_file: Path) -> Iterator[Running]:
    running = Running(tmp_path / "data", valve_file)
    yield running
    running.plant.stop()


def wanted(**table: Any) -> Wanted:
    push = {"token": "env:FAN_TOKEN", "encoding": "f32le"}
    machine = {"name": "fan", "sources": [{"name": "fan mic", "push": push}]}
    return Wanted({**machine, **table}, "", 100.0, at_once=False)


def push(plant: Plant, sound: np.ndarray) -> None:
    """Send sound as fast as it is taken."""
    step = 2 * RATE_HZ
    for start in range(0, len(sound), step):
        inbox = waited_for(lambda: plant.inbox("fan mic"))
        data = sound[start : start + step].astype("<f4").tobytes()
        waited_for(lambda inbox=inbox, data=data: inbox.offer(data))


def is_brought_in(machine: MachineNow) -> bool:
    return machine.name == "fan" and bool(machine.release_id)


def offered(station: Running, fan_sound: np.ndarray) -> str:
    """Record it and make its detector."""
    id_ = station.plant.enrolling.begin(wanted(), "ann")
    push(station.plant, fan_sound)
    waited_for(lambda: len(station.now(id_).pieces) >= 12)
    station.plant.enrolling.fit(id_, "ann")
    waited_for(lambda: station.state(id_) != "fitting")
    assert station.state(id_) == "offered", station.now(id_).row.reason
    return id_


def test_a_machine_is_recorded_fitted_and_watched_without_a_restart(
    station: Running, fan_sound: np.ndarray
) -> None:
    id_ = offered(station, fan_sound)
    report = station.now(id_).row.report
    assert report is not None
    assert report["clips"] >= 12
    assert any("found" in sentence for sentence in report["rehearsal"]["sentences"])
    assert [machine.name for machine in station.plant.board.machines()] == ["valve"]

    station.plant.enrolling.accept(id_, "ann")
    fan = waited_for(lambda: next(filter(is_brought_in, station.plant.board.machines()), None))
    push(station.plant, fan_sound[: 80 * RATE_HZ])
    waited_for(lambda: station.plant.board.machine(fan.id).sources[0].score is not None)
    assert station.plant.board.machine(fan.id).stage == "learning"
    assert station.now(id_).machine_id == fan.id
    (row,) = [each for each in rows(station.plant, ReleaseRow) if each.machine_id == fan.id]
    assert (row.state, row.kind) == ("live", "given")
    who = [(each.who, each.what) for each in rows(station.plant, AuditRow)]
    assert who == [("ann", "enrol"), ("ann", "make detector"), ("ann", "watch")]


def test_after_a_restart_it_is_watched_still(station: Running, fan_sound: np.ndarray) -> None:
    id_ = offered(station, fan_sound)
    station.plant.enrolling.accept(id_, "ann")
    waited_for(lambda: station.plant.inbox("fan mic"))
    plant = station.again()
    assert [machine.name for machine in plant.board.machines()] == ["valve", "fan"]
    assert [machine.name for machine in plant.enrolled()] == ["fan"]
    push(plant, fan_sound[: 20 * RATE_HZ])
    fan = plant.board.machines()[1]
    waited_for(lambda: plant.board.machine(fan.id).sources[0].score is not None)
    assert plant.health().banners == ()


def test_a_restart_in_the_midst_of_a_recording_loses_no_whole_piece(
    station: Running, fan_sound: np.ndarray
) -> None:
    id_ = station.plant.enrolling.begin(wanted(), "ann")
    push(station.plant, fan_sound[: 45 * RATE_HZ])
    waited_for(lambda: len(station.now(id_).pieces) >= 4)
    plant = station.again()
    assert station.state(id_) == "recording"
    push(plant, fan_sound[45 * RATE_HZ :])
    waited_for(lambda: len(station.now(id_).pieces) >= 12)
    plant.enrolling.fit(id_, "ann")
    waited_for(lambda: station.state(id_) == "offered")


def test_a_restart_while_the_detector_is_made_makes_it(
    station: Running, fan_sound: np.ndarray
) -> None:
    id_ = station.plant.enrolling.begin(wanted(), "ann")
    push(station.plant, fan_sound)
    waited_for(lambda: len(station.now(id_).pieces) >= 12)
    station.plant.enrolling.fit(id_, "ann")
    station.again()
    waited_for(lambda: station.state(id_) == "offered")


def test_it_is_made_by_itself_where_that_was_asked_for(
    station: Running, fan_sound: np.ndarray
) -> None:
    asked = wanted()
    id_ = station.plant.enrolling.begin(Wanted(asked.table, "", 90.0, at_once=True), "ann")
    push(station.plant, fan_sound[: 90 * RATE_HZ])
    waited_for(lambda: station.state(id_) == "offered")


def test_too_little_sound_fails_and_more_can_be_recorded(
    station: Running, fan_sound: np.ndarray
) -> None:
    id_ = station.plant.enrolling.begin(wanted(), "ann")
    push(station.plant, fan_sound[: 30 * RATE_HZ])
    waited_for(lambda: len(station.now(id_).pieces) >= 2)
    station.plant.enrolling.fit(id_, "ann")
    waited_for(lambda: station.state(id_) == "failed")
    assert "record more" in station.now(id_).row.reason
    station.plant.enrolling.record(id_, "ann")
    push(station.plant, fan_sound)
    waited_for(lambda: len(station.now(id_).pieces) >= 12)


def test_a_detector_of_more_sound_takes_the_place_of_the_one_before(
    station: Running, fan_sound: np.ndarray
) -> None:
    id_ = offered(station, fan_sound)
    first = station.now(id_).row.config["bundle"]
    station.plant.enrolling.record(id_, "ann")
    push(station.plant, fan_sound[5 * RATE_HZ : 45 * RATE_HZ])
    waited_for(lambda: len(station.now(id_).pieces) >= 16)
    station.plant.enrolling.fit(id_, "ann")
    waited_for(lambda: station.state(id_) == "offered")
    second = station.now(id_).row.config["bundle"]
    assert first != second
    assert not (station.file.data / first).exists()
    assert (station.file.data / second).exists()


def test_what_is_discarded_leaves_nothing(station: Running, fan_sound: np.ndarray) -> None:
    before = _files(station.file.data)
    id_ = offered(station, fan_sound)
    station.plant.enrolling.discard(id_, "ann")
    assert _files(station.file.data) == before
    assert station.plant.enrolling.one(id_) is None
    assert station.plant.enrolling.every() == []
    # Its name is free again.
    station.plant.enrolling.begin(wanted(), "ann")


def test_a_machine_that_is_removed_keeps_its_past(station: Running, fan_sound: np.ndarray) -> None:
    id_ = offered(station, fan_sound)
    station.plant.enrolling.accept(id_, "ann")
    push(station.plant, np.tile(fan_sound, 1)[: 70 * RATE_HZ])
    station.plant.enrolling.discard(id_, "ann")
    waited_for(lambda: [m.name for m in station.plant.board.machines()] == ["valve"])
    fan = next(row for row in rows(station.plant, MachineRow) if row.name == "fan")
    assert not fan.listed
    waited_for(lambda: rows(station.plant, MinuteRow))
    assert [machine.name for machine in station.again().board.machines()] == ["valve"]


def test_the_file_counts_before_what_was_enrolled(station: Running, fan_sound: np.ndarray) -> None:
    id_ = offered(station, fan_sound)
    station.plant.enrolling.accept(id_, "ann")
    station.file = plant_file(station.file.data, station.file.machine[0].bundle, name="fan")
    plant = station.again()
    assert [machine.name for machine in plant.board.machines()] == ["fan"]
    assert any("plant.toml names it, too" in banner for banner in plant.health().banners)
    # To remove what was enrolled is not to remove what the file names.
    plant.enrolling.discard(id_, "ann")
    assert [machine.name for machine in plant.board.machines()] == ["fan"]
    assert [row.listed for row in rows(plant, MachineRow) if row.name == "fan"] == [True]
    assert station.again().health().banners == ()


def test_a_variable_that_is_gone_is_said_and_the_others_are_watched(
    station: Running, fan_sound: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = offered(station, fan_sound)
    station.plant.enrolling.accept(id_, "ann")
    monkeypatch.delenv("FAN_TOKEN")
    plant = station.again()
    assert [machine.name for machine in plant.board.machines()] == ["valve"]
    assert any("FAN_TOKEN is not set" in banner for banner in plant.health().banners)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"name": "Valve"}, "a machine of this plant is called Valve"),
        ({"name": "a/b"}, "name: expected a name that begins with"),
        ({"sources": [{"name": "mic", "device": ""}]}, "a source of this plant is called mic"),
        ({"sources": []}, "expected one source"),
        ({"sources": [{"name": "m", "url": "rtsp://ann:secret@cam/1"}]}, "no password"),
        ({"sources": [{"name": "m", "push": {"token": "secret-token"}}]}, "a token is not stored"),
        ({"sources": [{"name": "m", "push": {"token": "env:NOT_SET"}}]}, "NOT_SET is not set"),
        ({"sources": [{"name": "m", "url": "recordings/a.wav"}]}, "expected an absolute path"),
        ({"sources": [{"name": "m", "folder": "/nowhere/at/all"}]}, "there is no folder"),
        ({"false_alarms_per_week": 0}, "false_alarms_per_week: expected at least 0.01"),
        ({"running": "sometimes"}, "running: expected 'always', 'by level' or 'by tag'"),
    ],
)
def test_what_cannot_be_enrolled_is_refused_in_plain_words(
    station: Running, table: dict[str, Any], words: str
) -> None:
    if table.get("sources", [{}])[:1] == [{"name": "mic", "device": ""}]:
        table = {"sources": [{"name": "mic", "push": {"token": "env:FAN_TOKEN"}}]}
    with pytest.raises((ConfigError, DataError)) as refused:
        station.plant.enrolling.begin(wanted(**table), "ann")
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
    assert station.plant.enrolling.every() == []


def test_a_file_is_recorded_through_ffmpeg_and_its_end_is_said(
    station: Running, fan_sound: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "fan.wav"
    soundfile.write(path, fan_sound[: 12 * RATE_HZ], RATE_HZ)
    table = {"sources": [{"name": "fan file", "url": str(path)}]}
    id_ = station.plant.enrolling.begin(wanted(**table), "ann")
    waited_for(lambda: station.state(id_) == "ready")
    assert station.now(id_).row.reason == "it was heard to its end"
    (piece,) = station.now(id_).pieces
    kept, _ = soundfile.read(station.file.data / "enrolling" / id_ / piece.file, dtype="float32")
    np.testing.assert_allclose(kept, fan_sound[: 10 * RATE_HZ], atol=2**-14)
    # It can be recorded on: the file is played once more.
    station.plant.enrolling.record(id_, "ann")
    waited_for(lambda: len(station.now(id_).pieces) == 2)
    waited_for(lambda: station.state(id_) == "ready")


def test_no_secret_is_stored(station: Running) -> None:
    station.plant.enrolling.begin(wanted(), "ann")
    database = (station.file.data / "station.db").read_bytes()
    assert b"a-token-of-the-fan" not in database


def _files(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if name.startswith(("enrolling/", "releases/", "heard/"))}
