"""A station ends when it is asked to, even while it starts."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from plant_kit import Given, plant_file, started

from rattle.station.serve import serve
from rattle.station.web.server import Server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_takes_long_is_not_waited_for_and_leaves_nothing_taken(
    number: signal.Signals,
    tmp_path: Path,
    exported_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = plant_file(tmp_path / "data", exported_file)

    def asked_meanwhile(*_: object) -> Given:
        os.kill(os.getpid(), number)
        time.sleep(60)
        return Given()

    handler = signal.getsignal(number)
    assert serve(file, opens=asked_meanwhile) == 0
    assert capsys.readouterr().out == "Ended before it began to listen.\n"
    assert signal.getsignal(number) is handler
    started(file, Given()).stop()


def test_where_the_page_cannot_be_served_any_more_it_ends_as_a_failure(
    tmp_path: Path, exported_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "is_serving", False)
    file = plant_file(tmp_path / "data", exported_file)
    file = file.model_copy(update={"web": file.web.model_copy(update={"bind": "127.0.0.1:0"})})
    assert serve(file, opens=lambda *_: Given()) == 1
