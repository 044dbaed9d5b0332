"""Write files and folders so that each is there in full or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rattle.errors import StorageError

# A killed process leaves its temporary file or folder, hidden and never read. None is written for
# so long.
ABANDONED_AFTER_S = 3600
FOLDER_ABANDONED_AFTER_S = 24 * 3600
FILLING = ".filling-"


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise ``StorageError`` that names ``path`` where the disk is full, read-only or fails."""
    try:
        yield
    except OSError as error:
        # Libraries give the reason with or without the number of the error.
        reason = error.strerror or error
        raise StorageError(
            f"{path} cannot be written ({reason}); make room on the disk, or choose a folder that "
            "can be written to"
        ) from error


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Give a file beside ``path`` to write, renamed to it when the block ends without error.

    The folder is made where it is missing. Two processes that write the same file do not meet:
    the last one to finish wins. ``mode`` says who may read it then. Raises ``StorageError`` where
    the file cannot be written; what was there before is then there still.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            beside = Path(file.name)
        try:
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())  # or a power failure may leave the name without the content
            # Temporary files are private; the finished one mostly is as readable as any other.
            beside.chmod(mode)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside ``path`` to fill, renamed to it when the block ends without error.

    The folder above is made where it is missing. Two processes that fill the same folder do not
    meet: the first one to finish wins, so both have to write the same. Raises ``StorageError``
    where the folder cannot be written; nothing is left then, as after any other error.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned_folders(path.parent)
        beside = Path(tempfile.mkdtemp(prefix=FILLING, dir=path.parent))
        try:
            yield beside
            # Temporary folders are private; the finished one is as readable as any other.
            beside.chmod(0o755)
            try:
                beside.rename(path)
            except OSError:
                if not path.is_dir():  # else another process was first
                    raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    r"""Write ``text`` as UTF-8 with ``\n`` line ends."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def _remove_abandoned(path: Path) -> None:
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if time.time() - left.stat().st_mtime > ABANDONED_AFTER_S:
                left.unlink()


def _remove_abandoned_folders(parent: Path) -> None:
    for left in parent.glob(f"{FILLING}*"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if time.time() - left.stat().st_mtime > FOLDER_ABANDONED_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)
