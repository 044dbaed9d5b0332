"""Retention keeps within the budget and takes nothing that a person reviewed."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from made_up_heard import MINUTE, NOW, Heard
from rattle.station.config.model import Keep
from rattle.station.store import embedding_files, kept_sound, old_minutes, reviews
from rattle.station.store.clip_files import keep_clip
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.retention import Retention
from rattle.station.store.tables import AuditRow, ClipRow, IncidentRow, MinuteRow
from rattle.station.store.writing import write_all

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_clip(
    database: Database, heard: Heard, folder: Path, place: int, seed: int | None = None
) -> tuple[str, str]:
    """An incident of that minute with a recording; gives its id and the recording's path."""
    incident = heard.incident(state="ended", ended=NOW)
    clip = heard.clip(incident, seed=place if seed is None else seed, start=NOW + place * MINUTE)
    kept = keep_clip(folder, clip, speech=None)
    with database.writing() as session:
        write_all(session, [incident, kept])
    return incident.id, kept.path


def review(database: Database, incident_id: str, verdict: str = "normal") -> str:
    with database.writing() as session:
        return reviews.add(session, [incident_id], verdict, "ann", NOW)[0]


def keeping(clips: float, folder: Path, **more: object) -> Keep:
    """A budget of so many of the recordings that there are."""
    sizes = [path.stat().st_size for path in folder.rglob("*.flac")] or [30_000]
    values = {"embeddings": "60 days", "scores": "1 year", **more}
    keep = Keep.model_validate({"clips": "1 GB", **values})
    return keep.model_copy(update={"clips": round(clips * max(sizes))})


def on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.flac")}


