"""A backup holds all rows and files of one moment, and makes the same station of them again."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from made_up_heard import MINUTE, NOW, Heard
from rattle.errors import DataError, StorageError
from rattle.locked import locked
from rattle.station.config.model import Keep
from rattle.station.enrol.pieces import LINES
from rattle.station.ids import new_id
from rattle.station.plant.holding import LEASE
from rattle.station.plant.sharing import share_out
from rattle.station.store import embedding_files, enrolments, kept_sound, reviews
from rattle.station.store.backup import back_up, restore
from rattle.station.store.backup.contents import FILE
from rattle.station.store.backup.restore import RESTORING, refuse_half_restored
from rattle.station.store.clip_files import keep_clip
from rattle.station.store.credentials import Credentials
from rattle.station.store.database import Database, open_database
from rattle.station.store.enrolments import Enrolment
from rattle.station.store.leases import hold, join
from rattle.station.store.retention import KEEPING, LONG, Retention
from rattle.station.store.tables import ClipRow, JobRow, SourceRow, StationRow
from rattle.station.store.writing import write_all

HERE = Path(__file__).parent
Rows = dict[str, list[Any]]
NEXT_TO_NOTHING = {"clips": 1000, "sound": timedelta(0)}


def quiet(_what: str, _done: int, _of: int) -> None:
    """Show nothing."""


def rows_of(url: str, folder: Path) -> Rows:
    """All that is in a database."""
    with closing(open_database(url, folder)) as database, database.engine.connect() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
        }


def files_of(folder: Path) -> dict[str, bytes]:
    """What a backup takes of a data folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for kind in ("clips", "embeddings", "releases", "kept", "heard", "enrolling")
        for path in (folder / kind).rglob("*")
        if path.is_file()
    }


def saved(url: str, folder: Path, into: Path) -> Path:
    back_up(url, folder, "hall", into, NOW, quiet)
    return into


@pytest.fixture
def other_url(url: str, request: pytest.FixtureRequest) -> str:
    """An empty database of the other kind."""
    return str(request.getfixturevalue("postgresql").empty()) if url == "sqlite" else "sqlite"


@pytest.fixture
def emptied(url: str, request: pytest.FixtureRequest) -> Callable[[], str]:
    """``emptied()`` gives an empty database of the same kind; what was in the other is gone."""
    return request.getfixturevalue("postgresql").empty if url != "sqlite" else lambda: "sqlite"


@pytest.fixture
def folder(tmp_path: Path, database: Database) -> Path:
    """A data folder and a database in which every table and folder has something."""
    _fill(tmp_path / "data", database)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of such a station on SQLite, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    with closing(open_database("sqlite", folder / "data")) as database:
        _fill(folder / "data", database)
    return saved("sqlite", folder / "data", folder / "hall.zip")


def _fill(folder: Path, database: Database) -> None:
    heard = Heard.of(database)
    with database.writing() as session:
        join(session, "box", "box", "", [*heard.registered.sources.values()], NOW, NOW)
    for place in range(3):
        incident = heard.incident(state="ended", ended=NOW, threshold_id=None)
        clip = keep_clip(folder, heard.clip(incident, seed=place), speech=0.5)
        minutes = [heard.minute(place * 60 + each) for each in range(60)]
        with database.writing() as session:
            write_all(session, [heard.threshold(), incident, heard.stretch(incident, first=place)])
            write_all(session, [*minutes, clip])
        with database.writing() as session:
            (review,) = reviews.add(session, [incident.id], "normal", "ann", NOW, "belt", "ünsure")
            reviews.undo(session, review, "ann", NOW + MINUTE)
        embedding_files.append(folder, heard.embeddings(place))
        kept_sound.keep(folder, heard.normal(place * 60))
    credentials = Credentials(database)
    credentials.add_account("ann", "correct horse", "admin", who="test", at=NOW)
    credentials.new_token("ann", "line 3", who="test", at=NOW)
    enrolled = Enrolment(
        id=new_id(NOW),
        node="box",
        name="saw",
        state="recording",
        config={"name": "saw", "sources": [{"name": "saw cam", "url": "env:SAW"}]},
        encoder="e" * 64,
        wanted_s=1200.0,
        at_once=False,
        created=NOW,
        who="ann",
    )
    with database.writing() as session:
        enrolments.begin(session, enrolled, ["saw cam"])
    pieces = (f"enrolling/{enrolled.id}/{name}" for name in ("20260301T080000.000.flac", LINES))
    others = ("releases/one-fan.rattle", "heard/cam%201.jsonl", "session.key", "stray.txt")
    for name in (*pieces, *others):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(name)


