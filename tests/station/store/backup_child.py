"""Backs up or restores, and is killed after so many steps of it; prints each step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from made_up_heard import NOW
from rattle.station.store.backup import back_up, restore


def main(verb: str, url: str, folder: Path, archive: Path, killed_at: int) -> None:
    steps = 0

    def on_done(what: str, done: int, of: int) -> None:
        nonlocal steps
        steps += 1
        if steps == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if verb == "backup":
        back_up(url, folder, "hall", archive, NOW, on_done)
    else:
        restore(url, folder, archive, on_done)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
