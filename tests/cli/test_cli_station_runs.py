"""``rattle station --config`` runs until it is asked to end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

PLANT = """\
plant = "hall-3"
[web]
bind = "127.0.0.1:0"
[keep]
clips = "1 MB"
[[machine]]
name = "synth fan id 00"
bundle = "{bundle}"
sources = [{{ name = "plc", push = {{ token = "a-token-of-the-plc" }} }}]
"""


@pytest.fixture
def running(tmp_path: Path, exported_file: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "plant.toml").write_text(PLANT.format(bundle=exported_file))
    with subprocess.Popen(
        [sys.executable, "-m", "rattle", "station", "--config", "plant.toml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_takes_sound_and_ends_when_it_is_asked(
    number: signal.Signals, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert running.stdout is not None
    assert running.stderr is not None
    said = re.fullmatch(
        r"hall-3: 1 machine, 1 source\. The page is at (http://127\.0\.0\.1:\d+); Ctrl-C ends it\.",
        running.stdout.readline().strip(),
    )
    assert said, running.stderr.read()
    with urlopen(f"{said[1]}/healthz", timeout=30) as answer:  # noqa: S310
        assert answer.status == 200
    with urlopen(said[1], timeout=30) as answer:  # noqa: S310
        assert "synth fan id 00" in answer.read().decode()
    push = Request(  # noqa: S310
        f"{said[1]}/ingest/plc",
        data=bytes(32_000),
        headers={"Authorization": "Bearer a-token-of-the-plc"},
    )
    with urlopen(push, timeout=30) as answer:  # noqa: S310
        assert answer.read() == b'{"bytes":32000}'
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert out == "Ending: what was heard is written.\n"
    assert "Traceback" not in err
    assert (tmp_path / "rattle-station" / "station.db").exists()
