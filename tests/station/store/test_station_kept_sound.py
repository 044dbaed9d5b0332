"""Normal sound is kept in a file a piece, found by time, and goes by age."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up_heard import NOW
from rattle.errors import ClipError, StorageError
from rattle.station.records import NormalHeard
from rattle.station.store import kept_sound
from rattle.station.store.kept_sound import KeptAmount, KeptPiece

SOURCE, OTHER = "S" * 26, "T" * 26
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def heard(at: datetime = NOW, source: str = SOURCE, seconds: float = 0.1) -> NormalHeard:
    samples = np.random.default_rng(0).normal(0, 0.1, (round(16_000 * seconds), 2))
    steps = np.rint(samples * 32768) / 32768
    return NormalHeard(source, at, 16_000, steps.astype(np.float32))


def all_of(folder: Path, source: str = SOURCE) -> list[KeptPiece]:
    return kept_sound.pieces(folder, source, NOW - 9 * DAY, NOW + 9 * DAY)


def test_a_piece_is_read_as_it_was_heard_and_lies_where_its_time_says(tmp_path: Path) -> None:
    piece = heard(NOW + timedelta(microseconds=250_400))
    kept_sound.keep(tmp_path, piece)
    [kept] = all_of(tmp_path)
    assert kept == KeptPiece(
        SOURCE,
        NOW + timedelta(microseconds=250_000),
        tmp_path / "kept" / SOURCE / "2026-03-01" / "12-00-00.250.flac",
    )
    samples, rate_hz = sf.read(kept.path, dtype="float32")
    assert rate_hz == 16_000
    np.testing.assert_array_equal(samples, piece.samples)


def test_one_that_is_told_twice_is_there_once(tmp_path: Path) -> None:
    kept_sound.keep(tmp_path, heard())
    kept_sound.keep(tmp_path, heard())
    assert len(all_of(tmp_path)) == 1


@given(
    places=st.lists(st.integers(0, 4 * 86_400), max_size=8),
    begin=st.integers(0, 4 * 86_400),
    length=st.integers(-5, 3 * 86_400),
    zone=st.integers(-12, 12),
)
@settings(max_examples=40)
def test_pieces_are_those_that_begin_within_by_time_in_any_time_zone(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], begin: int, length: int, zone: int
) -> None:
    folder = tmp_path_factory.mktemp("data")
    for place in places:
        kept_sound.keep(folder, heard(NOW + place * SECOND, seconds=0.01))
    kept_sound.keep(folder, heard(NOW, OTHER))
    here = timezone(timedelta(hours=zone))
    first = (NOW + begin * SECOND).astimezone(here)
    found = kept_sound.pieces(folder, SOURCE, first, first + length * SECOND)
    expected = sorted({place for place in places if begin <= place < begin + length})
    assert [piece.begins for piece in found] == [NOW + place * SECOND for place in expected]


def test_of_a_source_that_kept_nothing_there_is_none(tmp_path: Path) -> None:
    assert all_of(tmp_path) == []
    assert kept_sound.newest(tmp_path, SOURCE) is None
    assert kept_sound.amount(tmp_path) == KeptAmount()
    assert kept_sound.count_of(tmp_path, SOURCE) == (0, None)
    kept_sound.remove_before(tmp_path, NOW)


def test_what_else_lies_there_is_no_piece(tmp_path: Path) -> None:
    kept_sound.keep(tmp_path, heard())
    [kept] = all_of(tmp_path)
    for name in (".12-00-00.250.flac.x.part", "notes.txt", "x.flac", "12-00-61.000.flac"):
        (kept.path.parent / name).write_bytes(b"x")
    (kept.path.parent.parent / "lost+found").mkdir()
    (kept.path.parent.parent / "2026-02-28").write_bytes(b"x")
    assert all_of(tmp_path) == [kept]
    assert kept_sound.amount(tmp_path).pieces == 1


def test_how_much_there_is_counts_all_sources(tmp_path: Path) -> None:
    for place, source in ((3, SOURCE), (1, SOURCE), (2, OTHER)):
        kept_sound.keep(tmp_path, heard(NOW + place * DAY, source))
    files = [*tmp_path.rglob("*.flac")]
    size = sum(file.stat().st_size for file in files)
    assert kept_sound.amount(tmp_path) == KeptAmount(3, size, NOW + DAY)
    assert kept_sound.count_of(tmp_path, SOURCE) == (2, NOW + DAY)
    newest = kept_sound.newest(tmp_path, SOURCE)
    assert newest is not None
    assert newest.begins == NOW + 3 * DAY


def test_what_is_older_goes_and_the_newest_stays(tmp_path: Path) -> None:
    for hours in (0, 11, 12, 13, 30):
        kept_sound.keep(tmp_path, heard(NOW + timedelta(hours=hours)))
    kept_sound.keep(tmp_path, heard(NOW, OTHER))
    half = tmp_path / "kept" / SOURCE / "2026-03-01" / ".12-00-00.000.flac.x.part"
    half.write_bytes(b"killed")
    kept_sound.remove_before(tmp_path, NOW + timedelta(hours=12, minutes=30))
    assert [piece.begins - NOW for piece in all_of(tmp_path)] == [
        timedelta(hours=13),
        timedelta(hours=30),
    ]
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {SOURCE}
    assert not half.exists()


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="9 channels"):
        kept_sound.keep(tmp_path, NormalHeard(SOURCE, NOW, 16_000, np.zeros((9, 9), np.float32)))
    (tmp_path / "kept").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        kept_sound.keep(tmp_path, heard())


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    kept_sound.keep(tmp_path, heard())
    loop = tmp_path / "kept" / SOURCE / "2026-03-02"
    loop.symlink_to(loop)  # for root, too, there is no reading this
    for asked in (all_of, kept_sound.amount, lambda data: kept_sound.count_of(data, SOURCE)):
        with pytest.raises(StorageError, match="2026-03-02 cannot be read"):
            asked(tmp_path)