def test_all_rows_and_files_come_back_whatever_the_database(
    url: str, other_url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path
) -> None:
    rows, files = rows_of(url, folder), files_of(folder)
    assert sum(map(bool, rows.values())) >= 15
    assert len(files) == 11
    archive = saved(url, folder, tmp_path / "hall.zip")
    restore(other_url, tmp_path / "other", archive, quiet)
    assert rows_of(other_url, tmp_path / "other") == rows
    assert files_of(tmp_path / "other") == files
    # And from there back again: what one wrote is what the other reads.
    again = saved(other_url, tmp_path / "other", tmp_path / "again.zip")
    url = emptied()
    restore(url, tmp_path / "back", again, quiet)
    assert rows_of(url, tmp_path / "back") == rows
    assert files_of(tmp_path / "back") == files
    left = {path.name for path in (tmp_path / "back").iterdir()}
    assert not left & {"session.key", "stray.txt", RESTORING}


def test_what_is_restored_counts_on_from_the_last_number(
    url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path
) -> None:
    archive = saved(url, folder, tmp_path / "hall.zip")
    restore(url := emptied(), tmp_path / "back", archive, quiet)
    with closing(open_database(url, tmp_path / "back")) as database:
        clip = Heard.of(database).clip(seed=9)
        kept = keep_clip(tmp_path / "back", clip, speech=None)
        with database.writing() as session:
            write_all(session, [kept])
            assert len(session.scalars(select(ClipRow.id)).all()) == 4


def test_who_starts_on_a_restored_backup_waits_for_nobody_that_lived_before(
    url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path, database: Database
) -> None:
    heard, alive = Heard.of(database), NOW + 2 * LEASE
    source_id, machine_id = heard.source_id, heard.machine_id
    with database.writing() as session:
        join(session, "box", "box", "", [source_id], NOW, alive)
        source = session.get_one(SourceRow, source_id)
        source.node, source.node_until = "box", alive
        session.add(
            JobRow(
                id=new_id(NOW),
                machine_id=machine_id,
                base_id=heard.release_id,
                node="box",
                learnt={},
                state="running",
                worker="ann",
                lease_until=alive,
                created=NOW,
            )
        )
    archive = saved(url, folder, tmp_path / "hall.zip")
    restore(url := emptied(), tmp_path / "back", archive, quiet)
    with closing(open_database(url, tmp_path / "back")) as restored:
        with restored.writing() as session:
            join(session, "new", "new", "", [source_id], NOW, NOW + LEASE)
            held = hold(session, "new", {machine_id: [source_id]}, (), (), share_out, NOW, LEASE)
        with restored.reading() as session:
            (job,) = session.scalars(select(JobRow))
    assert held.taken == (machine_id,)
    assert job.lease_until is not None
    assert job.lease_until <= NOW


