"""Experiments with a shared encoder: one machine's task trains for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle import Detector, Machine, Manifest, Recipe
from rattle.detector import measure
from rattle.experiments.folder import open_folder
from rattle.experiments.plan import plan_training
from rattle.experiments.task import Setting, Task, run_task
from rattle.grid.run import with_parents
from rattle.runs.outcome import Outcome

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture(scope="module")
def setting(
    clips: Manifest, tiny_fleet: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Setting:
    folder = tmp_path_factory.mktemp("experiment")
    open_folder(folder, clips, tiny_fleet)
    return Setting(folder, device="cpu")


def test_the_first_machine_trains_for_all_and_baselines_are_each_machines_own(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    plan = plan_training(clips, tiny_fleet, machines=None, methods=["bce", "knn"], seeds=[0])
    parents = {(task.method, task.machine): task.parent for task in plan.tasks}
    trainer = Task(0, 0, "bce", FAN, trainer=FAN)
    assert parents == {
        ("bce", FAN): None,
        ("bce", VALVE): trainer,
        ("knn", FAN): None,
        ("knn", VALVE): None,
    }


def test_an_adaptation_waits_for_its_training_and_that_for_the_fleets() -> None:
    of_valve = Task(0, 4, "bce", VALVE, 8, FAN)
    trained = Task(0, 0, "bce", VALVE, 0, FAN)
    assert of_valve.parent == trained
    assert trained.parent == Task(0, 0, "bce", FAN, 0, FAN)
    assert trained.parent.parent is None
    assert len(with_parents([of_valve])) == 3


def test_the_fleet_is_trained_once(
    setting: Setting, clips: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fan, valve = (Task(0, 0, "bce+ddcsad", machine, trainer=FAN) for machine in (FAN, VALVE))
    run_task(fan, setting, lambda: False)
    bundles = {machine: _bundle(fan, setting, machine) for machine in (FAN, VALVE)}
    assert all(bundle.exists() for bundle in bundles.values())
    assert fan.is_done(setting.folder)
    assert not valve.is_done(setting.folder)
    monkeypatch.setattr(measure, "train", _not_again)
    run_task(valve, setting, lambda: False)
    outcome = Outcome.read(valve.run_folder(setting.folder).outcome)
    detector = Detector.load(bundles[VALVE], device="cpu")
    test = clips.of(VALVE, split="test")
    assert [clip.content_hash for clip in outcome.clips] == test.hashes()
    assert outcome.threshold == pytest.approx(detector.threshold.value)


def _bundle(task: Task, setting: Setting, machine: Machine) -> Path:
    return task.out(setting.folder) / f"{machine.slug}.rattle"


def _not_again(*_: object, **__: object) -> None:
    raise AssertionError("the fleet was trained a second time")
