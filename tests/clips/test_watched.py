"""A decoder that does not come back is given up, and keeps no process alive."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.watched import within

# Opens a file with little patience; the process has to end though libsndfile never does.
OPENED = """
import sys
from pathlib import Path
from rattle.clips import by_libsndfile
from rattle.clips.reading import read_clip
by_libsndfile.PATIENCE_SECONDS = 0.5
try:
    read_clip(Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_what_a_call_returns_or_raises_is_the_callers() -> None:
    assert within(10, lambda: 7) == 7
    assert within(10, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 / 0)


def test_a_call_that_does_not_come_back_is_given_up() -> None:
    forever = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, forever.wait)
    forever.set()


def test_a_file_that_libsndfile_never_comes_back_from_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.svx"
    sf.write(path, np.zeros(4000), 8000, format="SVX", subtype="PCM_16")
    content = bytearray(path.read_bytes())
    length = content.index(b"ANNO") + 4
    content[length : length + 4] = bytes.fromhex("fffffff8")
    path.write_bytes(content)
    command = [sys.executable, "-c", OPENED, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"ClipError {path}: cannot be read as audio (its decoder did not")
