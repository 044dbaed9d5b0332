"""A real Ray of two workers on this machine, one of which is killed on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
)

from made_up_cluster import Cluster
from rattle.errors import Interrupted, TrainingError
from rattle.experiments.task import Setting
from rattle.grid.cluster import RayWorkers, count_slots
from rattle.grid.local import LocalWorkers
from rattle.grid.run import run_grid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture(autouse=True)
def as_is(quiet_ray: None) -> None:
    """Nothing of Ray's goes out."""


@pytest.fixture
def address(cluster: Cluster) -> str:
    """Where a Ray of two CPUs answers."""
    return cluster.address


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
