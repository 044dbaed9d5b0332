"""Recordings that arrive in a folder are heard once each, in order, over restarts."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.listening.source import Block, SourceLostError
from rattle.station.hear.folder import UNCHANGED_S, WatchedFolder

ENDED = 1_770_000_000.0


class Watched:
    """A folder, and the clock that looks at it."""

    def __init__(self, folder: Path, memory: Path) -> None:
        self.folder, self.now = folder, ENDED + 100
        self.source = WatchedFolder(folder, memory, clock=lambda: self.now)

    def put(self, name: str, ended: float = ENDED, seconds: float = 0.5) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        samples = np.full(round(seconds * 1000), 0.1, np.float32)
        sf.write(path, samples, 1000, subtype="PCM_16")
        os.utime(path, (ended, ended))
        return path

    def hear(self) -> list[Block]:
        return list(self.source.connect().blocks())

    def names(self) -> list[str]:
        return [block.gap.removesuffix(" begins") for block in self.hear() if block.gap]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "in").mkdir()
    return Watched(tmp_path / "in", tmp_path / "data" / "heard.jsonl")


def test_each_is_heard_once_in_the_order_in_which_they_ended(watched: Watched) -> None:
    watched.put("b.wav", ENDED + 5)
    watched.put("c.wav", ENDED)
    watched.put("a.wav", ENDED + 5)
    watched.put("day/d.wav", ENDED + 1)
    assert watched.names() == ["c.wav", "day/d.wav", "a.wav", "b.wav"]
    assert watched.names() == []
    watched.put("e.wav", ENDED + 9)
    assert watched.names() == ["e.wav"]


def test_a_recording_ends_when_it_was_changed_last(watched: Watched) -> None:
    watched.put("a.wav", ENDED, seconds=2.5)
    blocks = watched.hear()
    assert blocks[-1].at == datetime.fromtimestamp(ENDED, UTC)
    assert sum(block.seconds for block in blocks) == 2.5


def test_recordings_that_were_copied_together_lie_one_after_another(watched: Watched) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        watched.put(name, seconds=2.0)
    watched.put("early.wav", ENDED - 5, seconds=2.0)
    ends = [block.at.timestamp() - ENDED for block in watched.hear() if block.at is not None]
    assert ends == [-6.0, -4.0, -2.0, 0.0]


def test_one_that_is_still_written_is_heard_once_it_was_left_alone(watched: Watched) -> None:
    path = watched.put("a.wav", watched.now)
    assert watched.names() == []
    watched.now += 1
    with path.open("ab") as file:
        file.write(bytes(2000))
    os.utime(path, (watched.now, watched.now))
    watched.now += 1.5
    assert watched.names() == []
    watched.now += UNCHANGED_S
    watched.put("a.wav", watched.now)
    assert watched.names() == []
    watched.now += UNCHANGED_S
    assert watched.names() == ["a.wav"]


def test_one_from_a_clock_ahead_of_ours_is_heard_once_its_size_stays(watched: Watched) -> None:
    watched.put("a.wav", watched.now + 3600)
    assert watched.names() == []
    watched.now += UNCHANGED_S
    assert watched.names() == ["a.wav"]


def test_what_was_heard_is_remembered_over_a_restart_and_the_folder_is_left_alone(
    watched: Watched, tmp_path: Path
) -> None:
    watched.put("a.wav")
    assert watched.names() == ["a.wav"]
    again = Watched(watched.folder, tmp_path / "data" / "heard.jsonl")
    assert again.names() == []
    again.put("a.wav", ENDED + 50, seconds=0.7)
    assert again.names() == ["a.wav"]
    assert sorted(path.name for path in watched.folder.iterdir()) == ["a.wav"]


def test_one_that_was_not_heard_to_its_end_is_heard_again(watched: Watched, tmp_path: Path) -> None:
    watched.put("a.wav", seconds=3)
    connection = watched.source.connect()
    next(iter(connection.blocks()))
    again = Watched(watched.folder, tmp_path / "data" / "heard.jsonl")
    assert again.names() == ["a.wav"]


def test_one_that_cannot_be_read_is_said_once_and_the_others_are_heard(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    bad = watched.folder / "a.wav"
    bad.write_bytes(b"no sound at all" * 100)
    os.utime(bad, (ENDED, ENDED))
    watched.put("b.wav", ENDED + 1)
    assert watched.names() == ["b.wav"]
    assert watched.names() == []
    [record] = caplog.records
    assert str(bad) in record.message


def test_what_is_no_recording_is_none(watched: Watched) -> None:
    (watched.folder / "notes.txt").write_text("hello")
    (watched.folder / ".hidden.wav").write_bytes(b"")
    assert watched.names() == []


def test_a_folder_that_is_not_there_is_a_lost_source(tmp_path: Path) -> None:
    source = WatchedFolder(tmp_path / "gone", tmp_path / "heard.jsonl")
    with pytest.raises(SourceLostError, match=r"there is no folder .*gone; make it, or mount"):
        list(source.connect().blocks())


def test_a_damaged_memory_costs_a_line_and_no_more(
    watched: Watched, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched.put("a.wav")
    watched.put("b.wav", ENDED + 1)
    assert len(watched.names()) == 2
    memory = tmp_path / "data" / "heard.jsonl"
    lines = memory.read_text().splitlines()
    memory.write_text(lines[0] + "\n" + lines[1][:9])
    again = Watched(watched.folder, memory)
    assert again.names() == ["b.wav"]
    assert "a line is damaged" in caplog.text


def test_what_left_the_folder_is_forgotten(watched: Watched, tmp_path: Path) -> None:
    watched.put("a.wav")
    watched.put("b.wav")
    assert watched.names() == ["a.wav", "b.wav"]
    (watched.folder / "a.wav").unlink()
    again = Watched(watched.folder, tmp_path / "data" / "heard.jsonl")
    assert again.names() == []
    assert "a.wav" not in (tmp_path / "data" / "heard.jsonl").read_text()


def test_a_disk_that_is_not_mounted_yet_makes_nothing_forgotten(
    watched: Watched, tmp_path: Path
) -> None:
    watched.put("a.wav")
    assert watched.names() == ["a.wav"]
    mounted = watched.folder.rename(tmp_path / "elsewhere")
    watched.folder.mkdir()
    again = Watched(watched.folder, tmp_path / "data" / "heard.jsonl")
    assert again.names() == []
    watched.folder.rmdir()
    mounted.rename(watched.folder)
    assert again.names() == []


def test_where_it_cannot_be_written_down_all_is_heard_once_and_written_down_later(
    watched: Watched, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # No folder can be made where a file lies, as none can on a disk that is full.
    (tmp_path / "data").write_text("")
    for name in ("a.wav", "b.wav"):
        watched.put(name)
    assert watched.names() == ["a.wav", "b.wav"]
    assert watched.names() == []
    assert caplog.text.count("is heard again after a restart") == 1
    (tmp_path / "data").unlink()
    watched.put("c.wav")
    assert watched.names() == ["c.wav"]
    again = Watched(watched.folder, tmp_path / "data" / "heard.jsonl")
    assert again.names() == []
