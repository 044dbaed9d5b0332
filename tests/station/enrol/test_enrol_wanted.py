"""A new machine's table is read as ``plant.toml`` is, and can be copied there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rattle.station.config.read import read_plant
from rattle.station.enrol.wanted import as_in_the_file, machine_of

PUSH = {"token": "env:SAW_TOKEN", "encoding": "f32le", "sample_rate_hz": 48_000}
SOURCES: list[dict[str, Any]] = [
    {"name": "saw cam", "url": "env:SAW_TOKEN"},
    {"name": "saw cam", "url": f"rtsp://10.0.0.9/{'a-long-path/' * 12}"},
    {"name": "saw plc", "push": PUSH},
    {"name": 'saw "4"'.replace('"', "-"), "device": 'USB "Audio" 2'},
    {"name": "saw folder", "folder": "/srv/recordings"},
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda each: next(iter([*each][1:])))
def test_the_file_reads_as_the_enrolment_was_read(
    source: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAW_TOKEN", "rtsp://10.0.0.9/saw")
    table = {
        "name": "saw",
        "false_alarms_per_week": 0.5,
        "running": "by level",
        "running_above_dbfs": -41.5,
        "sources": [source],
        "bundle": "releases/1.rattle",
    }
    file = tmp_path / "plant.toml"
    file.write_text(f'plant = "hall"\n\n{as_in_the_file(table, tmp_path)}\n')
    (read,) = read_plant(file).machine
    assert read == machine_of(table, tmp_path / "releases" / "1.rattle")
    assert "rtsp://10.0.0.9/saw" not in file.read_text()