def test_the_oldest_recordings_go_and_their_incidents_say_so(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    made = [a_clip(database, heard, tmp_path, place) for place in (3, 1, 2, 0, 4)]
    oldest = [made[3], made[1]]
    kept = Retention(database, tmp_path, keeping(3.0, tmp_path)).run(NOW)
    assert on_disk(tmp_path) == {path for _, path in made} - {path for _, path in oldest}
    assert kept.ran == NOW
    assert (kept.removed, kept.error) == (2, "")
    assert kept.clip_bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.flac"))
    assert kept.victims == (made[2][1], made[0][1], made[4][1])
    with database.reading() as session:
        assert set(session.scalars(select(ClipRow.path))) == on_disk(tmp_path)
        for incident, _ in oldest:
            row = session.get_one(IncidentRow, incident)
            assert row.recording_dropped is not None
            assert row.recording_dropped.startswith("it was removed on 2026-03-01")
        assert session.get_one(IncidentRow, made[0][0]).recording_dropped is None
        audit = session.scalars(select(AuditRow)).one()
    assert (audit.who, audit.what) == ("station", "recordings removed")
    assert audit.detail["paths"] == [path for _, path in oldest]


def test_recordings_of_moments_go_before_those_of_incidents(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    made = [a_clip(database, heard, tmp_path, place) for place in range(3)]
    with database.writing() as session:
        newest = session.scalars(select(ClipRow).where(ClipRow.path == made[2][1])).one()
        newest.use = "moment"
    Retention(database, tmp_path, keeping(2.0, tmp_path)).run(NOW)
    assert on_disk(tmp_path) == {made[0][1], made[1][1]}


def test_no_reviewed_recording_goes_and_new_ones_are_refused_before(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    made = [a_clip(database, heard, tmp_path, place) for place in range(4)]
    taken_back = review(database, made[2][0])
    for incident, _ in made[:3]:
        review(database, incident, "unsure")
    retention = Retention(database, tmp_path, keeping(2.0, tmp_path))
    assert retention.refusal() == ""
    kept = retention.run(NOW)
    assert on_disk(tmp_path) == {path for _, path in made[:3]}
    assert kept.protected_bytes == kept.clip_bytes > kept.clip_budget_bytes
    assert kept.victims == ()
    assert "recordings that were reviewed take" in retention.refusal()
    # One review of the third is taken back; the other stands.
    with database.writing() as session:
        reviews.undo(session, taken_back, "ann", NOW)
    # Counted since the start: none has gone but the one before.
    assert kept.removed == retention.run(NOW).removed == 1


def test_a_recording_whose_reviews_were_taken_back_may_go(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    made = [a_clip(database, heard, tmp_path, place) for place in range(2)]
    both = [review(database, incident) for incident, _ in made]
    retention = Retention(database, tmp_path, keeping(1.0, tmp_path))
    assert retention.run(NOW).removed == 0
    assert retention.refusal()
    with database.writing() as session:
        reviews.undo(session, both[0], "ann", NOW)
    assert retention.run(NOW).removed == 1
    assert on_disk(tmp_path) == {made[1][1]}


def test_one_sound_of_two_incidents_stays_where_either_was_reviewed(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    first, path = a_clip(database, heard, tmp_path, 0, seed=9)
    second, same = a_clip(database, heard, tmp_path, 1, seed=9)
    assert path == same
    other = a_clip(database, heard, tmp_path, 2)
    review(database, second)
    kept = Retention(database, tmp_path, keeping(1.0, tmp_path)).run(NOW)
    assert on_disk(tmp_path) == {path}
    # It counts once.
    assert kept.clip_bytes == (tmp_path / path).stat().st_size
    with database.reading() as session:
        assert set(session.scalars(select(ClipRow.incident_id))) == {first, second}
    assert other[1] != path


def test_files_that_no_row_names_go_after_an_hour(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    _, path = a_clip(database, heard, tmp_path, 0)
    fresh = keep_clip(tmp_path, heard.clip(seed=1), speech=None).path
    orphan = keep_clip(tmp_path, heard.clip(seed=2), speech=None).path
    half = tmp_path / "clips" / "ab" / f".{'ab' * 32}.flac.x.part"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"killed")
    for each, age in ((path, 9 * HOUR), (fresh, HOUR / 2), (orphan, 2 * HOUR), (half, 2 * HOUR)):
        at = (NOW - age).timestamp()
        os.utime(tmp_path / each, (at, at))
    kept = Retention(database, tmp_path, keeping(9.0, tmp_path)).run(NOW)
    assert on_disk(tmp_path) == {path, fresh}
    assert not half.exists()
    assert kept.removed == 2


def test_a_row_whose_file_vanished_is_marked_until_it_is_back(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    _, path = a_clip(database, heard, tmp_path, 0)
    away = tmp_path / "away"
    (tmp_path / path).rename(away)
    retention = Retention(database, tmp_path, keeping(9.0, tmp_path))
    for is_missing in (True, False):
        kept = retention.run(NOW)
        with database.reading() as session:
            assert session.scalars(select(ClipRow)).one().missing is is_missing
        assert (kept.clip_bytes == 0) is is_missing
        if is_missing:
            away.rename(tmp_path / path)


def test_embeddings_go_by_age(database: Database, heard: Heard, tmp_path: Path) -> None:
    for place in (0, 24 * 60, 3 * 24 * 60):
        embedding_files.append(tmp_path, heard.embeddings(place))
    keep = keeping(9.0, tmp_path, embeddings="2 days")
    kept = Retention(database, tmp_path, keep).run(NOW + 3 * DAY + HOUR / 2)
    left = [*embedding_files.files(tmp_path)]
    assert len(left) == 2
    assert kept.embedding_bytes == sum(path.stat().st_size for path in left)


@pytest.mark.parametrize(("sound", "left"), [("3 days", 2), ("none", 0)])
def test_normal_sound_goes_by_age_and_the_newest_last(
    database: Database, heard: Heard, tmp_path: Path, sound: str, left: int
) -> None:
    for place in (0, 24 * 60, 3 * 24 * 60):
        kept_sound.keep(tmp_path, heard.normal(place))
    keep = keeping(9.0, tmp_path, sound=sound)
    kept = Retention(database, tmp_path, keep).run(NOW + 3 * DAY + HOUR / 2)
    pieces = kept_sound.pieces(tmp_path, heard.source_id, NOW, NOW + 9 * DAY)
    assert [piece.begins for piece in pieces] == [NOW + DAY, NOW + 3 * DAY][2 - left :]
    assert (kept.normal_pieces, kept.normal_since) == (left, NOW + DAY if left else None)
    assert kept.normal_bytes == sum(piece.path.stat().st_size for piece in pieces)
    assert (kept.clip_bytes, kept.removed, kept.error) == (0, 0, "")


def test_minutes_go_by_age_and_the_account_stays_as_it_is(
    database: Database, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_minutes, "KEPT_MINUTES", 20)
    monkeypatch.setattr("rattle.station.store.history.KEPT_MINUTES", 20)
    other = list(heard.registered.releases.values())[1]
    with database.writing() as session:
        write_all(session, [heard.minute(-place, release_id=other) for place in range(1, 9)])
        # 40 minutes in which it ran every other one.
        write_all(
            session,
            [
                heard.minute(place, heard=place // 2 + 1)
                if place % 2 == 0
                else heard.minute(place, heard=place // 2 + 1, minutes=(), operating="off")
                for place in range(80)
            ],
        )
        before = account_of(session, heard.source_id, heard.release_id)
    keep = keeping(9.0, tmp_path, scores="1 day")
    Retention(database, tmp_path, keep).run(NOW + DAY + 60 * MINUTE)
    with database.reading() as session:
        after = account_of(session, heard.source_id, heard.release_id)
        rows = session.scalars(select(MinuteRow).order_by(MinuteRow.at)).all()
    np.testing.assert_array_equal(after.minutes, before.minutes)
    assert after.heard == before.heard == 40
    # Of the first hour only the minutes that count are left, without scores.
    assert [(row.at - NOW) // MINUTE for row in rows] == [*range(40, 60, 2), *range(60, 80)]
    assert [len(row.scores) for row in rows] == [0] * 10 + [60] * 20


def test_what_goes_wrong_is_said_and_tried_again(
    database: Database, heard: Heard, tmp_path: Path
) -> None:
    _, path = a_clip(database, heard, tmp_path, 0)
    keep = keeping(0.5, tmp_path)
    (tmp_path / path).unlink()
    (tmp_path / path).mkdir()  # a folder is no file that can be unlinked
    orphan = tmp_path / "clips" / "ab" / "x.flac"
    orphan.mkdir(parents=True)
    at = (NOW - DAY).timestamp()
    os.utime(orphan, (at, at))
    retention = Retention(database, tmp_path, keep)
    kept = retention.run(NOW)
    assert "x.flac cannot be written" in kept.error
    assert kept.ran is None
    orphan.rmdir()
    assert retention.run(NOW).error == ""
