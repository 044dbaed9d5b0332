"""``rattle evaluate``, ``inspect``, ``demo`` and ``synthesize`` as a newcomer meets them."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Manifest, Recipe, synthetic
from rattle.cli import demo
from rattle.clips.layouts import load_manifest


@pytest.fixture
def bundles(bundle_file: Path, tmp_path: Path) -> Path:
    """A folder with the bundle of synth_fan/id_00 in it."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    shutil.copy(bundle_file, folder)
    return folder


@pytest.fixture
def own_factory(factory: Path, tmp_path: Path) -> Path:
    """A copy of the factory that a test may change."""
    return Path(shutil.copytree(factory, tmp_path / "data"))


def test_it_prints_the_result_and_writes_report_and_dcase_files(
    rattle: Any, factory: Path, bundles: Path, detector: Detector, clips: Manifest
) -> None:
    code, out, err = rattle("evaluate", factory, "--bundles", bundles)
    written = bundles / "evaluation"
    assert code == 0
    assert "synth_fan/id_00" in out
    assert out.rstrip().endswith(f"Report: {written / 'report.html'}")
    assert "warning: synth_fan/id_00: 2 healthy clips cannot show" in err
    assert sorted(path.name for path in written.iterdir()) == [
        "anomaly_score_synth_fan_id_00.csv",
        "report.html",
        "result.csv",
    ]
    with (written / "anomaly_score_synth_fan_id_00.csv").open() as file:
        scores = {name: float(score) for name, score in csv.reader(file)}
    test = list(clips.of(detector.machine, split="test").table["path"])
    expected = {Path(clip.path).name: clip.score for clip in detector.score(test)}
    assert scores == pytest.approx(expected)
    page = (written / "report.html").read_text()
    assert "recipe tiny, method bce+ddcsad, seed 0" in page
    assert "synth_fan/id_00" in page


def test_a_single_bundle_and_another_folder_can_be_named(
    rattle: Any, factory: Path, bundle_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "elsewhere"
    assert rattle("evaluate", factory, "--bundles", bundle_file, "--out", out).code == 0
    assert (out / "result.csv").read_text().startswith("synth_fan\n")


def test_a_training_clip_among_the_test_clips_is_left_out_and_said(
    rattle: Any, own_factory: Path, bundles: Path
) -> None:
    folder = own_factory / "dev_data" / "synth_fan"
    leak = folder / "test" / "normal_id_00_00000099.wav"
    shutil.copy(folder / "train" / "normal_id_00_00000000.wav", leak)
    code, _, err = rattle("evaluate", own_factory, "--bundles", bundles)
    assert code == 0
    assert "synth_fan/id_00: 1 of 7 test clips were used in training or to choose alpha" in err
    scores = (bundles / "evaluation" / "anomaly_score_synth_fan_id_00.csv").read_text()
    assert len(scores.splitlines()) == 6
    assert leak.name not in scores
    assert "1 of 7 test clips" in (bundles / "evaluation" / "report.html").read_text()


def test_an_unreadable_test_clip_is_reported_and_the_rest_evaluated(
    rattle: Any, own_factory: Path, bundles: Path
) -> None:
    broken = own_factory / "dev_data" / "synth_fan" / "test" / "normal_id_00_00000012.wav"
    broken.write_bytes(broken.read_bytes()[:40_000])
    code, out, err = rattle("evaluate", own_factory, "--bundles", bundles)
    assert code == 1
    assert f"rattle: warning: {broken}: cut short" in err
    assert "/2" in out  # false alarms of two normals


def test_two_bundles_of_one_machine_are_refused(rattle: Any, factory: Path, bundles: Path) -> None:
    shutil.copy(bundles / "synth_fan_id_00.rattle", bundles / "older.rattle")
    code, out, err = rattle("evaluate", factory, "--bundles", bundles)
    assert (code, out) == (2, "")
    assert "are both of synth_fan/id_00; keep one of them" in err


def test_data_without_test_clips_of_the_machine_are_refused(
    rattle: Any, own_factory: Path, bundles: Path
) -> None:
    shutil.rmtree(own_factory / "dev_data" / "synth_fan")
    code, out, err = rattle("evaluate", own_factory, "--bundles", bundles)
    assert (code, out) == (2, "")
    assert "hold no test clip of synth_fan/id_00 that can be scored" in err
    assert not (bundles / "evaluation").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [(".", "holds no .rattle file"), ("nosuch", "there is no such folder or bundle")],
)
def test_a_folder_without_bundles_is_refused(
    name: str, message: str, rattle: Any, factory: Path, tmp_path: Path
) -> None:
    code, _, err = rattle("evaluate", factory, "--bundles", tmp_path / name)
    assert code == 2
    assert message in err


