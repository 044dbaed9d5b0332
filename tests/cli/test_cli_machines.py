"""``rattle train --machine all --workers 2``: several machines at a time, in processes."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_limits

from rattle import Detector, Machine
from rattle.cli.terminal.grid_view import GridView
from rattle.cores import cores
from rattle.grid.run import Progress
from what_was_learnt import weights_in

FAN, VALVE = "synth_fan_id_00", "synth_valve_id_00"


@pytest.fixture
def train_all(train: Any) -> Any:
    """``rattle train FACTORY --machine all --workers 2`` with the tiny recipe."""

    def run(*words: object, **more: Any) -> Any:
        given = () if "--workers" in words else ("--workers", 2)
        return train(*given, *words, machine="all", **more)

    return run


@pytest.fixture(scope="module")
def lasting_recipe_file(tiny_recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe with trainings of some seconds and a checkpoint each few steps."""
    path = tmp_path_factory.mktemp("recipe") / "lasting.toml"
    text = tiny_recipe_file.read_text()
    assert "iterations = 6\n" in text
    path.write_text(text.replace("iterations = 6\n", "iterations = 150\ncheckpoint_seconds = 0\n"))
    return path


def alone(train: Any, out: Path, *words: object) -> dict[str, bytes]:
    """What machines trained one after the other get, with the threads that a worker has."""
    before, each = torch.get_num_threads(), max(cores() // 2, 1)
    torch.set_num_threads(each)
    try:
        with threadpool_limits(each):
            assert train(*words, "--out", out, machine="all").code == 0
    finally:
        torch.set_num_threads(before)
    return {path.stem: weights_in(path) for path in out.glob("*.rattle")}


def test_each_machine_gets_what_it_would_get_alone(
    train_all: Any, train: Any, tmp_path: Path
) -> None:
    code, out, err = train_all()
    assert code == 0
    bundles = {stem: tmp_path / "out" / f"{stem}.rattle" for stem in (FAN, VALVE)}
    told = [line for line in out.splitlines() if "warning" not in line]
    assert told == [
        f"{Detector.load(bundle).machine}: {bundle} is ready; calls a clip anomalous above "
        f"{Detector.load(bundle).threshold.value:.4g}"
        for bundle in bundles.values()
    ]
    assert "synth_fan/id_00: outliers: normal clips of synth_valve/id_00" in err
    assert "2 of 2 machines done, 0 running" in err
    found = {stem: weights_in(bundle) for stem, bundle in bundles.items()}
    assert found == alone(train, tmp_path / "alone")

    # Again: what is there is left as it is, and refused where nobody said to go on with it.
    before = {bundle: bundle.read_bytes() for bundle in bundles.values()}
    code, out, _ = train_all("--resume")
    assert (code, out.count("was there already")) == (0, 2)
    code, out, err = train_all()
    assert (code, out) == (1, "")
    assert [err.count(f"already holds a run ({stem})") for stem in (FAN, VALVE)] == [1, 1]
    assert "2 of 2 machines have no detector" in err
    assert {bundle: bundle.read_bytes() for bundle in bundles.values()} == before


def test_a_machine_that_is_refused_does_not_stop_the_others(
    train_all: Any, factory: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(factory, data)
    for clip in sorted((data / "dev_data" / "synth_fan" / "train").iterdir())[:8]:
        clip.unlink()
    code, out, err = train_all(data=data)
    assert code == 1
    assert "error: synth_fan/id_00: machine synth_fan/id_00 has 4 normal training clips" in err
    assert "1 of 2 machines have no detector" in err
    assert out.startswith("synth_valve/id_00: ")
    assert [path.stem for path in (tmp_path / "out").glob("*.rattle")] == [VALVE]


def test_a_bundle_that_cannot_be_read_does_not_hide_the_others(
    train_all: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{FAN}.rattle").write_bytes(b"of another time")
    code, out, err = train_all("--resume")
    assert code == 1
    assert f"error: synth_fan/id_00: {tmp_path / 'out' / FAN}.rattle is not a whole" in err
    assert out.startswith("synth_valve/id_00: ")


def test_bundles_of_another_seed_do_not_pass_for_those_asked_for(train_all: Any) -> None:
    assert train_all().code == 0
    code, out, err = train_all("--resume", "--seed", 3)
    assert (code, out) == (1, "")
    assert err.count("is there already, of another recipe, method or seed") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself SIGINT")
def test_ctrl_c_stops_all_and_resume_goes_on_to_the_same_weights(
    train_all: Any,
    train: Any,
    lasting_recipe_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = [tmp_path / "out" / stem / "checkpoint.safetensors" for stem in (FAN, VALVE)]
    shown = GridView.show
    asked: list[None] = []

    def interrupted(view: GridView, progress: Progress[Any]) -> None:
        shown(view, progress)
        if not asked and any(path.exists() for path in kept):
            asked.append(None)
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(GridView, "show", interrupted)
        patch.setattr("rattle.grid.run.LOOK_EVERY_S", 0.01)
        code, out, err = train_all("--recipe", lasting_recipe_file)
    assert (code, out, len(asked)) == (130, "", 1)
    assert "stopped; go on with the same command and --resume" in err
    assert any(path.exists() for path in kept)
    assert list((tmp_path / "out").glob("*.rattle")) == []

    assert train_all("--recipe", lasting_recipe_file, "--resume").code == 0
    found = {path.stem: weights_in(path) for path in (tmp_path / "out").glob("*.rattle")}
    assert found == alone(train, tmp_path / "alone", "--recipe", lasting_recipe_file)


def test_a_clip_that_cannot_be_read_is_told_by_the_trainings_that_need_it(
    train_all: Any, factory: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(factory, data)
    train_clips = data / "dev_data" / "synth_valve" / "train"
    broken = sorted(train_clips.iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:60])
    code, out, err = train_all(data=data)
    assert (code, out) == (1, "")
    for machine in (Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")):
        assert any(
            line.startswith(f"rattle: error: {machine}: ") and broken.name in line
            for line in err.splitlines()
        )


def test_no_worker_is_no_way_to_train(train_all: Any, tmp_path: Path) -> None:
    code, out, err = train_all("--workers", 0)
    assert (code, out) == (2, "")
    assert "--workers is 1 or more; 0 was given" in err
    assert not (tmp_path / "out").exists()
