"""A clip that is too short for a window has a score and no verdict, and is not learnt from."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import rattle
from rattle import Detector, Machine, Manifest, Recipe
from rattle.cli.score import score as score_command
from rattle.clips.layouts import load_manifest
from rattle.clips.length import shortest_judged_s
from rattle.clips.reading import read_clip
from rattle.detector.fit import training_jobs
from rattle.detector.job import Watch
from rattle.evaluation.scoring import score_machines

FAN = Machine("synth_fan", "id_00")
RATE_HZ = 16_000
# Windows of 64 frames are 2.05 s.
SHORTEST = int(0.8 * 64 * 512)


@pytest.fixture(scope="module")
def sound(clips: Manifest) -> np.ndarray:
    return read_clip(Path(clips.of(FAN, split="test", label="anomaly").table["path"][0]))


def test_a_clip_is_judged_from_four_fifths_of_a_window_on(
    detector: Detector, sound: np.ndarray
) -> None:
    short, enough, whole = detector.score([sound[: SHORTEST - 1], sound[:SHORTEST], sound])
    assert (short.anomalous, short.unusual, short.decision) == (None, None, "too short")
    assert short.remark == "1.64 s is too short to judge: record 1.7 s or more"
    assert np.isfinite(short.score)
    for judged in (enough, whole):
        assert judged.anomalous is (judged.score > judged.threshold)
        assert judged.unusual is not None


def test_a_detector_of_short_clips_judges_clips_as_short(
    detector: Detector, sound: np.ndarray
) -> None:
    of_seconds = replace(detector, golden=(np.zeros(RATE_HZ, np.int16),))
    assert of_seconds.shortest_s == pytest.approx(0.8)
    assert of_seconds.score([sound[:RATE_HZ]])[0].anomalous is not None
    recipe = detector.recipe
    assert shortest_judged_s(recipe.audio, recipe.features, 60.0) == pytest.approx(1.6384)


def test_the_command_line_shows_its_score_and_no_verdict(
    bundle_file: Path, sound: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sf.write(tmp_path / "short.wav", sound[: RATE_HZ // 2], RATE_HZ)
    assert score_command(bundle_file, [tmp_path / "short.wav"], device="cpu") == 0
    line, remark = capsys.readouterr().out.splitlines()[1:]
    assert line.endswith(f"too short {tmp_path / 'short.wav'}")
    assert "0.50 s is too short to judge" in remark
    score_command(bundle_file, [tmp_path / "short.wav"], csv=True, device="cpu")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["anomalous"], row["p_value"], row["unusual"]) == ("", "", "")
    score_command(bundle_file, [tmp_path / "short.wav"], json=True, device="cpu")
    (clip,) = json.loads(capsys.readouterr().out)["clips"]
    assert (clip["anomalous"], clip["p_value"], clip["unusual"]) == (None, None, None)


def test_an_evaluation_leaves_it_out_and_says_so(
    detector: Detector, clips: Manifest, sound: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "synth_fan" / "id_00" / "test" / "anomaly"
    folder.mkdir(parents=True)
    sf.write(folder / "short.wav", sound[:RATE_HZ], RATE_HZ)
    test = Manifest.from_clips([*load_manifest(tmp_path), *clips.of(split="test")])
    scored = score_machines([detector], test)
    assert scored.unread == 1
    assert any("short.wav: left out: 1.00 s is too short" in note for note in scored.notes)
    assert scored.table.height == 6


def test_a_short_clip_among_longer_ones_is_not_learnt_from(
    clips: Manifest, tiny_recipe: Recipe, sound: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "synth_fan" / "id_00" / "normal"
    folder.mkdir(parents=True)
    sf.write(folder / "short.wav", sound[:RATE_HZ], RATE_HZ)
    with_short = Manifest.from_clips([*load_manifest(tmp_path), *clips])
    told: list[str] = []
    (job,) = training_jobs(with_short, [FAN], tiny_recipe, device="cpu")
    material = job.material(Watch(on_unfit=lambda unfit: told.append(str(unfit))))
    assert "short.wav (1.00 s is too short: 1.7 s are needed)" in told[0]
    assert len(material.shares[0].trained) + len(material.shares[0].kept) == 12


def test_a_machine_of_short_clips_alone_can_be_trained(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    folder = tmp_path / "blip" / "normal"
    folder.mkdir(parents=True)
    for number, clip in enumerate(clips.of(FAN, split="train")):
        sf.write(folder / f"{number:02}.wav", read_clip(Path(clip.path))[:RATE_HZ], RATE_HZ)
    made = rattle.fit(load_manifest(tmp_path), "blip", recipe=tiny_recipe, device="cpu")
    assert made.shortest_s == pytest.approx(0.8)
