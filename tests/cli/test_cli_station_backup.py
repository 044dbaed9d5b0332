"""``rattle station-backup`` and ``rattle station-restore`` from the command line."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from made_up_heard import Heard
from rattle.cli.terminal import stopping
from rattle.station.store.clip_files import keep_clip
from rattle.station.store.database import open_database
from rattle.station.store.writing import write_all

PLANT = """\
plant = "hall-3"
data = "{data}"
[[machine]]
name = "press-3"
bundle = "bundles/press-3.rattle"
sources = [{{ name = "cam", url = "env:NOBODY_SET_THIS" }}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file of a station that remembers an incident with a recording."""
    path = tmp_path / "plant.toml"
    path.write_text(PLANT.format(data="data"))
    with closing(open_database("sqlite", tmp_path / "data")) as database:
        heard = Heard.of(database)
        clip = keep_clip(tmp_path / "data", heard.clip(incident := heard.incident()), speech=None)
        with database.writing() as session:
            write_all(session, [incident, clip])
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file with another data folder."""
    path = tmp_path / "elsewhere.toml"
    path.write_text(PLANT.format(data="other"))
    return path


def test_a_station_is_backed_up_and_restored(
    rattle: Any, config: Path, elsewhere: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "hall.zip"
    code, out, err = rattle("station-backup", archive, "--config", config)
    assert (code, err) == (0, "")
    assert out.startswith(f"{archive}: 8 rows and 1 file, 0.")
    code, out, err = rattle("station-restore", archive, "--config", elsewhere)
    assert (code, err) == (0, "")
    said, following = out.splitlines()
    assert said.startswith(f"{tmp_path / 'other'}: hall-3 as of 20")
    assert following == f"Next: rattle station --config {elsewhere}"
    assert len(list((tmp_path / "other").rglob("*.flac"))) == 1


def test_recordings_that_are_not_there_are_said(
    rattle: Any, config: Path, elsewhere: Path, tmp_path: Path
) -> None:
    next((tmp_path / "data").rglob("*.flac")).unlink()
    archive = tmp_path / "hall.zip"
    assert (
        "1 recording that the database names lie"
        in rattle("station-backup", archive, "--config", config).out
    )
    out = rattle("station-restore", archive, "--config", elsewhere).out
    assert "1 recording that the database names were not in the backup" in out


def test_what_cannot_be_done_is_said_without_a_traceback(
    rattle: Any, config: Path, elsewhere: Path, tmp_path: Path
) -> None:
    code, _, err = rattle("station-backup", tmp_path / "hall.zip", "--config", elsewhere)
    assert code == 2
    assert err.startswith("rattle: error: there is no database")
    rattle("station-backup", tmp_path / "hall.zip", "--config", config)
    code, _, err = rattle("station-restore", tmp_path / "hall.zip", "--config", config)
    assert code == 2
    assert "is not empty" in err
    code, _, err = rattle("station-restore", tmp_path / "no.zip", "--config", elsewhere)
    assert (code, err) == (2, f"rattle: error: there is no file {tmp_path / 'no.zip'}\n")


def test_a_kill_ends_the_work_as_ctrl_c_does() -> None:
    code = (
        "import os, signal\n"
        f"from {stopping.__name__} import ended_by_kill\n"
        "try:\n"
        "    with ended_by_kill():\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        signal.pause()\n"
        "except KeyboardInterrupt:\n"
        "    print('cleaned up')\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    ended = subprocess.run([sys.executable, "-uc", code], capture_output=True, text=True)
    assert ended.stdout == "cleaned up\n"
    assert ended.returncode == -signal.SIGTERM
