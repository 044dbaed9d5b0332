"""A real Ray of two workers on this machine, one of which is killed on the way."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_grid import (
    ALL,
    FAILING,
    GRID,
    TRAINING,
    Left,
    checkpoint,
    killed_on_the_way,
    left_by,
    running,
    until,
)

from rattle.errors import Interrupted, TrainingError
from rattle.experiments.task import Setting
from rattle.grid.cluster import RayWorkers, count_slots
from rattle.grid.local import LocalWorkers
from rattle.grid.run import run_grid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture(scope="module", autouse=True)
def quiet_ray() -> Iterator[None]:
    """Ray as it has to be set before it is loaded: on this machine alone, without telemetry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # else it listens to the network
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        pytest.importorskip("ray", reason="the extra `cluster` is not installed")
        yield


@pytest.fixture(scope="module")
def address(quiet_ray: None) -> Iterator[str]:
    """Where a Ray of two CPUs answers."""
    # pytest's folders are too long for the names of Ray's sockets.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    log = folder / "log"
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    options = ["--port=0", "--num-cpus=2", "--include-dashboard=false", f"--temp-dir={folder}"]
    with log.open("w") as out:
        head = subprocess.Popen([*command, *options], stdout=out, stderr=out)
    try:
        # Ray says that it has started before it writes where it answers.
        where = folder / "ray_current_cluster"
        until(lambda: (where.exists() and where.read_text()) or head.poll() is not None)
        assert head.poll() is None, log.read_text()
        yield where.read_text().strip()
    finally:
        head.terminate()
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_leaves_what_this_process_does_though_a_worker_is_killed(
    address: str, new_setting: Callable[[], Setting], undisturbed: Left
) -> None:
    setting = new_setting()
    with RayWorkers(setting, address) as workers, killed_on_the_way(TRAINING, setting) as victims:
        assert workers.count == 2
        progress = run_grid([*GRID, FAILING], setting, workers)
    assert len(victims) == 1
    assert sorted(progress.done) == ALL
    assert left_by(setting) == undisturbed
    assert progress.failed.keys() == {FAILING}
    assert str(progress.failed[FAILING]).startswith("the bundle is a baseline (gmm)")


def test_a_task_that_is_stopped_on_a_cluster_keeps_its_state(
    address: str,
    new_setting: Callable[[], Setting],
    undisturbed: Left,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rattle.grid.run.LOOK_EVERY_S", 0.01)  # before the training is over
    setting = new_setting()
    with RayWorkers(setting, address) as workers, pytest.raises(Interrupted):
        run_grid([TRAINING], setting, workers, stop_requested=lambda: running(TRAINING, setting))
    assert checkpoint(TRAINING, setting).exists()
    assert not TRAINING.is_done(setting.folder)
    with LocalWorkers(setting, 1, threads=1) as workers:
        run_grid([TRAINING], setting, workers)
    assert left_by(setting) == {TRAINING: undisturbed[TRAINING]}


def test_threads_that_no_node_has_are_refused(
    address: str, new_setting: Callable[[], Setting]
) -> None:
    with pytest.raises(TrainingError, match="has 3 CPUs; give each task fewer threads") as told:
        RayWorkers(new_setting(), address, threads=3)
    assert told.value.arguments == ("threads",)


@pytest.mark.parametrize(
    ("needs", "expected"), [({"CPU": 1}, 9), ({"CPU": 3}, 2), ({"CPU": 2, "GPU": 1}, 1)]
)
def test_a_task_has_its_place_on_one_node_that_lives(
    needs: dict[str, int], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 5.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 4.0, "memory": 1e9}},
        {"Alive": True, "Resources": {"memory": 1e9}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    assert count_slots(needs) == expected


@pytest.mark.parametrize("nowhere", ["127.0.0.1:1", "local", "somewhere", "ray://127.0.0.1:10001"])
def test_an_address_where_no_cluster_answers_is_an_error_at_once(
    nowhere: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=f"no Ray cluster can be used at {nowhere} .*ray start"):
        RayWorkers(Setting(tmp_path), nowhere)


def test_without_ray_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(TrainingError, match=r"pip install 'rattle\[cluster\]'"):
        RayWorkers(Setting(tmp_path), "auto")
