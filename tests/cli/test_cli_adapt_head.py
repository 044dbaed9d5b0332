"""``rattle adapt --head``: a new head in a second, and the encoder can learn on from it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Machine, Recipe
from rattle.clips.layouts import load_manifest
from rattle.detector.own import OwnJob
from rattle.runs.write import run_in_folder
from what_was_learnt import weights_in

FAN, RUN = Machine("synth_fan", "id_00"), "synth_fan_id_00"

Trained = Callable[[Recipe], Path]


@pytest.fixture
def data(factory: Path, tmp_path: Path) -> Path:
    """Recordings that may be moved or lost."""
    return Path(shutil.copytree(factory, tmp_path / "data"))


@pytest.fixture
def trained(data: Path, tmp_path: Path) -> Trained:
    """Trains a bundle with its run folder, ``runs/synth_fan_id_00.rattle``."""

    def make(recipe: Recipe) -> Path:
        job = OwnJob(load_manifest(data), FAN, recipe, device="cpu")
        return run_in_folder(job, tmp_path / "runs", resume=False)[FAN]

    return make


@pytest.fixture
def bundle(trained: Trained, tiny_recipe: Recipe) -> Path:
    return trained(tiny_recipe)


@pytest.fixture
def faults(data: Path) -> list[Path]:
    return sorted(data.rglob("synth_fan/test/anomaly_*.wav"))


@pytest.fixture
def healthy(data: Path) -> list[Path]:
    return sorted(data.rglob("synth_fan/test/normal_*.wav"))


@pytest.fixture
def adapt(rattle: Any) -> Any:
    return lambda bundle, *words: rattle("adapt", bundle, *words, "--device", "cpu")


def alarms(bundle: Path, paths: list[Path]) -> list[bool]:
    return [clip.anomalous for clip in Detector.load(bundle, device="cpu").score(paths)]


# The usual way


def test_it_writes_a_new_bundle_beside_and_says_what_it_brought(
    adapt: Any, bundle: Path, faults: list[Path], healthy: list[Path]
) -> None:
    before = bundle.read_bytes()
    code, out, err = adapt(bundle, "--head", "--anomalies", *faults, "--normal", healthy[0])
    adapted = bundle.parent / "adapted" / bundle.name
    assert code == 0, err
    first, warning, second, third, fourth, *raised, last = out.splitlines()
    threshold = Detector.load(adapted).threshold.value
    assert re.fullmatch(
        re.escape(f"synth_fan/id_00: {adapted} in ")
        + r"[0-9.]+ s; calls a clip anomalous above "
        + re.escape(f"{threshold:.4g}"),
        first,
    )
    assert warning.startswith("warning: synth_fan/id_00: 2 healthy clips cannot show")
    assert re.fullmatch(
        r"synth_fan/id_00: of 3 anomalies it found (\d) before and finds (\d) now; \d when each "
        "is judged without having been learnt from",
        second,
    )
    found = (
        f"it found {sum(alarms(bundle, faults))} before and finds {sum(alarms(adapted, faults))}"
    )
    assert found in second
    assert third == (
        "synth_fan/id_00: of 2 healthy clips that it did not learn from 0 would have been an alarm "
        "before, 0 would be now"
    )
    assert fourth == "synth_fan/id_00: 1 clip called normal: no alarm"
    assert all("warning: the threshold rose" in line for line in raised)
    assert last.endswith(f"rattle compare {bundle} {adapted} DATA")
    assert bundle.read_bytes() == before
    assert len(Detector.load(adapted).info.provenance.anomalies) == 3


def test_the_comparison_it_proposes_runs(
    rattle: Any, adapt: Any, bundle: Path, faults: list[Path], data: Path, tmp_path: Path
) -> None:
    words = ["--head", "--anomalies", faults[0], "--out", tmp_path / "second try"]
    _, out, _ = adapt(bundle, *words)
    proposed = shlex.split(out.splitlines()[-1].partition("rattle ")[2])
    code, out, err = rattle(*proposed[:-1], data)
    assert code in (0, 1)
    assert "1 of 6 test clips were used in training" in out + err


def test_a_rejected_alarm_is_no_alarm_any_more(
    adapt: Any, bundle: Path, faults: list[Path]
) -> None:
    loud = [path for path, alarm in zip(faults, alarms(bundle, faults), strict=True) if alarm]
    assert loud
    code, out, _ = adapt(bundle, "--head", "--normal", loud[0])
    assert code == 0
    assert "synth_fan/id_00: 1 clip called normal: no alarm\n" in out
    assert f"above all for {loud[0].name}, which sounds like a fault" in out
    assert "anomalies it found" not in out
    assert alarms(bundle.parent / "adapted" / bundle.name, loud[:1]) == [False]


def test_a_folder_of_faults_will_do_and_a_fault_that_lies_there_twice_counts_once(
    adapt: Any, bundle: Path, faults: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    for fault in faults:
        shutil.copy(fault, tmp_path / "faults")
    shutil.copy(faults[0], tmp_path / "faults" / "again.wav")
    code, out, _ = adapt(bundle, "--head", "--anomalies", tmp_path / "faults")
    assert code == 0
    assert "of 3 anomalies" in out


def test_head_and_encoder_learn_in_turn_and_forget_nothing(
    adapt: Any, bundle: Path, faults: list[Path]
) -> None:
    assert adapt(bundle, "--head", "--anomalies", faults[0]).code == 0
    once = bundle.parent / "adapted" / bundle.name
    assert weights_in(once) != weights_in(bundle)
    code, _, err = adapt(once, "--anomalies", faults[1])
    assert code == 0
    assert "10 of 10 trained on, 2 of 2 held out, 1 of 1 anomalies; found again\n" in err
    twice = once.parent / "adapted" / bundle.name
    code, out, err = adapt(twice, "--head", "--anomalies", faults[2])
    assert code == 0, err
    assert "of 3 anomalies" in out
    thrice = Detector.load(twice.parent / "adapted" / bundle.name)
    assert len(thrice.info.provenance.anomalies) == len(thrice.known.anomalies) == 3


def test_a_bundle_alone_will_do_and_its_recordings_need_not_be_there(
    adapt: Any, bundle: Path, faults: list[Path], data: Path, tmp_path: Path
) -> None:
    alone, fault = tmp_path / "alone.rattle", tmp_path / "fault.wav"
    shutil.copy(bundle, alone)
    shutil.copy(faults[0], fault)
    shutil.rmtree(data)
    assert adapt(alone, "--head", "--anomalies", fault).code == 0
    adapted = tmp_path / "adapted" / bundle.name
    code, _, err = adapt(adapted, "--anomalies", fault)
    assert code == 0
    assert "1 of 1 anomalies" in err
    assert "all from the bundle's replay set" in err


def test_the_seed_may_be_given(adapt: Any, bundle: Path, healthy: list[Path]) -> None:
    held_out = set()
    for seed in range(4):
        out = bundle.parent / str(seed)
        words = ["--head", "--normal", *healthy, "--seed", seed, "--out", out]
        assert adapt(bundle, *words).code == 0
        held_out.add(Detector.load(out / bundle.name).info.provenance.held_out)
    assert len(held_out) > 1


# Refusals


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "DATA"], "--data is of training the encoder on"),
        (["--resume"], "--resume is of training the encoder on"),
        (["--track", "tensorboard"], "--track is of training the encoder on"),
        (["--out", "RUNS"], "would take the place of"),
        (["--normal", "FAULT"], "decide for one"),
        (["--normal", "nosuch.wav"], "nosuch.wav: there is no such file"),
        (["--normal", "EMPTY"], "holds no recording; give recordings or folders of them"),
        (["--normal", "NOTE"], "cannot be read as audio"),
    ],
)
def test_what_cannot_be_done_exits_2_with_one_line_and_leaves_nothing(
    words: list[str],
    message: str,
    adapt: Any,
    bundle: Path,
    faults: list[Path],
    data: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("a loud knock")
    places = {
        "DATA": data,
        "RUNS": bundle.parent,
        "FAULT": faults[0],
        "EMPTY": tmp_path / "empty",
        "NOTE": tmp_path / "note.txt",
    }
    before = {path: path.read_bytes() for path in bundle.parent.rglob("*") if path.is_file()}
    given = (places.get(word, word) for word in words)
    code, out, err = adapt(bundle, "--head", "--anomalies", faults[0], *given)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("rattle: error: ")
    assert message in err
    assert {p: p.read_bytes() for p in bundle.parent.rglob("*") if p.is_file()} == before


def test_nothing_given_says_what_to_give(adapt: Any, bundle: Path) -> None:
    code, out, err = adapt(bundle, "--head")
    assert (code, out) == (2, "")
    assert "give anomalies, normal clips, or both (--anomalies, --normal)" in err
    assert not (bundle.parent / "adapted").exists()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("knn", "a baseline (knn), which learns from normal clips alone"),
        ("dsad", "has no posterior, and its distance knows no anomalies"),
    ],
)
def test_what_has_no_head_that_could_learn_is_refused(
    method: Any,
    message: str,
    adapt: Any,
    trained: Trained,
    tiny_recipe: Recipe,
    faults: list[Path],
) -> None:
    bundle = trained(tiny_recipe.for_method(method))
    code, out, err = adapt(bundle, "--head", "--anomalies", faults[0])
    assert (code, out) == (2, "")
    assert message in err
    assert not (bundle.parent / "adapted").exists()


def test_healthy_clips_all_called_faults_are_refused_with_what_to_give(
    adapt: Any, bundle: Path, data: Path
) -> None:
    held_out = Detector.load(bundle).info.provenance.held_out
    wrong = [clip.path for clip in load_manifest(data).with_content(held_out)]
    code, out, err = adapt(bundle, "--head", "--anomalies", *wrong)
    assert (code, out) == (2, "")
    assert "0 to fit the threshold on; give more of the machine's healthy sound" in err
    assert "(--normal)" in err


def test_an_existing_run_is_refused_and_stays(adapt: Any, bundle: Path, faults: list[Path]) -> None:
    assert adapt(bundle, "--head", "--anomalies", faults[0]).code == 0
    adapted = bundle.parent / "adapted" / bundle.name
    before = adapted.read_bytes()
    for words in (["--head"], []):
        code, _, err = adapt(bundle, *words, "--anomalies", faults[1])
        assert code == 2
        assert f"already holds a run ({RUN})" in err
    assert adapted.read_bytes() == before


def test_a_damaged_list_of_recordings_is_refused_by_its_name_and_leaves_nothing(
    adapt: Any, bundle: Path, faults: list[Path]
) -> None:
    listed = bundle.with_suffix("") / "clips.csv"
    listed.write_text("path,label\n/etc/passwd,normal\n")
    code, _, err = adapt(bundle, "--head", "--anomalies", faults[0])
    assert code == 2
    assert f"{listed} is not a manifest that rattle wrote; remove it" in err
    assert not (bundle.parent / "adapted").exists()
    listed.unlink()
    assert adapt(bundle, "--head", "--anomalies", faults[0]).code == 0
