"""The weights in a bundle's file, to the last bit."""

from __future__ import annotations

import zipfile
from pathlib import Path

from rattle.bundle.file import PARTS


def weights_in(bundle: Path) -> bytes:
    """The members that hold what a model learnt, one after another."""
    with zipfile.ZipFile(bundle) as file:
        names = [name for name in PARTS.values() if name in file.namelist()]
        assert names
        return b"".join(file.read(name) for name in names)
