"""Run ffmpeg, and end it where it is no longer wanted."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PROGRAM = "ffmpeg"
QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error")
INSTALL = "install it (apt install ffmpeg, brew install ffmpeg)"


def program_path(name: str = PROGRAM) -> str | None:
    """Find ffmpeg or, by its name, ffprobe, which comes with it; None where it is missing."""
    return shutil.which(name)


@contextmanager
def running(command: Sequence[str], said: deque[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command, its complaints in ``said``; killed where we stop early."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is meant for us, who end the process.
        start_new_session=True,
    ) as process:
        # Read all along: one that complains for weeks must not block on a full pipe.
        complaints = threading.Thread(target=_keep, args=(process, said), daemon=True)
        complaints.start()
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            complaints.join()


def _keep(process: subprocess.Popen[bytes], said: deque[str]) -> None:
    assert process.stderr is not None  # noqa: S101
    said.extend(line.decode(errors="replace").strip() for line in process.stderr)
