"""What runs the station as a service names what there is, and keeps it in bounds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from here import lacking
from rattle.cli import VERBS, build_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "rattle-station.service"
PROGRAM = "/opt/rattle/bin/rattle"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there in place of the installed one."""
    text = UNIT.read_text()
    assert text.count(f"ExecStart={PROGRAM} ") == 1
    path = tmp_path / UNIT.name
    path.write_text(text.replace(f"ExecStart={PROGRAM} ", f"ExecStart={sys.executable} "))
    return path


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        lacking("no systemd-analyze here")
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    ran = analyzed("verify", str(unit))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_line_that_systemd_does_not_know_would_be_told(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in analyzed("verify", str(unit)).stderr


def test_the_unit_is_exposed_little(unit: Path) -> None:
    ran = analyzed("security", "--offline=true", "--threshold=20", str(unit))
    assert ran.returncode == 0, ran.stdout  # at most 2.0 of 10


def commands_in(text: str) -> list[list[str]]:
    return [words.split() for words in re.findall(r"(?:rattle|station) (station.*)$", text, re.M)]


@pytest.mark.parametrize("name", ["rattle-station.service", "compose.yaml"])
def test_the_commands_of_a_deployment_are_commands(name: str) -> None:
    commands = [words for words in commands_in((DEPLOY / name).read_text()) if words[0] in VERBS]
    assert commands
    for words in commands:
        build_app().parse_args(words, exit_on_error=False, print_error=False)


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", "").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in whole if line]


def instruction(word: str) -> str:
    """The last instruction of that word."""
    return dict(instructions())[word]


def test_what_the_dockerfile_copies_is_there_and_is_not_left_out() -> None:
    copied = [name for word, rest in instructions() if word == "COPY" for name in rest.split()[:-1]]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name
    # What the build of the package reads.
    assert {"pyproject.toml", "README.md", "LICENSE", "src"} <= set(copied)


def test_the_container_is_nobodys_root_keeps_its_data_and_says_how_it_is() -> None:
    assert instruction("FROM") == "python:3.11-slim"
    assert instruction("USER") == "rattle"
    assert instruction("VOLUME") == "/var/lib/rattle"
    assert "/healthz" in instruction("HEALTHCHECK")
    assert "'.[station]'" in instruction("RUN")
    words = [word for word, _ in instructions()]
    assert words.index("USER") > max(at for at, word in enumerate(words) if word == "RUN")
    command = yaml.safe_load(instruction("ENTRYPOINT")) + yaml.safe_load(instruction("CMD"))
    assert command[0] == "rattle"
    build_app().parse_args(command[1:], exit_on_error=False, print_error=False)


def test_the_composition_builds_from_this_dockerfile_and_mounts_where_it_looks() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    station, database = composed["services"]["station"], composed["services"]["database"]
    context = (DEPLOY / station["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / station["build"]["dockerfile"]).is_file()
    mounted = [mount.split(":")[1] for mount in station["volumes"]]
    assert yaml.safe_load(instruction("CMD"))[-1] in mounted
    assert instruction("VOLUME") in mounted
    assert station["environment"]["RATTLE_DATABASE"].startswith("postgresql://")
    assert database["image"] == "postgres:15"
    # Loopback by default: the port is this computer's alone.
    assert station["ports"] == ["127.0.0.1:8765:8765"]
    assert set(composed["volumes"]) == {"station", "database"}
