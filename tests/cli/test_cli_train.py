"""``rattle train``: refusals before work, and stopping without loss."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Machine
from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.learning.train import Step
from what_was_learnt import weights_in

RUN = "synth_fan_id_00"


def test_it_writes_a_bundle_and_says_where_and_at_what_threshold(
    train: Any, bundle_file: Path, tmp_path: Path
) -> None:
    code, out, err = train()
    bundle = tmp_path / "out" / f"{RUN}.rattle"
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith(f"synth_fan/id_00: {bundle} in ")
    assert first.endswith(f"above {Detector.load(bundle).threshold.value:.4g}")
    assert second.startswith("warning: synth_fan/id_00: 2 healthy clips cannot show")
    assert "outliers: normal clips of synth_valve/id_00" in err
    assert "iteration 6/6" in err
    assert weights_in(bundle) == weights_in(bundle_file)


def test_the_loss_given_takes_the_place_of_the_recipes(train: Any, tmp_path: Path) -> None:
    assert train("--method", "bce", "--seed", "3").code == 0
    info = Detector.load(tmp_path / "out" / f"{RUN}.rattle").info
    assert info.recipe.loss.name == "bce"
    assert info.provenance.seed == 3


def test_all_machines_are_trained_one_after_the_other(train: Any, tmp_path: Path) -> None:
    assert train(machine="all").code == 0
    bundles = sorted((tmp_path / "out").glob("*.rattle"))
    assert [Detector.load(path).machine for path in bundles] == [
        Machine("synth_fan", "id_00"),
        Machine("synth_valve", "id_00"),
    ]


def test_with_several_machines_a_refused_one_does_not_stop_the_rest(
    train: Any, factory: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(factory, data)
    for clip in sorted((data / "dev_data" / "synth_fan" / "train").iterdir())[:8]:
        clip.unlink()
    code, _, err = train(data=data, machine="all")
    assert code == 1
    assert "machine synth_fan/id_00 has 4 normal training clips; at least 10 are needed" in err
    assert "1 of 2 machines have no detector" in err
    assert [path.name for path in (tmp_path / "out").glob("*.rattle")] == [
        "synth_valve_id_00.rattle"
    ]


@pytest.mark.parametrize(
    ("words", "machine", "message"),
    [
        ([], "synth_fan/id_09", "no clip of machine synth_fan/id_09; the machines at hand are"),
        ([], "a/b/c", "'a/b/c' does not name a machine"),
        (["--recipe", "nosuch.toml"], "synth_fan/id_00", "cannot read recipe nosuch.toml"),
        (["--device", "abacus"], "synth_fan/id_00", "device 'abacus' cannot be used here"),
        (["--init", "nosuch.pth"], "synth_fan/id_00", "cannot read weights from nosuch.pth"),
        (["--outliers", "nosuch"], "synth_fan/id_00", "there is no such folder or CSV file"),
    ],
)
def test_what_cannot_be_trained_exits_2_and_leaves_nothing(
    words: list[str], machine: str, message: str, train: Any, tmp_path: Path
) -> None:
    code, out, err = train(*words, machine=machine)
    assert (code, out) == (2, "")
    assert err.startswith("rattle: error: ") or "\nrattle: error: " in err
    assert message in err
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_is_not_valid_is_told_by_key(train: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "bad.toml"
    recipe.write_text('base = "small"\n[training]\niterations = 0\nspeed = 3\n')
    code, _, err = train("--recipe", recipe)
    assert code == 2
    assert f"{recipe} is not valid" in err
    assert "training.iterations: " in err
    assert "training.speed: " in err


def test_an_existing_run_is_refused_and_resume_leaves_it(train: Any, tmp_path: Path) -> None:
    assert train().code == 0
    bundle = tmp_path / "out" / f"{RUN}.rattle"
    before = bundle.read_bytes(), bundle.stat().st_mtime_ns
    code, out, err = train()
    assert (code, out) == (2, "")
    assert f"already holds a run ({RUN})" in err
    assert "--resume" in err
    assert "--out" in err
    code, out, _ = train("--resume")
    assert code == 0
    assert f"{bundle} was there already" in out
    assert (bundle.read_bytes(), bundle.stat().st_mtime_ns) == before
    for other in (("--seed", 5), ("--method", "gmm")):
        code, out, err = train("--resume", *other)
        assert (code, out) == (2, "")
        assert f"{bundle} is there already, of another recipe, method or seed" in err
        assert "(--out FOLDER)" in err
    assert (bundle.read_bytes(), bundle.stat().st_mtime_ns) == before


def test_a_seed_below_0_is_refused(train: Any) -> None:
    code, out, err = train("--seed", -1)
    assert (code, out) == (2, "")
    assert "the seed is a whole number from 0, not -1 (--seed)" in err


def test_ctrl_c_keeps_the_state_and_resume_goes_on_to_the_same_weights(
    train: Any, bundle_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = TrainingProgress.on_step

    def interrupted(progress: TrainingProgress, step: Step) -> None:
        shown(progress, step)
        if step.iteration == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_step", interrupted)
        code, out, err = train()
    assert (code, out) == (130, "")
    assert "synth_fan/id_00: stopped; go on with the same command and --resume" in err
    folder = tmp_path / "out" / RUN
    assert (folder / "checkpoint.safetensors").exists()
    assert _iterations(folder) == [1, 2, 3]

    assert train("--resume").code == 0
    assert weights_in(tmp_path / "out" / f"{RUN}.rattle") == weights_in(bundle_file)
    assert _iterations(folder) == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_while_features_are_computed_stops_too(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature_store: Path
) -> None:
    monkeypatch.setenv("RATTLE_STORE", str(tmp_path / "fresh"))
    shown = TrainingProgress.on_clip

    def interrupted(progress: TrainingProgress) -> None:
        shown(progress)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_clip", interrupted)
        assert train().code == 130
    assert list((tmp_path / "fresh").glob("log-mel-*")) == []
    assert train("--resume").code == 0


def test_the_first_ctrl_c_asks_and_the_second_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGTERM)
        assert stop()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def _iterations(folder: Path) -> list[int]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["iteration"] for line in lines]
