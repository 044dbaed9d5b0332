"""A station that runs keeps normal sound, on real threads and files, until an alarm begins."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import soundfile
from plant_kit import (
    RATE_HZ,
    Given,
    between,
    incident,
    plant_file,
    remember_minutes,
    started,
    waited_for,
)

from rattle.station.store import kept_sound
from rattle.station.store.backup import back_up
from rattle.station.store.kept_sound import KeptPiece

MINUTES = 32


def test_a_piece_of_every_ten_minutes_lies_where_it_was_heard_and_comes_into_a_backup(
    tmp_path: Path, exported_file: Path, healthy: np.ndarray, odd: np.ndarray
) -> None:
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = started(file, source)
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=MINUTES + 2)
    sound = np.resize(healthy, MINUTES * 60 * RATE_HZ)
    try:
        ended = source.put(sound, began)
        source.put(np.resize(odd, 40 * RATE_HZ), ended)
        waited_for(lambda: incident(plant))
        (mic,) = plant.board.sources()
        pieces = waited_for(lambda: _three(kept_sound.pieces(file.data, mic, began, ended)))
    finally:
        plant.stop()
    assert len(kept_sound.pieces(file.data, mic, began, datetime.now(UTC))) == 3
    for number, piece in enumerate(pieces):
        samples, rate_hz = soundfile.read(piece.path, dtype="float32")
        assert (len(samples), rate_hz) == (10 * RATE_HZ, RATE_HZ)
        place_s = (piece.begins - began).total_seconds()
        assert number * 600 <= place_s <= number * 600 + 590
        assert piece.begins + timedelta(seconds=10) <= ended
        # To the millisecond that its name says.
        first = round(place_s * RATE_HZ)
        near = [np.abs(sound[first + n :][: len(samples)] - samples).max() for n in range(17)]
        assert min(near) < 2e-5
    into = tmp_path / "hall.zip"
    back_up("sqlite", file.data, "hall", into, datetime.now(UTC), lambda *_: None)
    with zipfile.ZipFile(into) as archive:
        held = {name for name in archive.namelist() if name.startswith("kept/")}
    assert held == {piece.path.relative_to(file.data).as_posix() for piece in pieces}


def _three(pieces: list[KeptPiece]) -> list[KeptPiece]:
    return pieces if len(pieces) >= 3 else []
