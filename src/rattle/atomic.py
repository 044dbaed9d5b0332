"""Writing a file so that it is there in full or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without error.

    The folder is made where it is missing. Two processes that write the same file do not meet:
    the last one to finish wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
    ) as file:
        beside = Path(file.name)
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())  # or a power failure may leave the name without the content
        # Temporary files are private; the finished one is as readable as any other.
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    r"""Write ``text`` as UTF-8 with ``\n`` line ends."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
