"""A plant's file that is right, to change in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle.errors import ConfigError
from rattle.station.config.model import Plant
from rattle.station.config.read import read_plant

RIGHT = """\
plant = "hall-3"
[web]
bind = "127.0.0.1:0"
[keep]
clips = "1 MB"
[[machine]]
name = "press-3"
bundle = "bundles/press-3.rattle"
sources = [{ name = "cam", url = "env:PRESS3_URL" }]
"""
ENVIRONMENT = {"PRESS3_URL": "rtsp://user:s3cret@cam/1"}


def written_to(folder: Path, text: str = RIGHT, **changes: str) -> Path:
    """Write the file with each key's line replaced by another."""
    for key, line in changes.items():
        lines = text.splitlines()
        assert any(each.startswith(f"{key} =") for each in lines), f"no line begins with {key}"
        text = "".join(f"{line if each.startswith(f'{key} =') else each}\n" for each in lines)
    path = folder / "plant.toml"
    path.write_text(text, encoding="utf-8")
    return path


def plant_of(folder: Path, text: str = RIGHT, **changes: str) -> Plant:
    return read_plant(written_to(folder, text, **changes), ENVIRONMENT)


def refused(folder: Path, text: str = RIGHT, **changes: str) -> list[str]:
    """Read what must be refused; returns the lines of the message below the first."""
    path = written_to(folder, text, **changes)
    with pytest.raises(ConfigError) as error:
        read_plant(path, ENVIRONMENT)
    first, *lines = str(error.value).splitlines()
    assert first == f"{path} is not valid:"
    return [line.strip() for line in lines]
