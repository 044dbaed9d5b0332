"""Keep what is kept within its limits, once an hour.

Recordings above the budget of bytes go, those of moments first, then the oldest, but never one that
was reviewed or is protected: where these alone fill the budget, no new one is kept (``refusal``).
Embeddings, normal sound and minutes go by age, files that no row names an hour after they were
written. What went is in the audit. While a backup is made nothing goes: it is done an hour later.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rattle.atomic import ABANDONED_AFTER_S, writing
from rattle.errors import RattleError, StorageError
from rattle.locked import locked
from rattle.station.config.amounts import shown_bytes
from rattle.station.config.model import Keep
from rattle.station.health import Kept
from rattle.station.store import clip_files, embedding_files, kept_sound
from rattle.station.store.audit import STATION, note
from rattle.station.store.database import Database
from rattle.station.store.flac import SUFFIX
from rattle.station.store.old_minutes import remove_old_minutes
from rattle.station.store.tables import ClipRow, IncidentRow, StationRow

# How many of the next to go are named, and of those that went.
VICTIMS, NAMED = 5, 100
# What is locked in the data folder by who removes files, and by who copies them.
KEEPING = "keeping"
# A backup that takes longer than this is said to be in the way.
LONG = timedelta(hours=3)


@dataclass(frozen=True)
class _File:
    """A recording's file: its rows, whether it stays, and when it was last heard.

    is_moment: it is of odd moments alone, which raised nothing.
    """

    path: str
    bytes: int
    heard: datetime
    stays: bool
    is_moment: bool
    rows: tuple[int, ...]
    incidents: tuple[str, ...]


class Retention:
    """Keeps the files and rows of a plant within what its file says."""

    def __init__(
        self, database: Database, folder: Path, keep: Keep, node: str | None = None
    ) -> None:
        """``node`` is the station whose files they are, among those of the database."""
        self._node = node
        self._database, self._folder, self._keep = database, folder, keep
        self._kept = Kept(clip_budget_bytes=keep.clips)
        self._waits_since: datetime | None = None

    @property
    def kept(self) -> Kept:
        """What the last run found, and what was removed since the start."""
        return self._kept

    def refusal(self) -> str:
        """Say why no new recording is kept; "" where it is."""
        kept = self._kept
        if kept.protected_bytes < self._keep.clips:
            return ""
        return (
            f"recordings that were reviewed take {shown_bytes(kept.protected_bytes)} of the "
            f"{shown_bytes(self._keep.clips)} that may be kept; let more be kept"
        )

    def run(self, now: datetime) -> Kept:
        """Do it once. What goes wrong is in ``Kept.error``, and is tried again the next time.

        While a backup is made, or another station looks after the same folder, nothing is done.
        """
        try:
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as held:
                try:
                    held.enter_context(
                        locked(self._folder / KEEPING, "a backup or retention", patience_s=0)
                    )
                except StorageError:
                    self._waits_since = self._waits_since or now
                    if now - self._waits_since < LONG:
                        return self._kept
                    raise
                self._waits_since = None
                self._kept = self._run(now)
        except RattleError as error:
            self._kept = replace(self._kept, error=str(error))
        return self._kept

    def _run(self, now: datetime) -> Kept:
        gone = self._missing()
        with self._database.writing() as session:
            files = _files(session, gone)
            victims = _victims(files, self._keep.clips)
            self._remove(session, victims, now)
            named = set(session.scalars(select(ClipRow.path)))
        # Their rows went first: a station that is killed here leaves files that no row names.
        for file in victims:
            _unlink(self._folder / file.path)
        orphans = self._orphans(named, now)
        for path in orphans:
            _unlink(path)
        with writing(self._folder / embedding_files.FOLDER):
            embedding_files.remove_before(self._folder, now - self._keep.embeddings)
        kept_sound.remove_before(self._folder, now - self._keep.sound)
        remove_old_minutes(self._database, now - self._keep.scores)
        removed = set(victims)
        left = [file for file in files if file not in removed]
        normal = kept_sound.amount(self._folder)
        return Kept(
            ran=now,
            clip_bytes=sum(file.bytes for file in left),
            protected_bytes=sum(file.bytes for file in left if file.stays),
            clip_budget_bytes=self._keep.clips,
            embedding_bytes=embedding_files.size_bytes(self._folder),
            normal_pieces=normal.pieces,
            normal_bytes=normal.bytes,
            normal_since=normal.since,
            database_bytes=self._database.size_bytes(),
            free_bytes=shutil.disk_usage(self._folder).free,
            victims=tuple(file.path for file in _in_order(left)[:VICTIMS]),
            removed=self._kept.removed + len(victims) + len(orphans),
        )

    def _missing(self) -> set[str]:
        """Find the recordings whose file is not there, and mark their rows; unmark the others.

        What another station put into its own folder is not here, and not missing.
        """
        with self._database.reading() as session:
            is_elsewhere = ClipRow.node.in_(
                select(StationRow.node).where(StationRow.node != self._node)
            )
            rows = session.execute(select(ClipRow.path, ClipRow.missing, is_elsewhere)).all()
        gone = {path for path, *_ in rows if not (self._folder / path).is_file()}
        changed = {
            path
            for path, was_missing, is_elsewhere_ in rows
            if was_missing != (path in gone) and not (path in gone and is_elsewhere_)
        }
        if changed:
            with self._database.writing() as session:
                for path in changed:
                    row = update(ClipRow).where(ClipRow.path == path)
                    session.execute(row.values(missing=path in gone))
        return gone

    def _remove(self, session: Session, victims: list[_File], now: datetime) -> None:
        if not victims:
            return
        budget = shown_bytes(self._keep.clips)
        reason = f"it was removed on {now:%Y-%m-%d} to keep recordings within {budget}"
        for file in victims:
            session.execute(delete(ClipRow).where(ClipRow.id.in_(file.rows)))
            incidents = update(IncidentRow).where(IncidentRow.id.in_(file.incidents))
            session.execute(incidents.values(recording_dropped=reason))
        note(
            session,
            now,
            STATION,
            "recordings removed",
            paths=[file.path for file in victims[:NAMED]],
            count=len(victims),
            bytes=sum(file.bytes for file in victims),
        )

    def _orphans(self, named: set[str], now: datetime) -> list[Path]:
        """Find files that no row names and that nobody is about to name."""
        until = now.timestamp() - ABANDONED_AFTER_S
        found = []
        for path in _written(self._folder / clip_files.FOLDER):
            with contextlib.suppress(FileNotFoundError):  # it was finished, and renamed
                is_old = path.stat().st_mtime < until
                if is_old and path.relative_to(self._folder).as_posix() not in named:
                    found.append(path)
        return found


def _written(folder: Path) -> Iterator[Path]:
    yield from folder.glob(f"??/*{SUFFIX}")
    yield from folder.glob("??/.*.part")


def _unlink(path: Path) -> None:
    with writing(path):
        path.unlink(missing_ok=True)


def _files(session: Session, gone: set[str]) -> list[_File]:
    """List the files that rows name and that are there: one may be of several incidents."""
    rows = session.execute(
        select(ClipRow, IncidentRow.verdict)
        .outerjoin(IncidentRow, IncidentRow.id == ClipRow.incident_id)
        .order_by(ClipRow.id)
    )
    by_path: dict[str, list[tuple[ClipRow, bool]]] = {}
    for row, verdict in rows:
        if row.path not in gone:
            stays = row.protected or verdict is not None
            by_path.setdefault(row.path, []).append((row, stays))
    return [
        _File(
            path,
            of[0][0].bytes,
            max(row.start for row, _ in of),
            any(stays for _, stays in of),
            all(row.use == "moment" for row, _ in of),
            tuple(row.id for row, _ in of),
            tuple(row.incident_id for row, _ in of if row.incident_id is not None),
        )
        for path, of in by_path.items()
    ]


def _victims(files: list[_File], budget: int) -> list[_File]:
    """Choose which go so that the others are within the budget."""
    total = sum(file.bytes for file in files)
    victims = []
    for file in _in_order(files):
        if total <= budget:
            break
        total -= file.bytes
        victims.append(file)
    return victims


def _in_order(files: list[_File]) -> list[_File]:
    """Those that may go, in the order in which they would."""
    return sorted(
        (file for file in files if not file.stays),
        key=lambda file: (not file.is_moment, file.heard, file.path),
    )
