"""Locks: one process at a time, and a killed one keeps nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rattle.errors import HeldError, StorageError
from rattle.locked import locked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

HOLD = """
import sys
from pathlib import Path
from rattle.locked import locked
with locked(Path(sys.argv[1]), "a training"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rattle.locked.PATIENCE_S", 0.2)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of ``tmp_path / "run"``."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_has_it(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with pytest.raises(HeldError) as refused, locked(tmp_path / "run", "a training"):
        pass
    said = str(refused.value)
    assert said.startswith(f"{tmp_path / 'run'}: a training goes on there already, by process ")
    assert f"process {holder.pid} on " in said
    with locked(tmp_path / "other", "a training"):
        pass


def test_what_a_killed_process_held_is_free(
    holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=60)
    assert (tmp_path / ".run.lock").exists()
    with locked(tmp_path / "run", "a training"):
        pass
    assert [*tmp_path.iterdir()] == []


def test_one_that_ends_soon_is_waited_for(
    holder: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.locked.PATIENCE_S", 60.0)
    threading.Timer(0.3, holder.kill).start()
    with locked(tmp_path / "run", "a training"):
        holder.wait(timeout=60)
    assert holder.returncode == -signal.SIGKILL


def test_it_leaves_no_folder_where_nothing_was_written(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b" / "run", "a training"):
        assert (tmp_path / "a" / "b").is_dir()
    assert [*tmp_path.iterdir()] == []
    with locked(tmp_path / "a" / "run", "a training"):
        (tmp_path / "a" / "bundle").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["bundle"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run"
    with pytest.raises(StorageError, match=f"{path} cannot be written"), locked(path, "a training"):
        pass


def test_a_file_system_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import fcntl

    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", without)
    with locked(tmp_path / "run", "a training"):
        pass
    assert "this file system has no locks" in caplog.text
