"""A file or folder that is being replaced is there in full or not at all."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from rattle.atomic import (
    ABANDONED_AFTER_S,
    FOLDER_ABANDONED_AFTER_S,
    replacing,
    replacing_folder,
    write_text,
)
from rattle.errors import StorageError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    with replacing(path) as beside:
        beside.write_text("half")
        assert not path.exists()
        assert beside.parent == path.parent
    assert path.read_text() == "half"
    assert names(path.parent) == ["file"]


def break_off(path: Path) -> None:
    with replacing(path) as beside:
        beside.write_text("ne")
        raise KeyError("in the middle")


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyError, match="in the middle"):
        break_off(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_two_writers_do_not_meet_and_the_last_to_finish_wins(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as first:
        first.write_text("first")
        with replacing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert names(tmp_path) == ["file"]


def test_a_finished_file_is_readable_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "text")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_text_is_utf_8_with_its_line_ends_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "Lüfter\nPumpe\n")
    assert (tmp_path / "file").read_bytes() == b"L\xc3\xbcfter\nPumpe\n"


def test_what_keeps_a_file_from_being_written_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match=r"file/below cannot be written \(File exists\); make"):
        write_text(tmp_path / "file" / "below", "text")


def test_what_killed_processes_left_of_a_file_goes_in_time(tmp_path: Path) -> None:
    for name in (".file.old.part", ".file.new.part", ".other.old.part", "file.old.part"):
        (tmp_path / name).touch()
        if "old" in name:
            long_ago = time.time() - ABANDONED_AFTER_S - 10
            os.utime(tmp_path / name, (long_ago, long_ago))
    write_text(tmp_path / "file", "text")
    assert names(tmp_path) == [".file.new.part", ".other.old.part", "file", "file.old.part"]


def test_the_folder_appears_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    with replacing_folder(path) as beside:
        (beside / "file").write_text("half")
        assert not path.exists()
        assert beside.parent == path.parent
    assert names(path) == ["file"]
    assert names(path.parent) == ["folder"]
    assert path.stat().st_mode & 0o777 == 0o755


def fill_and_break_off(path: Path, error: BaseException) -> None:
    with replacing_folder(path) as beside:
        (beside / "file").write_text("half")
        raise error


def test_an_error_leaves_no_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="in the middle"):
        fill_and_break_off(tmp_path / "folder", KeyError("in the middle"))
    with pytest.raises(StorageError, match=r"folder cannot be written \(No space left on device\)"):
        fill_and_break_off(tmp_path / "folder", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert names(tmp_path) == []


def test_of_two_that_fill_a_folder_at_once_the_first_to_finish_wins(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with replacing_folder(path) as slow:
        (slow / "file").write_text("slow")
        with replacing_folder(path) as quick:
            (quick / "file").write_text("quick")
    assert (path / "file").read_text() == "quick"
    assert names(tmp_path) == ["folder"]


def test_a_file_in_the_way_of_a_folder_is_told_and_left(tmp_path: Path) -> None:
    path = tmp_path / "name"
    path.write_text("a file")
    with (
        pytest.raises(StorageError, match=r"name cannot be written \(Not a directory\)"),
        replacing_folder(path),
    ):
        pass
    assert path.read_text() == "a file"
    assert names(tmp_path) == ["name"]


def test_folders_that_killed_processes_left_go_in_time(tmp_path: Path) -> None:
    for name in (".filling-old", ".filling-new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        if "old" in name:
            long_ago = time.time() - FOLDER_ABANDONED_AFTER_S - 10
            os.utime(tmp_path / name, (long_ago, long_ago))
    with replacing_folder(tmp_path / "folder"):
        pass
    assert names(tmp_path) == [".filling-new", "folder", "old"]
