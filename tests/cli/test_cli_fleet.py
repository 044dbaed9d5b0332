"""``rattle train`` of a whole fleet, and ``rattle enrol``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Machine, Manifest, Recipe, fit
from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.learning.train import Step
from what_was_learnt import weights_in

FAN, VALVE = "synth_fan_id_00", "synth_valve_id_00"


@pytest.fixture
def train_fleet(train: Any, tiny_fleet_file: Path) -> Any:
    def run(*words: object, **given: Any) -> Any:
        return train("--recipe", tiny_fleet_file, *words, **{"machine": "all", **given})

    return run


@pytest.fixture(scope="module")
def fleet_bundles(fleet: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the fleet's bundles. Read only."""
    folder = tmp_path_factory.mktemp("fleet")
    for machine, detector in fleet.items():
        detector.save(folder / f"{machine.slug}.rattle")
    return folder


def test_all_machines_are_trained_at_once_and_each_has_a_bundle_and_a_run_folder(
    train_fleet: Any, fleet_bundles: Path, tmp_path: Path
) -> None:
    code, out, err = train_fleet()
    assert code == 0
    folder = tmp_path / "out"
    assert {path.name for path in folder.iterdir()} == {
        FAN,
        VALVE,
        f"{FAN}.rattle",
        f"{VALVE}.rattle",
    }
    for name in (FAN, VALVE):
        assert weights_in(folder / f"{name}.rattle") == weights_in(fleet_bundles / f"{name}.rattle")
        run = folder / name
        assert len((run / "metrics.jsonl").read_text().splitlines()) == 6
        assert json.loads((run / "environment.json").read_text())["machine"] == str(
            Detector.load(folder / f"{name}.rattle").machine
        )
        assert (run / "recipe.toml").exists()
        assert (run / "clips.csv").exists()
        assert not (run / "checkpoint.safetensors").exists()
    assert "2 machines: the detector: iteration 6/6" in err
    assert "each machine's are the others of synth_fan/id_00, synth_valve/id_00" in err
    assert len([line for line in out.splitlines() if "calls a clip anomalous" in line]) == 2


def test_one_machine_of_it_is_trained_the_same_way(
    train_fleet: Any, fleet_bundles: Path, tmp_path: Path
) -> None:
    assert train_fleet(machine="synth_fan/id_00").code == 0
    bundle = tmp_path / "out" / f"{FAN}.rattle"
    assert weights_in(bundle) == weights_in(fleet_bundles / f"{FAN}.rattle")
    assert not (tmp_path / "out" / f"{VALVE}.rattle").exists()


