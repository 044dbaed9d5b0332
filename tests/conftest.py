"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, or a skip that says where they were looked for."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RATTLE_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip("no real recordings: set RATTLE_REAL_DATA to the folder that holds them")
    return folder
