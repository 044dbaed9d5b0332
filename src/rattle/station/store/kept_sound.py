"""Keep normal sound, a piece now and then: ``kept/SOURCE_ID/2026-03-01/12-30-05.250.flac``.

A piece is named by the source that heard it and by when it begins (UTC), in no table. It is there
to train an encoder with and to replay: what embeddings were made of is forgotten.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from rattle.atomic import writing
from rattle.errors import StorageError
from rattle.station.records import NormalHeard
from rattle.station.store.flac import SUFFIX, rounded

FOLDER = "kept"
DAY, TIME = "%Y-%m-%d", "%H-%M-%S.%f"
NAME = re.compile(r"([01]\d|2[0-3])-[0-5]\d-[0-5]\d\.\d{3}\.flac", re.ASCII)


@dataclass(frozen=True)
class KeptPiece:
    """Some ten seconds of a source's normal sound, all its channels: a file."""

    source_id: str
    begins: datetime
    path: Path


@dataclass(frozen=True)
class KeptAmount:
    """How many pieces there are, their bytes, and when the oldest of them begins."""

    pieces: int = 0
    bytes: int = 0
    since: datetime | None = None


def keep(folder: Path, heard: NormalHeard) -> None:
    """Write a piece below the data ``folder``, whole or not at all.

    Raises ``StorageError`` where it cannot be written, ``ClipError`` where FLAC cannot hold it.
    """
    at = heard.start.astimezone(UTC)
    name = f"{at:{TIME}}"[:-3]  # milliseconds
    path = folder / FOLDER / heard.source_id / f"{at:{DAY}}" / f"{name}{SUFFIX}"
    rounded(heard.samples).write(path, heard.sample_rate_hz)


def pieces(data: Path, source_id: str, begin: datetime, end: datetime) -> list[KeptPiece]:
    """List a source's pieces below the ``data`` folder that begin in ``[begin, end)``, by time.

    One may be gone when it is read: retention goes on. Raises ``StorageError`` where a folder of
    them cannot be read.
    """
    first, last = begin.astimezone(UTC).date(), end.astimezone(UTC).date()
    return [
        piece
        for day, folder in _days(data / FOLDER / source_id)
        if first <= day <= last
        for piece in _pieces_of(folder)
        if begin <= piece.begins < end
    ]


def newest(data: Path, source_id: str) -> KeptPiece | None:
    """Find a source's newest piece; None where there is none."""
    for _, folder in reversed(_days(data / FOLDER / source_id)):
        if of_day := _pieces_of(folder):
            return of_day[-1]
    return None


def count_of(data: Path, source_id: str) -> tuple[int, datetime | None]:
    """Count a source's pieces; and when the oldest of them begins."""
    days = [folder for _, folder in _days(data / FOLDER / source_id)]
    since = next((of_day[0].begins for folder in days if (of_day := _pieces_of(folder))), None)
    return sum(len(_files(folder)) for folder in days), since


def amount(data: Path) -> KeptAmount:
    """Measure how much there is of all sources, those that left the plant among them."""
    pieces = size = 0
    oldest = []
    for source in _within(data / FOLDER):
        count, since = count_of(data, source.name)
        pieces += count
        oldest += [] if since is None else [since]
        for _, folder in _days(source):
            for each in _files(folder):
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    size += each.stat().st_size
    return KeptAmount(pieces, size, min(oldest, default=None))


def remove_before(data: Path, when: datetime) -> None:
    """Remove the pieces that began before that, and with their day what was left half written.

    Raises ``StorageError`` where one cannot be removed.
    """
    until = when.astimezone(UTC).date()
    for source in _within(data / FOLDER):
        for day, folder in _days(source):
            with writing(folder):
                if day < until:
                    shutil.rmtree(folder)
                elif day == until:
                    for piece in _pieces_of(folder):
                        if piece.begins < when:
                            piece.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # there is more in it
            source.rmdir()


def _within(folder: Path) -> list[Path]:
    """List what is in a folder, by name; nothing where there is none."""
    with _reading(folder):
        return sorted(folder.iterdir(), key=lambda path: path.name)
    return []


def _files(day: Path) -> list[os.DirEntry[str]]:
    """List a day's files of pieces, in any order; of many sources these are a million."""
    with _reading(day), os.scandir(day) as there:
        return [each for each in there if NAME.fullmatch(each.name)]
    return []


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be read ({error.strerror}); let the station read what it wrote there"
        ) from error


def _days(source: Path) -> list[tuple[date, Path]]:
    found = []
    for folder in _within(source):
        with contextlib.suppress(ValueError):
            found.append((date.fromisoformat(folder.name), folder))
    return found


def _pieces_of(day: Path) -> list[KeptPiece]:
    """List the pieces of a source's day."""
    return [
        KeptPiece(
            day.parent.name,
            datetime.fromisoformat(f"{day.name}T{path.stem.replace('-', ':')}+00:00"),
            path,
        )
        for path in _within(day)
        if NAME.fullmatch(path.name)
    ]
