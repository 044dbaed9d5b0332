"""What a worker trains on is not what its gate hears, and no doubtful sound is among it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from made_up_heard import NOW, Heard
from rattle.station.learn.incidents import Stood, incidents_of
from rattle.station.learn.material import Material, find, gather
from rattle.station.records import NormalHeard
from rattle.station.store import kept_sound
from rattle.station.store.clip_files import keep_clip
from rattle.station.store.database import Database, open_database
from rattle.station.store.reviews import add
from rattle.station.store.writing import write_all

RATE_HZ = 8000
NOISE = np.random.default_rng(0).normal(0, 0.1, (12, RATE_HZ * 10, 1)).astype(np.float32)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database("sqlite", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def heard(database: Database) -> Heard:
    return Heard.of(database)


def keep(folder: Path, source_id: str, hours: int) -> None:
    """A piece of every ten minutes of the last hours."""
    for number in range(6 * hours):
        start = NOW - timedelta(minutes=10 * (number + 1))
        kept_sound.keep(folder, NormalHeard(source_id, start, RATE_HZ, NOISE[number % 12]))


def stood_of(database: Database, heard: Heard) -> list[Stood]:
    with database.reading() as session:
        return incidents_of(session, heard.machine_id, NOW)


def gathered(database: Database, folder: Path, heard: Heard) -> Material:
    sources = {"fan/id_00": [heard.source_id], "pump/id_00": [heard.other_source_id]}
    with database.reading() as session:
        stood = incidents_of(session, heard.machine_id, NOW)
        return gather(session, folder, stood, sources, "fan/id_00", NOW)


def test_every_third_hour_is_learnt_from_and_the_others_are_heard(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    keep(tmp_path, heard.source_id, hours=9)
    keep(tmp_path, heard.other_source_id, hours=9)
    kept = gathered(database, tmp_path, heard).kept
    own = [each for each in kept if each.machine == "fan/id_00"]
    others = [each for each in kept if each.machine == "pump/id_00"]
    assert len(own) == 54
    assert sum(each.is_learnt for each in own) == 18
    assert len({each.begins.hour for each in own if each.is_learnt}) == 3
    # Of other machines nothing is heard by the gate.
    assert len(others) == 18
    assert all(each.is_learnt for each in others)


@pytest.mark.parametrize(
    ("level", "verdict", "is_out"),
    [
        ("alarm", None, True),
        ("watch", None, True),
        ("moment", None, False),
        ("alarm", "anomaly", True),
        ("moment", "unsure", True),
        ("alarm", "normal", False),
    ],
)
def test_ten_minutes_around_what_may_be_a_fault_are_not_learnt_from(
    level: str, verdict: str | None, is_out: bool, database: Database, heard: Heard, tmp_path: Path
) -> None:
    keep(tmp_path, heard.source_id, hours=9)
    (begins, *_) = (
        each.begins for each in gathered(database, tmp_path, heard).kept if each.is_learnt
    )
    opened = begins + timedelta(minutes=5)
    incident = replace(heard.incident(), level=level, opened=opened, ended=opened, state="ended")
    with database.writing() as session:
        write_all(session, [incident])
        if verdict is not None:
            add(session, [incident.id], verdict, "anna", NOW)
    learnt = {each.begins for each in gathered(database, tmp_path, heard).kept if each.is_learnt}
    assert (begins not in learnt) is is_out


def recorded(database: Database, heard: Heard, folder: Path, verdict: str, peak: float) -> str:
    """An incident with a recording of that peak and one that is fainter; gives its id."""
    incident = replace(heard.incident(), state="ended", ended=NOW + timedelta(seconds=20))
    clips = [
        keep_clip(
            folder,
            replace(
                heard.clip(incident),
                samples=NOISE[place],
                sample_rate_hz=RATE_HZ,
                peak=of,
                start=incident.opened - timedelta(seconds=4),
            ),
            speech=0.0,
        )
        for place, of in ((0, peak), (1, peak - 1))
    ]
    with database.writing() as session:
        write_all(session, [incident, *clips])
        add(session, [incident.id], verdict, "anna", NOW)
    return incident.id


def test_of_a_reviewed_incident_the_loudest_recording_is_listed_and_found(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    id_ = recorded(database, heard, tmp_path, "anomaly", peak=3.0)
    (found,) = gathered(database, tmp_path, heard).recorded
    assert (found.incident_id, found.verdict) == (id_, "anomaly")
    assert (found.opened_s, found.ended_s) == (4.0, 10.0)
    with database.reading() as session:
        sound = find(session, tmp_path, found.file, [heard.source_id])
        assert sound is not None
        assert (sound.incident_id, sound.begins) == (id_, found.begins)
        assert sound.path.stem == found.file.removesuffix(".flac")
        assert find(session, tmp_path, found.file, [heard.other_source_id]) is None
    for path in (tmp_path / "clips").rglob("*.flac"):
        path.unlink()
    assert gathered(database, tmp_path, heard).recorded == []


def test_what_is_unsure_is_neither_learnt_from_nor_tried(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    recorded(database, heard, tmp_path, "unsure", peak=3.0)
    assert gathered(database, tmp_path, heard).recorded == []


def test_a_piece_is_found_by_its_name_and_nothing_else_is(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    keep(tmp_path, heard.source_id, hours=1)
    kept = gathered(database, tmp_path, heard).kept
    with database.reading() as session:
        for each in kept:
            sound = find(session, tmp_path, each.file, [heard.source_id])
            assert sound is not None
            assert (sound.begins, sound.source_id) == (each.begins, heard.source_id)
            assert sound.incident_id is None
            assert find(session, tmp_path, each.file, [heard.other_source_id]) is None
        for name in (
            "../../etc/passwd",
            f"{heard.source_id}-0.flac",
            f"{heard.source_id}-99999999999999.flac",
            f"{'0' * 64}.flac",
            "",
        ):
            assert find(session, tmp_path, name, [heard.source_id]) is None
