"""The scribe loses nothing that is to wait, whatever is away or full, and says what it lets go."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from made_up_heard import MINUTE, NOW, Heard
from rattle.clips.content import content_hash
from rattle.station.store import embedding_files, kept_sound, sound_files
from rattle.station.store import scribe as scribe_module
from rattle.station.store import waiting as waiting_module
from rattle.station.store.database import Database, open_database
from rattle.station.store.history import account_of
from rattle.station.store.rows import ClipKept, Written
from rattle.station.store.scribe import Scribe
from rattle.station.store.sound_files import SoundFiles
from rattle.station.store.tables import ClipRow, IncidentRow, MinuteRow, StretchRow, ThresholdRow
from rattle.station.store.waiting import Waiting

PATIENCE_S = 60.0
HERE = Path(__file__).parent


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; it is no test of how long that takes."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def count(database: Database, table: type[object]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVERY_S", "FIRST_WAIT_S", "LONGEST_WAIT_S", "LAST_WAIT_S"):
        monkeypatch.setattr(scribe_module, name, 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    return tmp_path / "data"


@contextmanager
def scribing(
    database: Database,
    files: SoundFiles,
    on_written: Callable[[Sequence[Written]], None] = lambda rows: None,
) -> Iterator[Scribe]:
    scribe = Scribe(database, files, on_written, now=lambda: NOW)
    scribe.start()
    try:
        yield scribe
    finally:
        scribe.stop(PATIENCE_S)


@contextmanager
def no_larger_file_than(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def kept(folder: Path) -> SoundFiles:
    return SoundFiles(folder, "keep", spare_bytes=0)


def test_what_is_told_is_stored_before_the_page_hears_of_it(
    database: Database, heard: Heard, folder: Path
) -> None:
    seen: list[tuple[Written, int]] = []

    def on_written(rows: Sequence[Written]) -> None:
        seen.extend((row, count(database, IncidentRow)) for row in rows)

    threshold = heard.threshold()
    incident = heard.incident(threshold_id=threshold.id)
    told = [threshold, incident, heard.stretch(incident), heard.minute(), heard.clip(incident)]
    with scribing(database, kept(folder), on_written) as scribe:
        for record in [*told, heard.embeddings()]:
            scribe.put(record)
        until(lambda: count(database, ClipRow) == 1)
    assert [each for each, _ in seen[:4]] == told[:4]
    assert {incidents for _, incidents in seen} == {1}
    clip = seen[4][0]
    assert isinstance(clip, ClipKept)
    assert content_hash(folder / clip.path) == f"sound-{clip.sha256}"
    for table in (ThresholdRow, StretchRow, MinuteRow):
        assert count(database, table) == 1
    hour = timedelta(hours=1)
    assert len(embedding_files.read(folder, heard.source_id, NOW, NOW + hour)[0].ends) == 60
    assert scribe.writing.written == 5
    assert scribe.writing.waiting == 0


def test_whoever_tells_never_waits_for_another_writer(
    database: Database, heard: Heard, folder: Path
) -> None:
    with scribing(database, kept(folder)) as scribe:
        with database.writing() as session:
            session.execute(select(MinuteRow))
            for place in range(100):
                scribe.put(heard.minute(place))
                time.sleep(0.001)
            assert count(database, MinuteRow) == 0
        until(lambda: count(database, MinuteRow) == 100)


def test_stopping_writes_what_waits(database: Database, heard: Heard, folder: Path) -> None:
    scribe = Scribe(database, kept(folder), lambda rows: None)
    for place in range(1200):
        scribe.put(heard.minute(place))
    scribe.put(heard.clip())
    scribe.start()
    assert scribe.stop(PATIENCE_S) == 0
    assert count(database, MinuteRow) == 1200
    assert count(database, ClipRow) == 1


def test_a_record_that_no_table_can_hold_stops_no_other(
    database: Database, heard: Heard, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    incident = heard.incident()
    with scribing(database, kept(folder)) as scribe:
        for record in (
            heard.minute(0),
            heard.minute(1, source_id="nobody"),
            heard.minute(2, at=NOW.replace(tzinfo=None)),
            incident,
            heard.clip(incident, samples=np.full((9, 1), np.nan, np.float32)),
        ):
            scribe.put(record)
        until(lambda: count(database, IncidentRow) == 1 and scribe.writing.waiting == 0)
    assert count(database, MinuteRow) == 1
    assert (scribe.writing.refused, scribe.writing.refused_clips) == (2, 1)
    assert scribe.writing.error == ""
    assert caplog.text.count("a MinuteHeard of the station cannot be stored") == 2
    with database.reading() as session:
        row = session.scalars(select(IncidentRow)).one()
    assert row.recording_dropped == "the recording holds NaN or infinity"


def test_a_listener_that_fails_stops_no_writing(
    database: Database, heard: Heard, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(rows: Sequence[Written]) -> None:
        raise ValueError("no page")

    with scribing(database, kept(folder), fail) as scribe:
        scribe.put(heard.minute(0))
        until(lambda: count(database, MinuteRow) == 1)
        scribe.put(heard.minute(1))
        until(lambda: count(database, MinuteRow) == 2)
    assert "what was written could not be told" in caplog.text


def test_while_the_server_is_away_rows_wait_and_files_go_on(
    own_postgresql: Any, folder: Path
) -> None:
    database = open_database(own_postgresql.url, folder)
    heard = Heard.of(database)
    with scribing(database, kept(folder)) as scribe:
        scribe.put(heard.minute(0))
        until(lambda: scribe.writing.written == 1)
        own_postgresql.control("-m", "immediate", "stop")
        incident = heard.incident()
        for record in (incident, heard.minute(1), heard.clip(incident), heard.embeddings()):
            scribe.put(record)
        until(lambda: bool(scribe.writing.error and [*folder.rglob("*.flac")]))
        assert "the PostgreSQL database postgres" in scribe.writing.error
        assert scribe.writing.since == NOW
        assert scribe.writing.waiting == 3
        assert len([*embedding_files.files(folder)]) == 1
        own_postgresql.control("-w", "start")
        until(lambda: scribe.writing.waiting == 0)
        assert (scribe.writing.error, scribe.writing.since) == ("", None)
    assert [count(database, table) for table in (MinuteRow, IncidentRow, ClipRow)] == [2, 1, 1]
    database.close()


def test_a_station_that_stops_while_the_server_is_away_says_what_it_loses(
    own_postgresql: Any, folder: Path
) -> None:
    database = open_database(own_postgresql.url, folder)
    heard = Heard.of(database)
    own_postgresql.control("-m", "immediate", "stop")
    scribe = Scribe(database, kept(folder), lambda rows: None)
    scribe.start()
    for place in range(7):
        scribe.put(heard.minute(place))
    assert scribe.stop(0.5) == 7
    database.close()
    own_postgresql.control("-w", "start")


def test_a_database_without_room_keeps_all_rows_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = open_database("sqlite", folder)
    heard = Heard.of(database)
    incidents = [heard.incident(state="ended", ended=NOW) for _ in range(5)]
    with scribing(database, kept(folder)) as scribe:
        with no_larger_file_than(20_000):
            for place in range(500):
                scribe.put(heard.minute(place))
            for incident in incidents:
                scribe.put(incident)
            until(lambda: bool(scribe.writing.error))
            assert "there is room on its disk" in scribe.writing.error
        until(lambda: scribe.writing.waiting == 0)
    assert (count(database, MinuteRow), count(database, IncidentRow)) == (500, 5)
    assert scribe.writing.error == ""
    database.close()


def test_a_full_disk_refuses_recordings_and_embeddings_and_rows_go_on(
    database: Database, heard: Heard, folder: Path
) -> None:
    incident = heard.incident()
    with scribing(database, kept(folder)) as scribe:
        scribe.put(incident)
        until(lambda: count(database, IncidentRow) == 1)
        scribe._files._folder = folder / "full"
        (folder / "full").write_text("no folder: nothing can be written below it")
        scribe.put(heard.clip(incident))
        scribe.put(heard.embeddings())
        scribe.put(heard.normal())
        scribe.put(heard.minute())
        until(lambda: scribe.writing.waiting == 0)
        assert "cannot be written" in scribe.writing.full_disk
        assert (scribe.writing.refused_clips, scribe.writing.dropped_embeddings) == (1, 60)
        assert scribe.writing.refused_normal == 1
        assert count(database, MinuteRow) == 1
        with database.reading() as session:
            dropped = session.get_one(IncidentRow, incident.id).recording_dropped
        assert dropped == "it could not be written: the disk is full or failed"
        (folder / "full").unlink()
        scribe.put(heard.normal())
        until(lambda: kept_sound.count_of(folder / "full", heard.source_id)[0] == 1)
        assert scribe.writing.full_disk == ""
        scribe.put(heard.clip(incident))
        until(lambda: count(database, ClipRow) == 1)
        assert scribe.writing.full_disk == ""


def test_a_file_that_cannot_grow_is_a_full_disk(tmp_path: Path, heard: Heard) -> None:
    files = kept(tmp_path)
    with no_larger_file_than(1000):
        files.keep_embeddings(heard.embeddings())
        assert files.keep_clip(heard.clip()) is None
        files.keep_normal(heard.normal())
    assert "(File too large)" in files.full_disk
    assert (files.dropped_embeddings, files.refused_clips, files.refused_normal) == (60, 1, 1)
    assert not any(tmp_path.rglob("*.flac*"))
    files.keep_embeddings(heard.embeddings())
    assert files.full_disk == ""


def test_the_database_is_left_its_room_on_the_disk(tmp_path: Path, heard: Heard) -> None:
    files = SoundFiles(tmp_path, "keep", spare_bytes=1 << 62)
    files.keep_embeddings(heard.embeddings())
    assert "of the disk are free" in files.full_disk
    assert files.dropped_embeddings == 60


def test_recordings_are_refused_where_reviewed_ones_fill_the_budget(
    tmp_path: Path, heard: Heard
) -> None:
    incident = heard.incident()
    files = SoundFiles(tmp_path, "keep", lambda: "reviewed ones fill it", spare_bytes=0)
    dropped = files.keep_clip(heard.clip(incident))
    assert (dropped.incident_id, dropped.reason) == (incident.id, "reviewed ones fill it")  # type: ignore[union-attr]
    assert files.refused_clips == 1
    assert [*tmp_path.rglob("*.flac")] == []


@pytest.mark.parametrize("speech", ["drop", "keep"])
def test_a_recording_with_speech_is_dropped_or_kept_as_the_file_says(
    database: Database,
    heard: Heard,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    speech: str,
) -> None:
    monkeypatch.setattr(sound_files, "seconds_of_speech", lambda samples, rate_hz: 2.345)
    incident = heard.incident()
    files = SoundFiles(folder, speech, spare_bytes=0)  # type: ignore[arg-type]
    with scribing(database, files) as scribe:
        for record in (incident, heard.clip(incident), heard.clip(None, seed=1), heard.normal()):
            scribe.put(record)
    with database.reading() as session:
        row = session.scalars(select(IncidentRow)).one()
        clips = session.scalars(select(ClipRow)).all()
    if speech == "drop":
        assert row.recording_dropped == "someone speaks in it, for 2.3 s"
        assert (clips, scribe.writing.speech_clips) == ([], 2)
        assert scribe.writing.speech_normal == 1
        assert [*folder.rglob("*.flac")] == []
    else:
        assert row.recording_dropped is None
        assert [clip.speech for clip in clips] == [2.35, 2.35]
        assert (scribe.writing.speech_clips, scribe.writing.speech_normal) == (0, 0)
        assert kept_sound.count_of(folder, heard.source_id) == (1, NOW)


def test_no_normal_sound_is_kept_where_the_file_says_so(tmp_path: Path, heard: Heard) -> None:
    files = SoundFiles(tmp_path, "drop", keeps_normal=False, spare_bytes=0)
    files.keep_normal(heard.normal())
    assert not (tmp_path / "kept").exists()
    assert (files.refused_normal, files.speech_normal) == (0, 0)


def test_normal_sound_that_no_file_can_hold_is_counted(
    tmp_path: Path, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    files = kept(tmp_path)
    files.keep_normal(replace(heard.normal(), samples=np.zeros((100, 9), np.float32)))
    assert (files.refused_normal, files.full_disk) == (1, "")
    assert "FLAC holds 8" in caplog.text


def test_where_too_much_waits_scores_go_and_nothing_that_the_budget_counts(
    database: Database, heard: Heard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "MOST_ROWS", 100)
    scribe = Scribe(database, kept(folder), lambda rows: None)
    incidents = [heard.incident(state="ended", ended=NOW) for _ in range(50)]
    thresholds = [heard.threshold() for _ in range(50)]
    most = 0
    for place in range(1000):
        scribe.put(heard.minute(place))
        scribe.put(heard.minute(place, source_id=heard.other_source_id))
        if place % 20 == 0:
            scribe.put(incidents[place // 20])
            scribe.put(heard.stretch(incidents[place // 20], first=place, last=place))
            scribe.put(thresholds[place // 20])
        most = max(most, scribe.writing.waiting)
    assert most < 400
    assert scribe.writing.dropped_minutes > 1500
    scribe.start()
    assert scribe.stop(PATIENCE_S) == 0
    tables = (IncidentRow, StretchRow, ThresholdRow)
    assert [count(database, table) for table in tables] == [50, 50, 50]
    with database.reading() as session:
        for source_id in (heard.source_id, heard.other_source_id):
            account = account_of(session, source_id, heard.release_id)
            np.testing.assert_array_equal(account.minutes, 1.0 + np.arange(1000))
            assert account.heard == 1000
        with_scores = sum(len(row.scores) > 0 for row in session.scalars(select(MinuteRow)))
    assert with_scores == 2000 - scribe.writing.dropped_minutes


def test_recordings_that_wait_are_bounded_by_their_bytes(
    database: Database, heard: Heard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "MOST_CLIP_BYTES", 3 * 64_000)
    monkeypatch.setattr(waiting_module, "MOST_EMBEDDINGS", 4)
    scribe = Scribe(database, kept(folder), lambda rows: None)
    incidents = [heard.incident(state="ended", ended=NOW) for _ in range(5)]
    for place, incident in enumerate(incidents):
        scribe.put(incident)
        scribe.put(heard.clip(incident, seed=place))
        scribe.put(heard.embeddings(place))
        scribe.put(heard.embeddings(100 + place))
    assert (scribe.writing.refused_clips, scribe.writing.dropped_embeddings) == (2, 360)
    scribe.start()
    assert scribe.stop(PATIENCE_S) == 0
    with database.reading() as session:
        rows = {row.id: row.recording_dropped for row in session.scalars(select(IncidentRow))}
    assert [rows[each.id] for each in incidents] == [None] * 3 + [waiting_module.TOO_MANY] * 2
    assert count(database, ClipRow) == 3


def test_normal_sound_that_waits_is_bounded_by_its_bytes_and_takes_no_room_of_recordings(
    database: Database, heard: Heard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "MOST_NORMAL_BYTES", 3 * 64_000)
    monkeypatch.setattr(waiting_module, "MOST_CLIP_BYTES", 64_000)
    scribe = Scribe(database, kept(folder), lambda rows: None)
    for place in range(5):
        scribe.put(heard.normal(place))
    scribe.put(heard.clip())
    assert scribe.writing.waiting == 4
    assert (scribe.writing.refused_normal, scribe.writing.refused_clips) == (2, 0)
    scribe.start()
    assert scribe.stop(PATIENCE_S) == 0
    # The first are kept: what is normal now is as good as what is normal later.
    pieces = kept_sound.pieces(folder, heard.source_id, NOW, NOW + timedelta(hours=1))
    assert [piece.begins for piece in pieces] == [NOW + place * MINUTE for place in range(3)]
    assert count(database, ClipRow) == 1


def test_what_was_taken_makes_room_for_other_recordings(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "MOST_CLIP_BYTES", 64_000)
    waiting = Waiting()
    for _ in range(3):
        waiting.put(heard.clip())
        assert waiting.take_sound() is not None
    assert waiting.refused_clips == 0
    assert waiting.take_sound() is None


def test_an_incident_that_goes_on_for_days_without_a_database_takes_no_more_room_each_minute(
    database: Database, heard: Heard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "MOST_ROWS", 100)
    incidents = [heard.incident(subject=f"machine {each}") for each in range(3)]
    scribe = Scribe(database, kept(folder), lambda _rows: None)
    for minute in range(1000):
        for incident in incidents:
            threshold = heard.threshold() if minute == 500 else None
            if threshold is not None:
                scribe.put(threshold)
            changes = {"level": "alarm"} if minute > 500 else {}
            scribe.put(replace(incident, peak=2.0 + minute, **changes))
            scribe.put(heard.stretch(incident, first=incidents.index(incident), last=10 + minute))
    assert scribe.writing.waiting < 200
    scribe.start()
    assert scribe.stop(PATIENCE_S) == 0
    assert scribe.writing.refused == 0
    with database.reading() as session:
        rows = session.scalars(select(IncidentRow)).all()
        assert [(row.level, row.peak) for row in rows] == [("alarm", 1001.0)] * 3
        assert {row.last for row in session.scalars(select(StretchRow))} == {1009}


def test_eight_ears_and_people_write_at_once_and_nothing_is_lost(
    database: Database, heard: Heard, folder: Path
) -> None:
    told: list[int] = []
    with scribing(database, kept(folder), lambda rows: told.append(len(rows))) as scribe:

        def hear(first: int) -> None:
            for place in range(first, first + 100):
                scribe.put(heard.minute(place))

        def look() -> None:
            for _ in range(20):
                with database.writing() as session:
                    session.scalars(select(IncidentRow)).all()

        ears = [threading.Thread(target=hear, args=(100 * each,)) for each in range(8)]
        people = [threading.Thread(target=look) for _ in range(4)]
        for thread in [*ears, *people]:
            thread.start()
        for thread in [*ears, *people]:
            thread.join()
    assert sum(told) == count(database, MinuteRow) == 800


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_station_that_is_killed_has_every_incident_that_it_told_of(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    url = "sqlite" if kind == "sqlite" else request.getfixturevalue("postgresql").empty()
    rng = np.random.default_rng(0)
    told: dict[str, str] = {}
    for number in range(20):
        lines = _killed(url, folder, number, rng.uniform(0.0, 0.4))
        assert lines
        # The last line may be torn.
        told |= dict(line.split() for line in lines if line.endswith(("open", "ended")))
    database = open_database(url, folder)
    with database.reading() as session:
        rows = {row.id: row for row in session.scalars(select(IncidentRow))}
        clips = session.scalars(select(ClipRow)).all()
        stretches = session.scalars(select(StretchRow)).all()
    assert told.keys() <= rows.keys()
    for incident, state in told.items():
        row = rows[incident]
        assert state == "open" or (row.state, row.level) == ("ended", "alarm")
        assert row.peak_z is not None
        assert len(row.peak_z) == 8
    assert sum(row.state == "open" for row in rows.values()) <= 1
    assert {clip.incident_id for clip in clips} <= rows.keys()
    assert len({clip.incident_id for clip in clips}) == len(clips)
    assert {stretch.incident_id for stretch in stretches} <= rows.keys()
    for path in sorted({clip.path for clip in clips})[:100]:
        assert content_hash(folder / path) == f"sound-{Path(path).stem}"
    ends = embedding_files.read(folder, rows[next(iter(told))].source_id, NOW, NOW + MINUTE)[0].ends
    assert len(ends) > 50
    database.close()


def _killed(url: str, folder: Path, number: int, after_s: float) -> list[str]:
    """Run a scribe, kill it some time after its first incident; gives what it told."""
    paths = [str(HERE.parents[1]), *sys.path]
    child = subprocess.Popen(
        [sys.executable, str(HERE / "scribe_child.py"), url, str(folder), str(number)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert child.stdout is not None
    with child:
        first = child.stdout.readline()
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
    return (first + rest).splitlines()
