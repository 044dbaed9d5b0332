"""Unpack a zip that came over the network, trusting nothing in it."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rattle.errors import DownloadError

# The largest archive of DCASE 2020 Task 2 holds some 6,500 files and 2.3 GB.
MAX_MEMBERS = 20_000
MAX_BYTES = 8 << 30


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into ``folder``, which must not exist, after every member passed inspection.

    Refuses absolute paths, ``..``, links, encryption, a name twice, more members or bytes than
    the bounds above, and more bytes than the disk has free. A member never unpacks to more than
    it declares, and its checksum must agree.

    Raises ``DownloadError``; nothing remains of ``folder`` then, or of an interrupted run.
    """
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as zip_:
            members = zip_.infolist()
            _inspect(archive, members, free_bytes=shutil.disk_usage(folder).free)
            for member in members:
                target = folder / member.filename
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with zip_.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        shutil.rmtree(folder)
        raise DownloadError(
            f"{archive}: cannot be unpacked ({error}); if the disk has room, delete the archive "
            "and run the command again"
        ) from error
    except BaseException:
        shutil.rmtree(folder)
        raise


def _inspect(archive: Path, members: list[zipfile.ZipInfo], *, free_bytes: int) -> None:
    if len(members) > MAX_MEMBERS:
        raise DownloadError(f"{archive}: {len(members)} members, at most {MAX_MEMBERS} expected")
    for member in members:
        fault = _fault(member)
        if fault:
            raise DownloadError(f"{archive}: member {member.filename!r} {fault}; not unpacked")
    if len({member.filename for member in members}) < len(members):
        raise DownloadError(f"{archive}: holds a name twice; not unpacked")
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise DownloadError(f"{archive}: unpacks to {total} bytes, at most {MAX_BYTES} expected")
    if total > free_bytes:
        raise DownloadError(
            f"{archive}: unpacks to {total} bytes, {free_bytes} are free on the disk; make room"
        )


def _fault(member: zipfile.ZipInfo) -> str | None:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or "\\" in member.filename or ":" in member.filename:
        return "is an absolute path or one of another system"
    if ".." in path.parts or not path.parts:
        return "leads out of the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.flag_bits & 0x1:
        return "is encrypted"
    return None