def test_interrupted_and_resumed_it_ends_with_the_same_bytes(
    train_fleet: Any, fleet_bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_step", lambda _, step: steps.append(step))
        patch.setattr(StopRequest, "__call__", lambda _: len(steps) == 3)
        code, _, err = train_fleet()
    assert code == 130
    assert "go on with the same command and --resume" in err
    folder = tmp_path / "out"
    assert not list(folder.glob("*.rattle"))
    refused = train_fleet()
    assert refused.code == 2
    assert "already holds a run" in refused.err
    assert train_fleet("--resume").code == 0
    for name in (FAN, VALVE):
        assert weights_in(folder / f"{name}.rattle") == weights_in(fleet_bundles / f"{name}.rattle")
    assert not (folder / ".fleet-training").exists()


def test_a_bundle_that_got_lost_is_made_again_and_the_others_stay(
    train_fleet: Any, tmp_path: Path
) -> None:
    train_fleet()
    folder = tmp_path / "out"
    lost, stays = folder / f"{FAN}.rattle", folder / f"{VALVE}.rattle"
    whole, before = weights_in(lost), stays.stat().st_mtime_ns
    lost.unlink()
    code, out, _ = train_fleet("--resume")
    assert code == 0
    assert weights_in(lost) == whole
    assert stays.stat().st_mtime_ns == before
    assert "was there already" in out


def test_a_finished_fleet_of_another_seed_is_refused(train_fleet: Any) -> None:
    assert train_fleet().code == 0
    code, _, err = train_fleet("--resume", "--seed", 1)
    assert code == 2
    assert "of another recipe, method or seed" in err


def test_a_machine_that_came_later_does_not_split_the_fleet(
    train_fleet: Any, factory: Path, tmp_path: Path
) -> None:
    data, valves = tmp_path / "data", tmp_path / "valves"
    shutil.copytree(factory, data)
    (data / "dev_data" / "synth_valve").rename(valves)
    assert train_fleet(data=data).code == 0
    valves.rename(data / "dev_data" / "synth_valve")
    code, _, err = train_fleet("--resume", data=data)
    assert code == 2
    assert "were trained with other machines or clips; enrol the new machines" in err


def test_machines_whose_bundles_would_have_one_name_are_refused(
    train_fleet: Any, factory: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for name, machine in (("synth_fan", "a/b_c"), ("synth_valve", "a_b/c")):
        for clip in sorted((factory / "dev_data" / name / "train").iterdir()):
            line = f"{clip},{machine},normal\n"
            data.mkdir(exist_ok=True)
            with (data / "clips.csv").open("a") as file:
                file.write(("path,machine,label\n" if not file.tell() else "") + line)
    code, _, err = train_fleet(data=data / "clips.csv")
    assert code == 2
    assert "would have the same name" in err


def test_a_machine_with_few_clips_is_told_and_does_not_stop_the_rest(
    train_fleet: Any, factory: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(factory, data)
    for clip in sorted((data / "dev_data" / "synth_fan" / "train").iterdir())[:8]:
        clip.unlink()
    code, _, err = train_fleet(data=data)
    assert code == 1
    assert "machine synth_fan/id_00 has 4 normal training clips" in err
    assert "1 of 2 machines have no detector" in err
    assert [path.name for path in (tmp_path / "out").glob("*.rattle")] == [f"{VALVE}.rattle"]


def test_a_window_shortened_for_the_clips_is_told(
    train: Any, train_fleet: Any, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    recipe = tmp_path / "long.toml"
    recipe.write_text(tiny_fleet.with_values(features={"window_frames": 256}).to_toml())
    code, _, err = train("--recipe", recipe, machine="all")
    assert code == 0
    # Clips of 3 s have 94 frames, of which 64 make a window.
    assert "shorter than the recipe's window of 8.2 s: it is 2.0 s here" in err
    assert "shorter than" not in train_fleet("--out", tmp_path / "whole").err


def test_workers_are_refused_where_all_are_trained_once(
    train: Any, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    once = tmp_path / "once.toml"
    once.write_text(tiny_fleet.with_values(training={"cross_fit": False}).to_toml())
    code, _, err = train("--recipe", once, "--workers", 2, machine="all")
    assert code == 2
    assert "trains all machines once" in err


def test_inspect_names_the_common_encoder(rattle: Any, fleet_bundles: Path) -> None:
    encoders = set()
    for name in (FAN, VALVE):
        code, out, _ = rattle("inspect", fleet_bundles / f"{name}.rattle")
        assert code == 0
        (line,) = [line for line in out.splitlines() if line.startswith("encoder:")]
        assert "shared: trained with 2 machines (synth_fan/id_00, synth_valve/id_00)" in line
        encoders.add(line)
    assert len(encoders) == 1


def test_enrol_gives_a_further_machine_a_bundle(
    rattle: Any, clips: Manifest, tiny_fleet: Recipe, factory: Path, tmp_path: Path
) -> None:
    valve, parent = Machine("synth_valve", "id_00"), tmp_path / "valve.rattle"
    fit(clips.of(valve), valve, recipe=tiny_fleet, device="cpu").save(parent)
    words = ("enrol", parent, factory, "--machine", "synth_fan/id_00", "--device", "cpu")
    code, out, err = rattle(*words, "--out", tmp_path)
    assert code == 0
    bundle = tmp_path / f"{FAN}.rattle"
    assert f"synth_fan/id_00: {bundle} in " in out
    assert f"rattle export {bundle}" in out
    assert "outliers: normal clips of synth_valve/id_00" in err
    detector = Detector.load(bundle)
    assert detector.machine == Machine("synth_fan", "id_00")
    assert detector.info.provenance.parent == Detector.load(parent).bundle().identity
    assert rattle(*words, "--out", tmp_path).code == 2
    assert "was there already" in rattle(*words, "--out", tmp_path, "--resume").out


def test_enrol_does_not_take_the_place_of_the_bundle_it_learns_from(
    rattle: Any, fleet_bundles: Path, factory: Path
) -> None:
    parent = fleet_bundles / f"{FAN}.rattle"
    code, _, err = rattle("enrol", parent, factory, "--machine", "synth_fan/id_00")
    assert code == 2
    assert "already holds a run" in err


def test_the_curves_of_a_fleet_stay_with_its_first_machine(
    train_fleet: Any, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    assert train_fleet("--track", "tensorboard").code == 0
    folder = tmp_path / "out"
    assert list((folder / FAN / "tensorboard").iterdir())
    assert not (folder / ".fleet-training").exists()


def test_a_report_tells_of_a_fleet_that_is_not_finished(
    train_fleet: Any, rattle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_step", lambda _, step: steps.append(step))
        patch.setattr(StopRequest, "__call__", lambda _: len(steps) == 3)
        assert train_fleet().code == 130
    code, _, err = rattle("report", tmp_path / "out")
    assert code == 2
    assert "fleet-training is a training of many machines that has not come to its end" in err
