"""A machine is recorded piece by piece, and goes on after whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from enrol_kit import BEGIN, PIECE_S, RATE_HZ, noise, spoken

from rattle.listening.source import Block
from rattle.recipe.parts import Audio
from rattle.station.enrol import pieces as pieces_module
from rattle.station.enrol.piece import Piece, Samples
from rattle.station.enrol.pieces import LINES, Pieces
from rattle.station.enrol.recording import Heard, Recording


def recording(
    folder: Path, tell: Callable[[Heard, Piece | None], None] = lambda *_: None, **given: bool
) -> Recording:
    keeps = given.get("keeps_speech", False)
    pieces = Pieces(folder / "01", spare_bytes=0)
    return Recording("mic", pieces, Audio(), piece_s=PIECE_S, keeps_speech=keeps, tell=tell)


def hear(into: Recording, sound: Samples, begin_s: float = 0.0, block_s: float = 0.25) -> None:
    length = round(block_s * RATE_HZ)
    for start in range(0, len(sound), length):
        samples = sound[start : start + length, None]
        at = BEGIN + timedelta(seconds=begin_s + (start + len(samples)) / RATE_HZ)
        into.push(Block(samples, RATE_HZ), at)


def test_ten_seconds_are_a_file_and_a_line(tmp_path: Path) -> None:
    sound = noise(25)
    hear(recording(tmp_path), sound)
    one, other = Pieces(tmp_path / "01").all
    assert (one.at, other.at) == (BEGIN, BEGIN + timedelta(seconds=10))
    kept, rate_hz = soundfile.read(tmp_path / "01" / other.file, dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(kept, sound[160_000:320_000], atol=2**-16)


def test_it_does_not_matter_how_sound_is_cut_into_blocks(tmp_path: Path) -> None:
    for name, block_s in (("a", 0.25), ("b", 0.071), ("c", 40.0)):
        hear(recording(tmp_path / name), noise(40), block_s=block_s)
    a, b, c = (Pieces(tmp_path / name / "01").all for name in "abc")
    assert a == b == c


def test_pieces_that_came_at_once_are_all_kept(tmp_path: Path) -> None:
    into = recording(tmp_path)
    sounds = [noise(10, seed=seed) for seed in range(3)]
    for sound in sounds:
        into.push(Block(sound[:, None], RATE_HZ), BEGIN)
    pieces = Pieces(tmp_path / "01").all
    assert len({piece.at for piece in pieces}) == 1
    for piece, sound in zip(pieces, sounds, strict=True):
        kept, _ = soundfile.read(tmp_path / "01" / piece.file, dtype="float32")
        np.testing.assert_allclose(kept, sound, atol=2**-16)


def test_no_piece_spans_a_gap(tmp_path: Path) -> None:
    into = recording(tmp_path)
    hear(into, noise(15))
    into.lost("the camera does not answer", BEGIN + timedelta(seconds=20))
    assert into.now.state == "lost"
    hear(into, noise(15, seed=1), begin_s=60)
    assert [piece.at for piece in Pieces(tmp_path / "01").all] == [
        BEGIN,
        BEGIN + timedelta(seconds=60),
    ]
    assert into.now.state == "live"


def test_what_ends_at_a_gap_is_a_piece_where_it_is_long_enough(tmp_path: Path) -> None:
    into = recording(tmp_path)
    for number, seconds in enumerate((8.0, 7.0, 14.0, 19.0)):
        hear(into, noise(seconds, seed=number), begin_s=60 * number)
        into.waiting("waits for recordings", BEGIN + timedelta(seconds=60 * number + 30))
    lengths = [piece.seconds for piece in Pieces(tmp_path / "01").all]
    assert lengths == [8.0, 10.0, 10.0, 9.0]


def test_a_restart_goes_on_behind_what_was_recorded(tmp_path: Path) -> None:
    hear(recording(tmp_path), noise(30))
    lines = tmp_path / "01" / LINES
    # Killed while it wrote.
    lines.write_text(lines.read_text() + '\n{"at": "2026-03-01T08:')
    hear(recording(tmp_path), noise(20, seed=1), begin_s=100)
    assert len(Pieces(tmp_path / "01").all) == 5


def test_a_file_that_is_gone_is_no_recording_any_more(tmp_path: Path) -> None:
    hear(recording(tmp_path), noise(20))
    (tmp_path / "01" / Pieces(tmp_path / "01").all[0].file).unlink()
    assert [bool(piece.file) for piece in Pieces(tmp_path / "01").all] == [False, True]


def test_it_ends_at_its_bound_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "MOST_S", 30.0)
    said: list[str] = []
    into = recording(tmp_path, lambda now, _: said.append(now.state))
    hear(into, noise(60))
    assert len(Pieces(tmp_path / "01").all) == 3
    assert into.now.state == said[-1] == "full"
    assert "as much as is kept" in into.now.reason


@pytest.mark.parametrize("keeps", [False, True])
def test_speech_is_kept_only_where_the_plant_keeps_it(tmp_path: Path, keeps: bool) -> None:
    sound, voice = noise(20, -50), spoken(tmp_path)
    sound[: len(voice)] += voice
    hear(recording(tmp_path, keeps_speech=keeps), sound)
    first = Pieces(tmp_path / "01").all[0]
    assert first.has_speech
    assert bool(first.file) == keeps


def test_what_is_not_fit_is_measured_and_not_kept(tmp_path: Path) -> None:
    hear(recording(tmp_path), np.zeros(10 * RATE_HZ, np.float32))
    (piece,) = Pieces(tmp_path / "01").all
    assert piece.fault.startswith("silent")
    assert not piece.file


def test_the_page_hears_each_second_and_each_piece(tmp_path: Path) -> None:
    told: list[tuple[float | None, bool]] = []
    into = recording(tmp_path, lambda now, piece: told.append((now.level_db, piece is not None)))
    hear(into, noise(10))
    assert len([level for level, _ in told if level is not None]) >= 10
    assert [is_piece for _, is_piece in told].count(True) == 1


def test_what_was_removed_leaves_nothing(tmp_path: Path) -> None:
    hear(recording(tmp_path), noise(10))
    Pieces(tmp_path / "01").remove()
    assert not (tmp_path / "01").exists()
