"""A small disk of its own: a file system in memory, which root may mount."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """Mounted at ``folder``."""

    folder: Path

    def clear(self) -> None:
        """Remove all that it holds."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @property
    def taken(self) -> int:
        """Bytes that cannot be written to any more."""
        return shutil.disk_usage(self.folder).used

    def resize(self, kilobytes: int) -> None:
        """Another size; not below what is there."""
        self._remount(f"size={kilobytes}k")

    def forbid_writing(self) -> None:
        """Read-only, for root as well, who may write where a folder's mode says no."""
        self._remount("ro")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)


@contextmanager
def mounted(folder: Path, *, kilobytes: int) -> Iterator[Disk]:
    """A disk of that size, or a skipped test where mounting is not allowed."""
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "rattle", str(folder)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("a full disk takes a small one to be mounted; there is no mount here")
    if done.returncode:
        pytest.skip(f"a full disk takes a small one to be mounted: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