# Inspect


def test_inspect_tells_what_a_bundle_is_of_and_that_it_scores_as_it_did(
    rattle: Any, bundle_file: Path
) -> None:
    code, out, _ = rattle("inspect", bundle_file)
    assert code == 0
    told = dict(line.split(":", 1) for line in out.splitlines())
    assert told["machine"].strip() == "synth_fan/id_00"
    assert told["recipe"].strip() == "tiny: network small, loss bce+ddcsad, clips seen in 3 windows"
    assert told["trained on"].strip() == "10 normal clips, 2 held out, seed 0"
    assert told["outliers"].strip() == "normal clips of synth_valve/id_00"
    assert told["stored clips"].strip().startswith("2, scores differ by at most")
    assert "cannot show" in told["warning"]


def test_inspect_exits_1_where_the_scores_have_moved(
    rattle: Any, detector: Detector, tmp_path: Path
) -> None:
    moved = tuple(
        clip.model_copy(update={"score": clip.score + 1}) for clip in detector.info.golden
    )
    info = detector.info.model_copy(update={"golden": moved})
    dataclasses.replace(detector, info=info).save(tmp_path / "moved.rattle")
    code, out, _ = rattle("inspect", tmp_path / "moved.rattle")
    assert code == 1
    assert "MORE THAN ROUNDING" in out


# Synthesize and demo


def test_synthesize_writes_what_it_says(rattle: Any, tmp_path: Path) -> None:
    words = (
        "--types synth_fan synth_pump --ids-per-type 1 --train-clips 2 --test-normal 1 "
        "--test-anomaly 1"
    )
    code, out, _ = rattle(
        "synthesize", "--to", tmp_path / "a", *words.split(), "--seconds", 1, "--seed", 4
    )
    assert code == 0
    assert out.startswith("8 synthetic clips of 1 s from 2 machines in ")
    assert len(list((tmp_path / "a").rglob("*.wav"))) == 8
    faults = json.loads((tmp_path / "a" / "factory.json").read_text())["anomalies"]
    assert list(faults) == [
        f"dev_data/{machine}/test/anomaly_id_00_00000000.wav"
        for machine in ("synth_fan", "synth_pump")
    ]
    code, _, err = rattle("synthesize", "--to", tmp_path / "a", *words.split())
    assert code == 2
    assert "exists already" in err


def test_the_demo_goes_the_whole_way_and_can_be_run_again(
    rattle: Any, tiny_fleet: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    write = synthetic.write_factory

    def write_small(folder: Path, **given: Any) -> None:
        made.append(folder)
        few = {"train_clips": 10, "test_normal": 2, "test_anomaly": 2, "seconds": 2.0}
        write(folder, **{**given, **few, "ids_per_type": 1})

    monkeypatch.setattr(synthetic, "write_factory", write_small)
    monkeypatch.setattr(demo, "ITERATIONS", 2)
    monkeypatch.setattr(Recipe, "load", lambda _: tiny_fleet)
    tables = []
    for _ in range(2):
        code, out, _ = rattle("demo", "--to", tmp_path / "demo")
        assert code == 0
        machines = load_manifest(made[0]).machines()
        assert len(machines) == 4
        for machine in machines:
            assert f"{machine}: {tmp_path}" in out.replace("\n", "")
            (bundle,) = (tmp_path / "demo").rglob(f"{machine.slug}.rattle")
            assert Detector.load(bundle).verify() == pytest.approx(0, abs=1e-6)
        assert (tmp_path / "demo" / "evaluation" / "report.html").exists()
        assert "SYNTHETIC" in out
        tables.append((tmp_path / "demo" / "evaluation" / "result.csv").read_text())
    assert len(made) == 1
    assert tables[0] == tables[1]
