"""Keep a file or folder to one process: a second one is refused, a killed one keeps nothing."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from rattle.atomic import writing
from rattle.errors import HeldError

_log = logging.getLogger(__name__)

# So long the processes of one that was killed may take to end.
PATIENCE_S, LOOK_EVERY_S = 2.0, 0.1
# How a file system says that it has no locks.
LOCKLESS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def locked(path: Path, what: str, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Keep ``path`` for this process while the block runs; it need not be there.

    The lock is a hidden file beside it that names process and host. The system holds it and lets
    go when the process ends in whatever way. Raises ``HeldError`` where another process has it,
    and keeps it for ``patience_s``; ``what`` is what it then says is going on there. Raises
    ``StorageError`` where the lock cannot be written.
    """
    beside = path.with_name(f".{path.name.lstrip('.')}.lock")
    with writing(path):
        made = _make_folders(beside.parent)
        handle = _take(beside, path, what, patience_s)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()  # while it is ours: nobody else has it then
        os.close(handle)
        for folder in made:
            with contextlib.suppress(OSError):  # something was written to it
                folder.rmdir()


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the new ones, the lowest first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _take(beside: Path, path: Path, what: str, patience_s: float) -> int:
    until = time.monotonic() + patience_s
    while True:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _lock(handle, path):
                if time.monotonic() < until:
                    os.close(handle)
                    time.sleep(LOOK_EVERY_S)
                    continue
                holder = os.read(handle, 200).decode(errors="replace").strip()
                raise HeldError(
                    f"{path}: {what} goes on there already"
                    f"{f', by {holder}' if holder else ''}; wait for its end, stop it, or choose "
                    "another place"
                )
            # The one that had it may have removed the file meanwhile.
            if beside.exists() and os.path.samestat(os.fstat(handle), beside.stat()):
                os.truncate(handle, 0)
                os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, path: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
        _log.warning("%s: this file system has no locks; let one process alone write there", path)
    return True
