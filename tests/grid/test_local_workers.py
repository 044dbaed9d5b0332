"""Real processes, killed and stopped on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from small_grid import (
    ALL,
    FAILING,
    GRID,
    TRAINING,
    Left,
    checkpoint,
    is_alive,
    killed_on_the_way,
    left_by,
    running,
    until,
)

from rattle.errors import Interrupted
from rattle.experiments.task import Setting
from rattle.grid.local import LocalWorkers
from rattle.grid.run import run_grid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

ALONE = """
import sys
from pathlib import Path
from rattle.clips.machine import Machine
from rattle.grid.local import LocalWorkers
from rattle.experiments.task import Setting, Task

if __name__ == "__main__":
    with LocalWorkers(Setting(Path(sys.argv[1]), device="cpu"), 1, threads=1) as workers:
        workers.submit(Task(0, 0, "bce+ddcsad", Machine("synth_fan", "id_00"))).result()
"""


def test_a_process_that_is_killed_changes_no_outcome(
    new_setting: Callable[[], Setting], undisturbed: Left
) -> None:
    setting = new_setting()
    with (
        LocalWorkers(setting, 2, threads=1) as workers,
        killed_on_the_way(TRAINING, setting) as victims,
    ):
        progress = run_grid([*GRID, FAILING], setting, workers)
    assert len(victims) == 1
    assert sorted(progress.done) == ALL
    assert left_by(setting) == undisturbed
    # What a task fails with comes back as it was raised.
    assert progress.failed.keys() == {FAILING}
    assert str(progress.failed[FAILING]).startswith("the bundle is a baseline (gmm)")


def test_a_task_that_is_stopped_keeps_its_state_and_ends_with_the_same_outcome(
    new_setting: Callable[[], Setting], undisturbed: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.grid.run.LOOK_EVERY_S", 0.01)  # before the training is over
    setting = new_setting()
    kept = checkpoint(TRAINING, setting)
    with LocalWorkers(setting, 1, threads=1) as workers, pytest.raises(Interrupted):
        run_grid([TRAINING], setting, workers, stop_requested=lambda: running(TRAINING, setting))
    assert kept.exists()
    assert not TRAINING.is_done(setting.folder)
    with LocalWorkers(setting, 1, threads=1) as workers:
        run_grid([TRAINING], setting, workers)
    assert not kept.exists()
    assert left_by(setting) == {TRAINING: undisturbed[TRAINING]}


def test_no_process_outlives_a_parent_that_is_killed(new_setting: Callable[[], Setting]) -> None:
    setting = new_setting()
    command = [sys.executable, "-c", ALONE, str(setting.folder)]
    with subprocess.Popen(command, start_new_session=True) as parent:
        until(lambda: running(TRAINING, setting))
        process = running(TRAINING, setting)
        assert process is not None
        assert process != parent.pid
        parent.kill()
    until(lambda: not is_alive(process))
    assert not TRAINING.is_done(setting.folder)


def test_workers_that_were_stopped_begin_nothing(new_setting: Callable[[], Setting]) -> None:
    with LocalWorkers(new_setting(), 1, threads=1) as workers:
        workers.stop()
        assert isinstance(workers.submit(TRAINING).exception(), Interrupted)
