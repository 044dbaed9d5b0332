"""Keep embeddings in a file an hour: ``embeddings/SOURCE_ID/2026-03-01/12.z``.

A file is blocks, one after another; nothing in it is ever changed:

    magic  encoder's length  n  D  checksum | encoder's hash | ends float64 [n] | z float16 [n, D]

A station that is killed leaves half a block at most. Reading looks for the next whole one after it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.atomic import writing
from rattle.errors import ClipError
from rattle.station.records import Embeddings

FOLDER = "embeddings"
SUFFIX = ".z"
MAGIC = b"\x93rz1"
HEADER = struct.Struct("<4sHIII")
HOUR_S = 3600
HOUR = timedelta(hours=1)


def append(folder: Path, embeddings: Embeddings) -> None:
    """Add embeddings to the files of their hours, below the data ``folder``.

    Raises ``StorageError`` where one cannot be written; it is then as it was before.
    """
    ends = np.asarray(embeddings.ends, "<f8")
    hours = np.floor(ends / HOUR_S).astype(np.int64)
    for hour in np.unique(hours):
        chosen = hours == hour
        block = _block(embeddings.encoder, ends[chosen], embeddings.z[chosen])
        _append(_path(folder, embeddings.source_id, int(hour)), block)


def read(folder: Path, source_id: str, begin: datetime, end: datetime) -> list[Embeddings]:
    """Read a source's embeddings whose windows end in ``[begin, end)``, by time.

    Those of each encoder on their own; one that was written twice is there once. Raises
    ``ClipError`` where a file cannot be read.
    """
    by_encoder: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float16]]]] = {}
    first, last = begin.timestamp(), end.timestamp()
    for hour in range(int(first // HOUR_S), int(-(-last // HOUR_S))):
        for block in _blocks(_path(folder, source_id, hour)):
            inside = (block.ends >= first) & (block.ends < last)
            if inside.any():
                pieces = by_encoder.setdefault(block.encoder, [])
                pieces.append((block.ends[inside], block.z[inside]))
    return [_joined(source_id, encoder, pieces) for encoder, pieces in sorted(by_encoder.items())]


def hours(
    folder: Path, source_id: str, encoder: str, begin: datetime, end: datetime
) -> list[datetime]:
    """List the hours in ``[begin, end)`` that a source was heard by an encoder, by time.

    Those whose file begins with it: what was embedded later stands behind.
    """
    kept = sorted((folder / FOLDER / source_id).glob(f"*/*{SUFFIX}"))
    starts = [(hour, file) for file in kept if (hour := _hour_of(file)) is not None]
    return [hour for hour, file in starts if begin <= hour < end and _begins_with(file, encoder)]


def remove_before(folder: Path, when: datetime) -> None:
    """Remove the files of hours that were over by then."""
    for file in files(folder):
        hour = _hour_of(file)
        if hour is not None and hour + HOUR <= when:
            file.unlink()
            for above in (file.parent, file.parent.parent):
                with contextlib.suppress(OSError):  # there is more in it
                    above.rmdir()


def files(folder: Path) -> Iterator[Path]:
    """Go over all files of embeddings."""
    yield from sorted((folder / FOLDER).glob(f"*/*/*{SUFFIX}"))


def size_bytes(folder: Path) -> int:
    """Say how much they take."""
    return sum(file.stat().st_size for file in files(folder))


def _path(folder: Path, source_id: str, hour: int) -> Path:
    at = datetime.fromtimestamp(hour * HOUR_S, UTC)
    return folder / FOLDER / source_id / f"{at:%Y-%m-%d}" / f"{at:%H}{SUFFIX}"


def _hour_of(file: Path) -> datetime | None:
    with contextlib.suppress(ValueError):
        at = datetime.strptime(f"{file.parent.name} {file.stem}", "%Y-%m-%d %H")
        return at.replace(tzinfo=UTC)
    return None


def _begins_with(path: Path, encoder: str) -> bool:
    try:
        with path.open("rb") as file:
            header, name = file.read(HEADER.size), file.read(len(encoder.encode()))
    except OSError:  # it is gone; who reads it says what else is wrong
        return False
    if len(header) < HEADER.size:
        return False
    magic, name_length, *_ = HEADER.unpack(header)
    return (magic, name_length, name) == (MAGIC, len(encoder.encode()), encoder.encode())


def _block(encoder: str, ends: NDArray[np.float64], z: NDArray[np.float16]) -> bytes:
    name = encoder.encode()
    content = name + ends.tobytes() + np.ascontiguousarray(z, "<f2").tobytes()
    numbers = (len(name), *z.shape)
    return HEADER.pack(MAGIC, *numbers, _checksum(numbers, content)) + content


def _checksum(numbers: tuple[int, ...], content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(repr(numbers).encode()))


def _append(path: Path, block: bytes) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            try:
                written = file.write(block)
                if written != len(block):  # the disk had room for a part
                    file.write(block[written:])
            except OSError:
                file.truncate(before)
                raise


def _blocks(path: Path) -> Iterator[Embeddings]:
    """Read the whole blocks of a file, if it is there."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror})") from error
    source_id = path.parent.parent.name
    place = content.find(MAGIC)
    while place >= 0:
        block, end = _block_at(content, place, source_id)
        if block is not None:
            yield block
        place = content.find(MAGIC, end)


def _block_at(content: bytes, place: int, source_id: str) -> tuple[Embeddings | None, int]:
    """Read the block that begins there, None where it is not whole; and where to look next."""
    header = content[place : place + HEADER.size]
    if len(header) < HEADER.size:
        return None, len(content)
    _, name_length, count, width, checksum = HEADER.unpack(header)
    begin = place + HEADER.size
    ends_at = begin + name_length
    z_at = ends_at + 8 * count
    end = z_at + 2 * count * width
    numbers = (name_length, count, width)
    if end > len(content) or _checksum(numbers, content[begin:end]) != checksum:
        return None, place + 1
    ends = np.frombuffer(content, "<f8", count, ends_at)
    z = np.frombuffer(content, "<f2", count * width, z_at).reshape(count, width)
    return Embeddings(source_id, content[begin:ends_at].decode(), ends, z), end


def _joined(
    source_id: str,
    encoder: str,
    pieces: list[tuple[NDArray[np.float64], NDArray[np.float16]]],
) -> Embeddings:
    ends, places = np.unique(np.concatenate([ends for ends, _ in pieces]), return_index=True)
    z = np.concatenate([z for _, z in pieces])
    return Embeddings(source_id, encoder, ends, z[places])
