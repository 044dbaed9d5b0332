"""How a grid's tasks show: why they failed, how far they are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rattle import Machine
from rattle.cli.terminal.grid_view import GridView, why_failed
from rattle.errors import DataError, TrainingError
from rattle.experiments.task import Setting, Task
from rattle.grid.run import Progress

TASK = Task(0, 0, "bce", Machine("fan", "id_00"))


def test_an_error_of_rattles_own_is_told_in_its_words_and_another_with_its_kind() -> None:
    assert why_failed(DataError("10 clips are needed")) == "10 clips are needed"
    assert why_failed(KeyError("path")) == "KeyError: 'path'"
    died = TrainingError("run fewer tasks at a time", argument="workers")
    assert why_failed(died) == "run fewer tasks at a time (--workers)"


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        (None, "bce fan/id_00 seed 0: 5 s"),
        ('{"iteration": 1, "loss": 2.5}\n', "bce fan/id_00 seed 0: iteration 1, 5 s"),
        ('{"iteration": 7, "loss": 2.5}\n{"itera', "bce fan/id_00 seed 0: 5 s"),
    ],
)
def test_a_task_that_runs_shows_the_iteration_of_its_log(
    logged: str | None, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if logged is not None:
        metrics = TASK.run_folder(tmp_path).metrics
        metrics.parent.mkdir(parents=True)
        metrics.write_text(logged)
    progress = Progress(Setting(tmp_path), total=1, running={TASK: time.monotonic() - 5})
    GridView(1).show(progress)
    assert capsys.readouterr().err == f"0 of 1 tasks done, 1 running: {shown}\n"
