"""Embeddings lie in files by the hour, and survive what happens to the last block."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.errors import StorageError
from rattle.station.records import Embeddings
from rattle.station.store.embedding_files import MAGIC, append, files, hours, read, remove_before

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = "0" * 26


def some(first_s: float = 0.0, windows: int = 60, encoder: str = "e", step_s: float = 1.0):
    ends = NOON.timestamp() + first_s + step_s * np.arange(windows)
    z = (first_s % 3600 + np.arange(windows * 4)).reshape(windows, 4).astype(np.float16)
    return Embeddings(SOURCE, encoder, ends, z)


def everything(folder: Path) -> list[Embeddings]:
    return read(folder, SOURCE, NOON - DAY, NOON + DAY)


def equal(one: Embeddings, other: Embeddings) -> bool:
    return (
        one.encoder == other.encoder
        and one.source_id == other.source_id
        and np.array_equal(one.ends, other.ends)
        and np.array_equal(one.z, other.z)
    )


def test_what_was_kept_is_read_by_the_hour_it_is_of(tmp_path: Path) -> None:
    append(tmp_path, some(3590.0, 20))
    assert [file.relative_to(tmp_path).as_posix() for file in files(tmp_path)] == [
        f"embeddings/{SOURCE}/2026-03-01/12.z",
        f"embeddings/{SOURCE}/2026-03-01/13.z",
    ]
    [found] = everything(tmp_path)
    assert equal(found, some(3590.0, 20))


def test_a_span_begins_at_its_first_moment_and_ends_before_its_last(tmp_path: Path) -> None:
    append(tmp_path, some())
    second = timedelta(seconds=1)
    [found] = read(tmp_path, SOURCE, NOON + 10 * second, NOON + 20 * second)
    np.testing.assert_array_equal(found.ends - NOON.timestamp(), np.arange(10, 20))
    assert read(tmp_path, SOURCE, NOON + 60 * second, NOON + 90 * second) == []
    assert read(tmp_path, "1" * 26, NOON, NOON + DAY) == []


def test_encoders_are_kept_apart_and_what_was_written_twice_is_there_once(tmp_path: Path) -> None:
    for embeddings in (some(60.0), some(), some(60.0), some(encoder="f")):
        append(tmp_path, embeddings)
    one, other = everything(tmp_path)
    assert (one.encoder, other.encoder) == ("e", "f")
    np.testing.assert_array_equal(one.ends - NOON.timestamp(), np.arange(120))
    assert equal(other, some(encoder="f"))


@given(cut=st.integers(1, 10_000), noise=st.binary(max_size=40), has_magic=st.booleans())
@settings(max_examples=100)
def test_after_a_torn_block_reading_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes, has_magic: bool
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    append(folder, some(0))
    append(folder, some(60))
    [file] = files(folder)
    whole = file.read_bytes()
    length = len(whole) // 2
    torn = whole[: -(1 + cut % length)]
    file.write_bytes(torn + noise + (MAGIC if has_magic else b""))
    append(folder, some(120))
    [found] = everything(folder)
    seconds = found.ends - NOON.timestamp()
    np.testing.assert_array_equal(seconds, [*range(60), *range(120, 180)])


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=100)
def test_a_damaged_block_is_left_out_and_never_read_wrong(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    append(folder, some(0))
    [file] = files(folder)
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 1 << bit
    file.write_bytes(content)
    append(folder, some(60))
    [found] = everything(folder)
    assert equal(found, some(60))


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    append(tmp_path, some())
    [file] = files(tmp_path)
    before = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"12\.z cannot be written"):
            append(tmp_path, some(60.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before


def test_hours_that_are_over_go_and_their_empty_folders_too(tmp_path: Path) -> None:
    for hour in (0, 1, 30):
        append(tmp_path, some(hour * 3600.0))
    foreign = tmp_path / "embeddings" / SOURCE / "2026-03-01" / "notes.z"
    remove_before(tmp_path, NOON + timedelta(hours=1))
    left = [
        file.relative_to(tmp_path / "embeddings" / SOURCE).as_posix() for file in files(tmp_path)
    ]
    assert left == ["2026-03-01/13.z", "2026-03-02/18.z"]
    foreign.write_bytes(b"not ours")
    remove_before(tmp_path, NOON + 2 * DAY)
    assert [file.name for file in files(tmp_path)] == ["notes.z"]
    foreign.unlink()
    append(tmp_path, some())
    remove_before(tmp_path, NOON + 2 * DAY)
    assert not (tmp_path / "embeddings" / SOURCE).exists()


def test_hours_that_an_encoder_heard_are_listed_by_time(tmp_path: Path) -> None:
    for first_s in (7200.0, 3590.0, -86_400.0):
        append(tmp_path, some(first_s, 20))
    hour = timedelta(hours=1)
    assert hours(tmp_path, SOURCE, "e", NOON - DAY, NOON + DAY) == [
        NOON - DAY,
        NOON,
        NOON + hour,
        NOON + 2 * hour,
    ]
    assert hours(tmp_path, SOURCE, "e", NOON, NOON + 2 * hour) == [NOON, NOON + hour]
    assert hours(tmp_path, "1" * 26, "e", NOON - DAY, NOON + DAY) == []


def test_of_an_hour_that_another_encoder_heard_only_what_came_first_counts(tmp_path: Path) -> None:
    append(tmp_path, some(0.0, 20))
    append(tmp_path, some(100.0, 20, encoder="later"))
    append(tmp_path, some(3600.0, 20, encoder="later"))
    assert hours(tmp_path, SOURCE, "e", NOON, NOON + DAY) == [NOON]
    assert hours(tmp_path, SOURCE, "later", NOON, NOON + DAY) == [NOON + timedelta(hours=1)]
    assert hours(tmp_path, SOURCE, "late", NOON, NOON + DAY) == []