def test_only_its_owner_reads_a_backup(url: str, folder: Path, tmp_path: Path) -> None:
    archive = saved(url, folder, tmp_path / "hall.zip")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_a_backup_under_load_names_no_recording_that_it_lacks(
    url: str, emptied: Callable[[], str], tmp_path: Path
) -> None:
    """A scribe writes, and retention takes nearly all of it, while backups are made."""
    folder, archives = tmp_path / "busy", []
    child = subprocess.Popen(
        [sys.executable, str(HERE / "scribe_child.py"), url, str(folder), "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert child.stdout is not None
    with child:
        told = [child.stdout.readline() for _ in range(30)]
        reader = threading.Thread(target=child.stdout.read)
        reader.start()
        stop = threading.Event()
        taker = threading.Thread(target=_retain, args=(url, folder, stop))
        taker.start()
        archives = [saved(url, folder, tmp_path / f"{number}.zip") for number in range(3)]
        stop.set()
        taker.join()
        child.kill()
        reader.join()
    for number, archive in enumerate(archives):
        held = restore(url := emptied(), tmp_path / f"back-{number}", archive, quiet)
        assert held.absent == ()
        back = tmp_path / f"back-{number}"
        with closing(open_database(url, back)) as database, database.reading() as session:
            paths = session.scalars(select(ClipRow.path)).all()
        assert paths
        assert all((back / path).is_file() for path in paths)
        assert len(held.tables["incident"].members) > 0
    ids = {line.split()[0] for line in told}
    assert ids <= {row for table in [rows_of(url, back)["incident"]] for row in map(_first, table)}


def test_retention_waits_for_a_backup_and_says_so_where_it_takes_long(
    database: Database, folder: Path
) -> None:
    retention = Retention(database, folder, Keep().model_copy(update=NEXT_TO_NOTHING))
    with locked(folder / KEEPING, "a backup or retention"):
        assert retention.run(NOW).error == ""
        assert retention.run(NOW + LONG / 2).ran is None
        assert "a backup or retention goes on there already" in retention.run(NOW + LONG).error
        assert len(list((folder / "clips").rglob("*.flac"))) == 3
        assert len(list((folder / "kept").rglob("*.flac"))) == 3
    assert retention.run(NOW + 2 * LONG).error == ""
    assert retention.kept.normal_pieces == 0
    assert retention.kept.ran == NOW + 2 * LONG


def test_a_second_backup_at_the_same_time_is_refused(
    url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.station.store.backup.make.PATIENCE_S", 0.0)
    with (
        locked(folder / KEEPING, "a backup or retention"),
        pytest.raises(StorageError, match="goes on there already"),
    ):
        saved(url, folder, tmp_path / "hall.zip")
    assert not (tmp_path / "hall.zip").exists()


@pytest.mark.parametrize("url", ["sqlite"])
def test_a_damaged_database_is_said_and_the_backup_before_it_stays(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    archive = saved("sqlite", folder, tmp_path / "hall.zip")
    before = archive.read_bytes()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        of = "SELECT rootpage FROM sqlite_master WHERE name = 'minute'"
        page = connection.exec_driver_sql(of).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    database.close()
    with (folder / "station.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    said = r"station\.db cannot be read \(database disk image is malformed\); it may be damaged"
    with pytest.raises(StorageError, match=said):
        saved("sqlite", folder, archive)
    assert archive.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_recording_that_is_not_there_is_said_and_shown_as_missing(
    url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path
) -> None:
    gone = next((folder / "clips").rglob("*.flac"))
    gone.unlink()
    archive = tmp_path / "hall.zip"
    held = back_up(url, folder, "hall", archive, NOW, quiet)
    assert held.absent == (gone.relative_to(folder).as_posix(),)
    restore(url := emptied(), tmp_path / "back", archive, quiet)
    with closing(open_database(url, tmp_path / "back")) as database:
        with database.reading() as session:
            (node,) = session.scalars(select(StationRow.node))
        Retention(database, tmp_path / "back", Keep(), node).run(NOW)
        with database.reading() as session:
            missing = session.scalars(select(ClipRow.path).where(ClipRow.missing)).all()
    assert tuple(missing) == held.absent


class StopError(Exception):
    """Stands for Ctrl-C: pytest would end by a real one."""


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_interrupted_at_any_step_it_leaves_nothing_behind(
    url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path, verb: str
) -> None:
    archive = saved(url, folder, tmp_path / "hall.zip")
    before = archive.read_bytes()
    target = folder if verb == "backup" else tmp_path / "back"
    url = url if verb == "backup" else emptied()
    reached = 0
    for stop_at in range(1, 200, 2):
        steps = 0

        def on_done(_what: str, _done: int, _of: int, stop_at: int = stop_at) -> None:
            nonlocal steps
            steps += 1
            if steps == stop_at:
                raise StopError

        try:
            if verb == "backup":
                back_up(url, target, "hall", archive, NOW, on_done)
            else:
                restore(url, target, archive, on_done)
            break
        except StopError:
            reached = stop_at
        assert archive.read_bytes() == before
        assert not list(tmp_path.glob(".*"))
        assert target == folder or not target.exists()
    assert reached > 10


@pytest.mark.parametrize("killed_at", [1, 6, 11, 16])
def test_killed_at_any_step_a_restore_is_done_again_and_no_station_starts_before(
    url: str,
    emptied: Callable[[], str],
    folder: Path,
    tmp_path: Path,
    killed_at: int,
) -> None:
    rows, files = rows_of(url, folder), files_of(folder)
    archive = saved(url, folder, tmp_path / "hall.zip")
    url, back = emptied(), tmp_path / "back"
    _killed("restore", url, back, archive, killed_at)
    with pytest.raises(DataError, match=r"a restore into .*back was interrupted"):
        refuse_half_restored(back)
    restore(url, back, archive, quiet)
    refuse_half_restored(back)
    assert rows_of(url, back) == rows
    assert files_of(back) == files


@pytest.mark.parametrize("killed_at", [1, 8, 15])
def test_a_killed_backup_leaves_the_one_before(
    url: str, folder: Path, tmp_path: Path, killed_at: int
) -> None:
    archive = saved(url, folder, tmp_path / "hall.zip")
    before = archive.read_bytes()
    _killed("backup", url, folder, archive, killed_at)
    assert archive.read_bytes() == before
    assert saved(url, folder, archive).read_bytes() == before


def test_only_an_empty_folder_and_an_empty_database_are_restored_into(
    url: str, emptied: Callable[[], str], folder: Path, tmp_path: Path
) -> None:
    archive = saved(url, folder, tmp_path / "hall.zip")
    with pytest.raises(DataError, match=r"data is not empty \(it holds"):
        restore(url, folder, archive, quiet)
    if url != "sqlite":
        with pytest.raises(DataError, match=r"is not empty \(it holds a table account\)"):
            restore(url, tmp_path / "back", archive, quiet)
        assert not (tmp_path / "back").exists()


def test_where_no_station_is_none_is_backed_up(tmp_path: Path, postgresql: Any) -> None:
    with pytest.raises(DataError, match="there is no database"):
        saved("sqlite", tmp_path, tmp_path / "hall.zip")
    with pytest.raises(DataError, match="holds no station yet"):
        saved(postgresql.empty(), tmp_path, tmp_path / "hall.zip")
    assert list(tmp_path.iterdir()) == []


# What a hostile or damaged archive is made of: names, contents, and what is said of it.
Members = dict[str, bytes]


def _described(archive: Members, **changes: Any) -> Members:
    """State other contents."""
    return {**archive, FILE: json.dumps({**json.loads(archive[FILE]), **changes}).encode()}


def _with(members: Members, name: str, content: bytes = b"x") -> Members:
    """Add a file, and state that it is there."""
    from hashlib import sha256

    said = json.loads(members[FILE])["members"]
    said[name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    return _described({**members, name: content}, members=said)


def _with_row(members: Members, table: str, column: str, value: Any) -> Members:
    """Change a value of a table's first row, and state that it is so."""
    (name,) = json.loads(members[FILE])["tables"][table]["members"]
    columns = json.loads(members[FILE])["tables"][table]["columns"]
    first, *others = members[name].splitlines()
    row = json.loads(first)
    row[columns.index(column)] = value
    return _with(members, name, b"\n".join([json.dumps(row).encode(), *others]))


def _without(members: Members, of: str) -> Members:
    name = next(each for each in members if each.startswith(of))
    said = json.loads(members[FILE])["members"]
    del said[name]
    left = {each: content for each, content in members.items() if each != name}
    return _described(left, members=said)


HOSTILE: dict[str, tuple[Callable[[Members], Members], str]] = {
    "a path out of the folder": (lambda m: _with(m, "../../evil"), "none of a backup's"),
    "an absolute path": (lambda m: _with(m, "/etc/evil"), "none of a backup's"),
    "a path within that leaves": (lambda m: _with(m, "clips/../../x.flac"), "none of a backup's"),
    "a program": (lambda m: _with(m, "releases/evil.py"), "none of a backup's"),
    "the station's key": (lambda m: _with(m, "session.key"), "none of a backup's"),
    "a file that is not stated": (lambda m: {**m, "clips/x": b""}, "other files than it says"),
    "a lost recording": (lambda m: _without(m, "clips/"), "it lacks the recording"),
    "lost rows": (lambda m: _without(m, "tables/minute/"), "none of a backup's"),
    "another size": (
        lambda m: {**m, "heard/cam%201.jsonl": b"longer than it was, by far"},
        "the sizes of its files",
    ),
    "other bytes": (
        lambda m: {**m, "heard/cam%201.jsonl": b"x" * len(m["heard/cam%201.jsonl"])},
        "is not what was written",
    ),
    "no contents": (lambda m: {n: c for n, c in m.items() if n != FILE}, "is no backup"),
    "contents that are none": (lambda m: {**m, FILE: b"[" * 100_000}, "contents.json is not valid"),
    "another format": (lambda m: _described(m, format=2), "contents.json is not valid"),
    "a newer schema": (lambda m: _described(m, schema="9999"), "made by a newer version"),
    "a row that removes a file": (
        lambda m: _with_row(m, "clip", "path", "../../etc/passwd"),
        "names a file that is none",
    ),
    "a bundle elsewhere": (
        lambda m: _with_row(m, "release", "path", "/etc/evil.rattle"),
        "names a file that is none",
    ),
    "a row that names nobody": (
        lambda m: _with_row(m, "clip", "source_id", "nobody"),
        "do not fit the table",
    ),
    "a number beyond all": (lambda m: _with_row(m, "clip", "bytes", 10**30), "do not fit"),
    "bytes that are none": (lambda m: _with_row(m, "minute", "scores", "%%"), "is none"),
    "a short row": (lambda m: _with(m, "tables/machine/000001.jsonl", b"[1]"), "is none"),
}


def _changed(made: Path, into: Path, what: str) -> tuple[Path, str]:
    """A hostile archive, and what is said of it."""
    change, said = HOSTILE[what]
    with zipfile.ZipFile(made) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return into, said


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_or_damaged_archive_is_refused_and_nothing_is_left(
    made: Path, tmp_path: Path, what: str
) -> None:
    archive, said = _changed(made, tmp_path / "evil.zip", what)
    with pytest.raises(DataError, match=said):
        restore("sqlite", tmp_path / "back", archive, quiet)
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.parametrize("what", ["a row that names nobody", "a number beyond all"])
def test_rows_that_postgresql_refuses_leave_it_empty(
    made: Path, tmp_path: Path, what: str, postgresql: Any
) -> None:
    url = postgresql.empty()
    archive, said = _changed(made, tmp_path / "evil.zip", what)
    with pytest.raises(DataError, match=said):
        restore(url, tmp_path / "back", archive, quiet)
    restore(url, tmp_path / "back", made, quiet)


def _cut(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])


def _flipped(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 1
    archive.write_bytes(content)


def _squeezed(archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(FILE, b"0" * 100_000_000)


def _twice(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("heard/cam%201.jsonl", b"twice")


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (_cut, "it is no zip, or it was cut off"),
    (_flipped, "is damaged, or no backup"),
    (_squeezed, "is compressed"),
    (_twice, "other files than it says"),
    (lambda archive: archive.write_bytes(b""), "it is no zip"),
    (lambda archive: archive.unlink(), "there is no file"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_damaged_file_is_refused(
    made: Path, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    archive = Path(shutil.copy(made, tmp_path))
    damage(archive)
    with pytest.raises(DataError, match=said):
        restore("sqlite", tmp_path / "back", archive, quiet)
    assert not (tmp_path / "back").exists()


def _environment() -> dict[str, str]:
    paths = [str(HERE.parents[1]), *sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _killed(verb: str, url: str, folder: Path, archive: Path, killed_at: int) -> None:
    words = [verb, url, str(folder), str(archive), str(killed_at)]
    command = [sys.executable, str(HERE / "backup_child.py"), *words]
    assert subprocess.run(command, env=_environment(), check=False).returncode == -9


def _retain(url: str, folder: Path, stop: threading.Event) -> None:
    """Keep hardly any recording, again and again."""
    keep = Keep().model_copy(update={"clips": 20_000})
    with closing(open_database(url, folder)) as database:
        while not stop.is_set():
            assert Retention(database, folder, keep).run(NOW).error == ""


def _first(row: str) -> str:
    return row.split("'")[1]
