"""``rattle adapt``: what it takes, what it says, and that no interruption changes the result."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rattle import Detector, Machine, Recipe
from rattle.cli.terminal.progress import TrainingProgress
from rattle.clips.layouts import load_manifest
from rattle.detector.own import OwnJob
from rattle.learning.train import Step
from rattle.runs.write import run_in_folder
from what_was_learnt import weights_in

FAN, RUN = Machine("synth_fan", "id_00"), "synth_fan_id_00"

Trained = Callable[..., Path]


@pytest.fixture
def data(factory: Path, tmp_path: Path) -> Path:
    """Recordings that may be moved or lost."""
    return Path(shutil.copytree(factory, tmp_path / "data"))


@pytest.fixture
def trained(data: Path, tiny_recipe: Recipe, tmp_path: Path) -> Trained:
    """Trains a bundle with its run folder, ``runs/synth_fan_id_00.rattle``."""

    def make(**parts: dict[str, Any]) -> Path:
        recipe = tiny_recipe.with_values(**parts)
        job = OwnJob(load_manifest(data), FAN, recipe, device="cpu")
        return run_in_folder(job, tmp_path / "runs", resume=False)[FAN]

    return make


@pytest.fixture
def bundle(trained: Trained) -> Path:
    return trained()


@pytest.fixture
def faults(factory: Path) -> list[Path]:
    return sorted(factory.rglob("synth_fan/test/anomaly_*.wav"))


@pytest.fixture
def adapt(rattle: Any) -> Any:
    return lambda bundle, *words: rattle("adapt", bundle, *words, "--device", "cpu")


# The usual way


def test_it_writes_a_new_bundle_beside_and_says_what_it_learnt_from(
    adapt: Any, bundle: Path, faults: list[Path], factory: Path
) -> None:
    before = bundle.read_bytes()
    healthy = sorted(factory.rglob("synth_fan/test/normal_*.wav"))[0]
    code, out, err = adapt(bundle, "--anomalies", *faults[:2], "--normal", healthy)
    adapted = bundle.parent / "adapted" / bundle.name
    assert code == 0
    first, second, third, fourth, fifth, last = out.splitlines()
    assert first.startswith(f"synth_fan/id_00: {adapted} in ")
    assert first.endswith(f"above {Detector.load(adapted).threshold.value:.4g}")
    assert second.startswith("warning: synth_fan/id_00: 2 healthy clips cannot show")
    assert re.fullmatch(
        "synth_fan/id_00: of 2 anomalies it found [012] before and finds [012] now", third
    )
    assert fourth.startswith("synth_fan/id_00: of 2 healthy clips that it did not learn from ")
    assert fifth == "synth_fan/id_00: 1 clip called normal: no alarm"
    assert last.endswith(f"rattle compare {bundle} {adapted} DATA")
    for said in (
        "known clips: 10 of 10 trained on, 2 of 2 held out; found again\n",
        "outliers: normal clips of synth_valve/id_00\n",
        "new clips: 2 anomalies, 1 normal\n",
        "iteration 3/3",
    ):
        assert said in err
    assert bundle.read_bytes() == before
    assert len(Detector.load(adapted).info.provenance.anomalies) == 2


def test_the_comparison_it_proposes_runs(
    rattle: Any, adapt: Any, bundle: Path, faults: list[Path], data: Path, tmp_path: Path
) -> None:
    _, out, _ = adapt(bundle, "--anomalies", faults[0], "--out", tmp_path / "second try")
    words = shlex.split(out.splitlines()[-1].partition("rattle ")[2])
    assert words[-1] == "DATA"
    code, out, err = rattle(*words[:-1], data)
    assert code in (0, 1)  # 1: the new one is worse, which three iterations may make it
    assert "1 of 6 test clips were used in training" in out + err


def test_a_folder_of_faults_will_do_and_out_and_seed_can_be_named(
    adapt: Any, bundle: Path, faults: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    for fault in faults:
        shutil.copy(fault, tmp_path / "faults")
    out = tmp_path / "elsewhere"
    assert adapt(bundle, "--anomalies", tmp_path / "faults", "--out", out, "--seed", 7).code == 0
    origin = Detector.load(out / bundle.name).info.provenance
    assert (len(origin.anomalies), origin.seed) == (3, 7)


def test_an_adapted_bundle_is_adapted_again_by_default_beside_itself(
    adapt: Any, bundle: Path, faults: list[Path]
) -> None:
    assert adapt(bundle, "--anomalies", faults[0]).code == 0
    once = bundle.parent / "adapted" / bundle.name
    code, _, err = adapt(once, "--anomalies", faults[1])
    assert code == 0
    assert "10 of 10 trained on, 2 of 2 held out, 1 of 1 anomalies; found again\n" in err
    twice = Detector.load(once.parent / "adapted" / bundle.name)
    assert len(twice.info.provenance.anomalies) == 2


# Where the recordings are


def test_a_bundle_alone_is_adapted_by_its_replay_set(
    adapt: Any, bundle: Path, faults: list[Path], tmp_path: Path
) -> None:
    alone = tmp_path / "alone.rattle"
    shutil.copy(bundle, alone)
    code, _, err = adapt(alone, "--anomalies", faults[0], "--out", tmp_path / "out")
    assert code == 0
    assert (
        "10 of 10 trained on, 2 of 2 held out, 12 outliers; all from the bundle's replay set" in err
    )


def test_recordings_that_have_moved_are_found_by_data(
    adapt: Any,
    bundle: Path,
    faults: list[Path],
    data: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    data.rename(tmp_path / "moved")
    code, _, err = adapt(bundle, "--anomalies", faults[0], "--out", tmp_path / "by-replay")
    assert code == 0
    assert "24 of the 24 recordings listed in" in caplog.text
    assert "where with --data" in caplog.text
    assert "from the bundle's replay set" in err
    caplog.clear()
    code, _, err = adapt(bundle, "--anomalies", faults[0], "--data", tmp_path / "moved")
    assert code == 0
    assert caplog.text == ""
    assert "known clips: 10 of 10 trained on, 2 of 2 held out; found again\n" in err


def test_recordings_that_have_gone_without_replay_set_are_refused_with_what_to_do(
    adapt: Any, trained: Trained, faults: list[Path], data: Path, factory: Path
) -> None:
    bundle = trained(adaptation={"replay_clips": 0})
    shutil.rmtree(data)
    code, out, err = adapt(bundle, "--anomalies", faults[0])
    assert (code, out) == (2, "")
    assert "are not found and it holds no replay set" in err
    assert "say where they are, or train again (--data FOLDER)" in err
    assert not (bundle.parent / "adapted").exists()
    assert adapt(bundle, "--anomalies", faults[0], "--data", factory).code == 0


def test_a_recording_that_changed_since_is_not_learnt_from(
    adapt: Any, bundle: Path, faults: list[Path], data: Path
) -> None:
    detector = Detector.load(bundle)
    clips = load_manifest(data).of(FAN, split="train")
    trained_on = [c for c in clips if c.content_hash in detector.info.provenance.trained]
    shutil.copy(faults[2], trained_on[0].path)
    code, _, err = adapt(bundle, "--anomalies", faults[0])
    assert code == 0
    assert "2 of 2 held out; found again, 1 only in the bundle's replay set\n" in err


# Refusals


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [],
            "give anomalies, normal clips, or both (--anomalies, --normal)",
        ),
        (["--anomalies", "nosuch.wav"], "nosuch.wav: there is no such file"),
        (["--anomalies", "EMPTY"], "holds no recording; give recordings or folders of them"),
        (["--anomalies", "NOTE"], "cannot be read as audio"),
        (["--anomalies", "FAULT", "--normal", "FAULT"], "decide for one"),
        (["--anomalies", "FAULT", "--data", "nosuch"], "there is no such folder or CSV file"),
        (["--anomalies", "FAULT", "--data", "VALVES"], "hold none of the 10 clips"),
        (["--anomalies", "FAULT", "--device", "abacus"], "device 'abacus' cannot be used here"),
        (["--anomalies", "FAULT", "--out", "RUNS"], "would take the place of"),
        (["--anomalies", "FAULT", "--out", "RUNS", "--resume"], "would take the place of"),
    ],
)
def test_what_cannot_be_adapted_exits_2_and_leaves_nothing(
    words: list[str],
    message: str,
    rattle: Any,
    bundle: Path,
    faults: list[Path],
    data: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("a loud knock")
    valves = data / "dev_data" / "synth_valve"
    (tmp_path / "valves").mkdir()
    shutil.copytree(valves, tmp_path / "valves" / "synth_valve")
    places = {
        "EMPTY": tmp_path / "empty",
        "NOTE": tmp_path / "note.txt",
        "FAULT": faults[0],
        "VALVES": tmp_path / "valves",
        "RUNS": bundle.parent,
    }
    before = {path: path.read_bytes() for path in bundle.parent.rglob("*") if path.is_file()}
    code, out, err = rattle("adapt", bundle, *(places.get(word, word) for word in words))
    assert (code, out) == (2, "")
    assert "rattle: error: " in err
    assert message in err
    assert {p: p.read_bytes() for p in bundle.parent.rglob("*") if p.is_file()} == before


def test_what_is_no_bundle_is_refused(adapt: Any, faults: list[Path], tmp_path: Path) -> None:
    code, _, err = adapt(tmp_path / "none.rattle", "--anomalies", faults[0])
    assert code == 2
    assert "there is no bundle" in err


def test_a_damaged_list_of_recordings_is_refused_by_its_name(
    adapt: Any, bundle: Path, faults: list[Path], data: Path
) -> None:
    listed = bundle.with_suffix("") / "clips.csv"
    listed.write_text("path,label\n/etc/passwd,normal\n")
    code, _, err = adapt(bundle, "--anomalies", faults[0])
    assert code == 2
    assert f"{listed} is not a manifest that rattle wrote" in err
    assert adapt(bundle, "--anomalies", faults[0], "--data", data).code == 0


def test_an_existing_adaptation_is_refused_and_never_passes_for_another(
    adapt: Any, bundle: Path, faults: list[Path]
) -> None:
    assert adapt(bundle, "--anomalies", faults[0]).code == 0
    adapted = bundle.parent / "adapted" / bundle.name
    before = adapted.read_bytes()
    code, _, err = adapt(bundle, "--anomalies", faults[1])
    assert code == 2
    assert f"already holds a run ({RUN})" in err
    code, _, err = adapt(bundle, "--anomalies", faults[1], "--resume")
    assert code == 2
    assert f"{adapted} is there already, of another parent bundle or new clips" in err
    code, out, _ = adapt(bundle, "--anomalies", faults[0], "--resume")
    assert code == 0
    assert f"{adapted} was there already" in out
    assert adapted.read_bytes() == before


# Interruptions


def test_ctrl_c_keeps_the_state_and_resume_goes_on_to_the_same_weights(
    adapt: Any, bundle: Path, faults: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = TrainingProgress.on_step

    def interrupted(progress: TrainingProgress, step: Step) -> None:
        shown(progress, step)
        if step.iteration == 2:
            signal.raise_signal(signal.SIGINT)

    words = ["--anomalies", *faults, "--out"]
    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_step", interrupted)
        code, out, err = adapt(bundle, *words, tmp_path / "stopped")
    assert (code, out) == (130, "")
    assert "synth_fan/id_00: stopped; go on with the same command and --resume" in err
    assert adapt(bundle, *words, tmp_path / "stopped", "--resume").code == 0
    assert adapt(bundle, *words, tmp_path / "whole").code == 0
    resumed, whole = (tmp_path / name / bundle.name for name in ("stopped", "whole"))
    assert weights_in(resumed) == weights_in(whole)


def test_a_killed_adaptation_resumes_to_the_weights_of_an_uninterrupted_one(
    adapt: Any, trained: Trained, faults: list[Path], tmp_path: Path
) -> None:
    always_saving = {"iterations": 2, "checkpoint_seconds": 0}
    bundle = trained(training=always_saving, adaptation={"iterations": 60})
    out = tmp_path / "killed"
    checkpoint, metrics = (out / RUN / name for name in ("checkpoint.safetensors", "metrics.jsonl"))
    words = [bundle, "--anomalies", *faults, "--device", "cpu", "--out"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from rattle.cli import main; main()",
            "adapt",
            *map(str, words),
            out,
        ],
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.002)
    process.kill()
    said, _ = process.communicate()
    assert process.returncode == -9, said.decode()
    assert checkpoint.exists()
    assert not (out / bundle.name).exists()
    done = len(metrics.read_text().splitlines())
    assert 1 <= done < 60

    assert adapt(*words[:-3], "--out", out, "--resume").code == 0
    assert adapt(*words[:-3], "--out", tmp_path / "whole").code == 0
    assert weights_in(out / bundle.name) == weights_in(tmp_path / "whole" / bundle.name)
    lines = metrics.read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == list(range(1, 61))
