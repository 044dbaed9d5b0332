"""The tutorial's commands do what it says, in its order."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from rattle.cli import build_app, main
from rattle.listening.backlog import BACKLOG_SECONDS
from rattle.station.config.read import read_plant
from rattle.station.events import MOST_WAITING
from rattle.station.hear.push import INBOX_SECONDS
from rattle.station.hear.recordings import AFTER_S, BEFORE_S
from rattle.station.hear.ring import RING_SECONDS
from rattle.station.judge.incidents import MOST_CLIPS
from rattle.station.plant.explaining import MOST_WAITING as MOST_TO_EXPLAIN
from rattle.station.store.credentials import Credentials
from rattle.station.store.database import open_database
from rattle.station.store.sound_files import SPARE_BYTES
from rattle.station.store.waiting import (
    MOST_CLIP_BYTES,
    MOST_EMBEDDINGS,
    MOST_NORMAL_BYTES,
    MOST_ROWS,
)
from rattle.station.web.live import MOST_STREAMS

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "tutorial" / "station.md").read_text("utf-8")
EXPLANATION = (DOCS / "explanation" / "station.md").read_text("utf-8")
SECRETS = {
    "PUMP1_URL": "rtsp://camera/1",
    "FAN2_TOKEN": "a-token",
    "RATTLE_MAIL": "mailtos://rattle:password@mail.plant.example?to=ann@plant.example",
    "RATTLE_MQTT": "mqtt://broker",
}


def blocks(kind: str) -> list[str]:
    """The fenced blocks of that kind, in order."""
    every = re.findall(r"^```(\w*)\n(.*?)^```$", TUTORIAL, flags=re.M | re.S)
    return [text for of, text in every if of == kind]


@pytest.fixture
def plant_folder(tmp_path: Path, factory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with recordings of two machines."""
    for machine, type_ in (("press-3", "synth_fan"), ("pump-1", "synth_valve")):
        (tmp_path / "recordings" / machine).mkdir(parents=True)
        shutil.copytree(
            factory / "dev_data" / type_ / "train", tmp_path / "recordings" / machine / "normal"
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str, *more: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(line, comments=True)[1:], *more])
    return ended.value.code


def test_the_commands_work_one_after_the_other(
    plant_folder: Path,
    tiny_fleet_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) == 10
    for line in lines:
        # The packaged recipe takes minutes, and a password is asked for at a terminal.
        more = ["--recipe", str(tiny_fleet_file)] if line.startswith("rattle train") else []
        monkeypatch.setattr(sys, "stdin", io.StringIO("a good password\n"))
        code = run(line, *more)
        assert code == 0, f"{line}: {capsys.readouterr()}"
    memory = read_plant(plant_folder / "plant.toml")
    assert [machine.name for machine in memory.machine] == ["press-3", "pump-1"]
    database = open_database("sqlite", memory.data)
    accounts = Credentials(database).accounts()
    assert {(account.name, account.role) for account in accounts} == {
        ("ann", "admin"),
        ("bert", "reviewer"),
        ("wall", "viewer"),
    }
    database.close()


def test_every_other_command_is_one() -> None:
    whole = [line for block in blocks("") for line in block.splitlines()]
    rattle = [line for line in whole if line.startswith("rattle ")]
    inline = re.findall(r"`(?:[^`]*/)?(rattle station[^`]*)`", TUTORIAL)
    assert rattle
    assert len(inline) >= 2
    for line in [*rattle, *inline]:
        words = shlex.split(line, comments=True)[1:]
        build_app().parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("text", blocks("toml"))
def test_every_plant_file_of_the_tutorial_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_text(text)
    assert read_plant(path, SECRETS).plant == "hall-3"


def test_the_explanation_has_the_sizes_of_the_code() -> None:
    for said in (
        f"backlog of a live source | {BACKLOG_SECONDS:g} s of sound",
        f"inbox of pushed samples | {INBOX_SECONDS:g} s",
        f"ring of a source | {RING_SECONDS} s",
        f"rows for the scribe | {MOST_ROWS:,} |",
        f"normal sound for the scribe | {MOST_CLIP_BYTES >> 20} and {MOST_NORMAL_BYTES >> 20} MiB",
        f"embeddings for the scribe | {MOST_EMBEDDINGS:,} records",
        f"nearly ({SPARE_BYTES >> 20} MiB)",
        f"incidents to be explained | {MOST_TO_EXPLAIN} |",
        f"events of an open page | {MOST_WAITING};",
        f"event streams | {MOST_STREAMS} |",
        f"{BEFORE_S:g} s before and {AFTER_S:g} s after",
        f"up to {('', 'one', 'two', 'three', 'four')[MOST_CLIPS]} recordings",
    ):
        assert said in EXPLANATION, said
