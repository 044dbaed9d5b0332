"""Read a backup that anyone may have written: nothing in it is trusted.

Only names that a backup has are read, none beyond its size, and each against its hash. That shows
damage and tampering by accident; it is no signature.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from rattle.errors import DataError
from rattle.station.store.backup import contents as stated
from rattle.station.store.backup.contents import Contents
from rattle.station.store.migrate import schemas

READ_BYTES = 1 << 20
# What reads a zip gives up with, on one that is none.
BROKEN = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)


class Reader:
    """Reads members of an archive whose contents were checked, each against its hash."""

    def __init__(self, opened: zipfile.ZipFile, archive: Path, held: Contents) -> None:
        self._opened, self._archive, self.held = opened, archive, held

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield a member piece by piece; raises at its end where it is another than was written."""
        said, sha256 = self.held.members[name], hashlib.sha256()
        try:
            with self._opened.open(name) as member:
                while part := member.read(READ_BYTES):
                    sha256.update(part)
                    yield part
        except (*BROKEN, OSError) as error:
            raise _damaged(self._archive, f"{name} cannot be read") from error
        if sha256.hexdigest() != said.sha256:
            raise _damaged(self._archive, f"{name} is not what was written")

    def damaged(self, why: str) -> DataError:
        """Say what is wrong with it."""
        return _damaged(self._archive, why)


@contextlib.contextmanager
def reading(archive: Path) -> Iterator[Reader]:
    """Open a backup whose list of contents is what is in it; raises ``DataError`` for any other."""
    with _opened(archive) as opened:
        yield Reader(opened, archive, _checked(opened, archive))


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        opened = zipfile.ZipFile(archive)
    except FileNotFoundError:
        raise DataError(f"there is no file {archive}") from None
    except OSError as error:
        raise DataError(f"{archive} cannot be read ({error.strerror or error})") from None
    except BROKEN:
        raise _damaged(archive, "it is no zip, or it was cut off") from None
    with opened:
        yield opened


def _checked(opened: zipfile.ZipFile, archive: Path) -> Contents:
    """Read what an archive says it holds; raises ``DataError`` where it holds anything else."""
    infos = opened.infolist()
    size = archive.stat().st_size
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise _damaged(archive, "a file in it is compressed")
    if sum(info.file_size for info in infos) > size:
        raise _damaged(archive, "its files overlap")
    held = _contents(opened, archive)
    found = {info.filename: info.file_size for info in infos}
    said = {name: member.bytes for name, member in held.members.items()}
    if len(found) != len(infos) or found.keys() != said.keys() | {stated.FILE}:
        raise _damaged(archive, "it holds other files than it says")
    pieces = [name for table in held.tables.values() for name in table.members]
    files = [name for name in said if stated.OF_DATA.fullmatch(name)]
    is_named = all(stated.OF_TABLE.fullmatch(name) for name in pieces)
    if not is_named or sorted([*files, *pieces]) != sorted(said):
        raise _damaged(archive, "it holds a file that is none of a backup's")
    if any(said[name] > stated.MOST_BYTES for name in pieces):
        raise _damaged(archive, "its tables are in too large pieces")
    if any(found[name] != bytes_ for name, bytes_ in said.items()):
        raise _damaged(archive, "the sizes of its files are not those that were written")
    if held.schema_ not in schemas():
        raise DataError(
            f"{archive} was made by a newer version of rattle ({held.rattle}, schema "
            f"{held.schema_}); install that version to restore it"
        )
    return held


def _contents(opened: zipfile.ZipFile, archive: Path) -> Contents:
    try:
        info = opened.getinfo(stated.FILE)
        if info.file_size > stated.MOST_BYTES:
            raise _damaged(archive, f"{stated.FILE} is too large")
        return Contents.model_validate_json(opened.read(info))
    except KeyError:
        raise DataError(
            f"{archive} is no backup of a station: expected {stated.FILE} in it"
        ) from None
    except (ValidationError, OSError, *BROKEN):
        raise _damaged(archive, f"{stated.FILE} is not valid") from None


def _damaged(archive: Path, why: str) -> DataError:
    return DataError(f"{archive} is damaged, or no backup: {why}; take another backup")
