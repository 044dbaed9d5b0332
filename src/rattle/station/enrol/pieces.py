"""Keep the recordings of a machine that is being enrolled: pieces as FLAC, a line beside each.

    DATA/enrolling/ID/20261126T191530.250.flac      ten seconds
    DATA/enrolling/ID/pieces.jsonl                  what was measured of each, kept or not

A piece is written before its line, so that whatever a line names is there. A line that a killed
station did not finish is as if it were none. What reaches its bound ends: nothing is overwritten.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from rattle.atomic import replacing, writing
from rattle.station.config.amounts import shown_bytes
from rattle.station.enrol.piece import Piece, Samples
from rattle.station.store.flac import SUFFIX, rounded
from rattle.station.store.sound_files import SPARE_BYTES

FOLDER = "enrolling"
LINES = "pieces.jsonl"
MOST_S = 3600.0
MOST_BYTES = 600_000_000


class Pieces:
    """The pieces in a folder, in the order of time; one writes, others read ``all``."""

    def __init__(self, folder: Path, *, spare_bytes: int = SPARE_BYTES) -> None:
        self.folder, self._spare_bytes = folder, spare_bytes
        self.all: tuple[Piece, ...] = _read(folder)
        self._bytes = sum((folder / piece.file).stat().st_size for piece in self.all if piece.file)

    @property
    def seconds(self) -> float:
        """How much was heard, kept or not."""
        return sum(piece.seconds for piece in self.all)

    def refusal(self) -> str:
        """Say why nothing more is recorded; "" where it is."""
        if self.seconds >= MOST_S:
            return f"{MOST_S / 60:.0f} minutes were recorded, which is as much as is kept"
        if self._bytes >= MOST_BYTES:
            return f"{shown_bytes(MOST_BYTES)} were recorded, which is as much as is kept"
        free = shutil.disk_usage(self.folder if self.folder.exists() else Path("/")).free
        if free < self._spare_bytes:
            return f"only {free / 1e6:.0f} MB of the disk are free; make room"
        return ""

    def add(self, piece: Piece, samples: Samples, sample_rate_hz: int, *, keep: bool) -> Piece:
        """Write a piece, its sound ``[T, channels]`` only where it is to be kept.

        Raises ``StorageError`` where it cannot be written, ``ClipError`` where FLAC cannot hold it.
        """
        if keep:
            name = self._free_name(piece.at)
            encoded = rounded(samples).encoded(sample_rate_hz)
            with replacing(self.folder / name) as beside:
                self._bytes += beside.write_bytes(encoded)
            piece = replace(piece, file=name)
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / LINES).open("a", encoding="utf-8") as lines:
                # A new line first: a killed station may not have finished the one before.
                lines.write(f"\n{piece.line()}")
        self.all = (*self.all, piece)
        return piece

    def _free_name(self, at: datetime) -> str:
        """Name a piece by when it begins, or by the next millisecond that no other is named by.

        Two pieces begin at once where sound is pushed faster than it was made, or is copied.
        """
        while (self.folder / (name := f"{at:%Y%m%dT%H%M%S.%f}"[:-3] + SUFFIX)).exists():
            at += timedelta(milliseconds=1)
        return name

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.all = ()


def _read(folder: Path) -> tuple[Piece, ...]:
    path = folder / LINES
    if not path.exists():
        return ()
    with writing(path):
        lines = path.read_text(encoding="utf-8").splitlines()
    pieces = [piece for line in lines if (piece := Piece.of_line(line)) is not None]
    return tuple(
        piece if not piece.file or (folder / piece.file).is_file() else replace(piece, file="")
        for piece in pieces
    )
