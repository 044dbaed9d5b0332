"""Unpack what a worker sent: a zip of a bundle, and of what two encoders made of the sound."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rattle.errors import DataError
from rattle.station.learn.pieces import Made, read_made

BUNDLE, HEARD = "bundle.rattle", "heard.npz"


@dataclass(frozen=True)
class Sent:
    """The bundle's file, and what it and the one before make of sound."""

    bundle: Path
    made: Made


@contextlib.contextmanager
def unpacked(upload: Path) -> Iterator[Sent]:
    """Give what is in a file that was sent; ``DataError`` where it is something else."""
    with tempfile.TemporaryDirectory(dir=upload.parent, prefix=".sent-") as folder:
        bundle, heard = Path(folder) / BUNDLE, Path(folder) / HEARD
        try:
            with zipfile.ZipFile(upload) as archive:
                for path in (bundle, heard):
                    with archive.open(path.name) as member, path.open("wb") as file:
                        shutil.copyfileobj(member, file)
        except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as error:
            raise DataError(f"what was sent cannot be read: {error}") from None
        yield Sent(bundle, read_made(heard))
