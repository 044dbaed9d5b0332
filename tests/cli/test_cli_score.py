"""``rattle score``: the same scores in every form, and every clip accounted for."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rattle import ClipScore, Detector, Machine, Manifest, Recipe, fit
from rattle.learning import substitutes

FAN = Machine("synth_fan", "id_00")


@pytest.fixture
def heard(clips: Manifest) -> list[str]:
    """The test clips of the bundle's machine."""
    return list(clips.of(FAN, split="test").table["path"])


@pytest.fixture
def scored(detector: Detector, heard: list[str]) -> list[ClipScore]:
    return detector.score(heard)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_line_a_clip_tells_score_parts_and_decision(
    rattle: Any, bundle_file: Path, heard: list[str], scored: list[ClipScore]
) -> None:
    code, out, err = rattle("score", bundle_file, *heard)
    assert code == 0
    heading, *lines = out.splitlines()
    assert heading.split() == ["score", "p", "d", "decision", "clip"]
    for line, clip in zip(lines, scored, strict=True):
        score, posterior, distance, decision, path, words = line.split(maxsplit=5)
        assert float(score) == pytest.approx(clip.score, rel=1e-3)
        assert float(posterior) == pytest.approx(clip.posterior, rel=1e-3)
        assert float(distance) == pytest.approx(clip.distance, rel=1e-3)
        assert decision == ("ANOMALOUS" if clip.anomalous else "normal")
        assert path == clip.path
        assert words == f"({clip.unusual})"
        assert words.endswith("of 2 healthy clips)")
    assert err.startswith("rattle: warning: 2 healthy clips cannot show")


def test_a_folder_stands_for_the_recordings_below_it(
    rattle: Any, bundle_file: Path, factory: Path, clips: Manifest
) -> None:
    _, out, _ = rattle("score", bundle_file, factory, "--csv")
    assert [row["path"] for row in rows(out)] == list(clips.table["path"])


def test_csv_holds_the_scores_in_full(
    rattle: Any, bundle_file: Path, heard: list[str], scored: list[ClipScore]
) -> None:
    code, out, _ = rattle("score", bundle_file, *heard, "--csv")
    assert code == 0
    assert out.splitlines()[0] == (
        "path,score,posterior,distance,threshold,anomalous,p_value,unusual,remark,error"
    )
    for row, clip in zip(rows(out), scored, strict=True):
        assert row["path"] == clip.path
        assert float(row["score"]) == clip.score
        assert float(row["threshold"]) == clip.threshold
        assert row["anomalous"] == str(clip.anomalous)
        assert float(row["p_value"]) == clip.unusual.p_value
        assert row["unusual"] == str(clip.unusual)
        assert row["error"] == ""


def test_json_is_one_document_with_the_scores_in_full(
    rattle: Any, bundle_file: Path, heard: list[str], scored: list[ClipScore], detector: Detector
) -> None:
    code, out, err = rattle("score", bundle_file, *heard, "--json", "--windows")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["machine"] == "synth_fan/id_00"
    assert document["threshold"]["value"] == detector.threshold.value
    assert document["threshold"]["warning"] == detector.threshold.warning
    assert document["errors"] == []
    told = [
        {**dataclasses.asdict(c), "unusual": str(c.unusual), "p_value": c.unusual.p_value}
        for c in scored
    ]
    assert document["clips"] == json.loads(json.dumps(told))
    plain = json.loads(rattle("score", bundle_file, *heard, "--json").out)
    assert [clip.keys() for clip in plain["clips"]] == [
        clip.keys() - {"windows"} for clip in document["clips"]
    ]


def test_windows_are_shown_with_their_start(
    rattle: Any, bundle_file: Path, heard: list[str], scored: list[ClipScore]
) -> None:
    expected = [(clip.path, window) for clip in scored for window in clip.windows]
    _, out, _ = rattle("score", bundle_file, *heard, "--windows", "--csv")
    for row, (path, window) in zip(rows(out), expected, strict=True):
        assert row["path"] == path
        assert float(row["start_s"]) == window.start_s
        assert float(row["score"]) == window.score
    _, out, _ = rattle("score", bundle_file, *heard, "--windows")
    shown = [line for line in out.splitlines() if " at " in line]
    assert [float(line.split()[-2]) for line in shown] == [
        pytest.approx(window.start_s, abs=0.006) for _, window in expected
    ]


def test_the_paper_scale_has_a_threshold_of_its_own(
    rattle: Any, bundle_file: Path, heard: list[str], detector: Detector
) -> None:
    _, out, _ = rattle("score", bundle_file, *heard, "--json", "--scale", "paper")
    document = json.loads(out)
    expected = detector.score(heard, scale="paper")
    assert [clip["score"] for clip in document["clips"]] == [clip.score for clip in expected]
    assert document["threshold"]["value"] == expected[0].threshold != detector.threshold.value


def test_an_unreadable_clip_is_reported_and_the_rest_scored(
    rattle: Any, bundle_file: Path, heard: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    words = ["score", bundle_file, heard[0], broken, heard[1]]
    code, out, err = rattle(*words)
    assert code == 1
    assert [line.split()[4] for line in out.splitlines()[1:]] == heard[:2]
    assert f"rattle: error: {broken}: cannot be read as audio" in err

    code, out, _ = rattle(*words, "--csv")
    assert code == 1
    good, bad, _ = rows(out)
    assert good["error"] == ""
    assert (bad["path"], bad["score"]) == (str(broken), "")
    assert "cannot be read as audio" in bad["error"]

    code, out, _ = rattle(*words, "--json")
    assert code == 1
    document = json.loads(out)
    assert [clip["path"] for clip in document["clips"]] == heard[:2]
    assert [error["path"] for error in document["errors"]] == [str(broken)]


def test_a_long_recording_tells_where_it_is_worst(
    rattle: Any, bundle_file: Path, heard: list[str], tmp_path: Path
) -> None:
    samples, rate_hz = sf.read(heard[-1], dtype="float32")
    long = np.tile(samples, 12)
    long[20 * rate_hz : 24 * rate_hz] = 0.15 * np.random.default_rng(0).standard_normal(4 * rate_hz)
    sf.write(tmp_path / "long.wav", long, rate_hz)
    _, out, _ = rattle("score", bundle_file, tmp_path / "long.wav", heard[0])
    _, of_long, of_short = out.splitlines()
    assert "of windows above the threshold, worst at" in of_long
    assert "worst at" not in of_short


def test_a_damaged_bundle_is_one_line(
    rattle: Any, bundle_file: Path, heard: list[str], tmp_path: Path
) -> None:
    odd = tmp_path / "odd.rattle"
    odd.write_bytes(bundle_file.read_bytes()[:-1000])
    code, out, err = rattle("score", odd, heard[0])
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"rattle: error: {odd} is not a whole rattle bundle")


def test_a_folder_without_recordings_is_refused(
    rattle: Any, bundle_file: Path, tmp_path: Path
) -> None:
    code, out, err = rattle("score", bundle_file, tmp_path)
    assert (code, out) == (2, "")
    assert f"no recording in {tmp_path}" in err


def test_csv_and_json_together_are_refused(
    rattle: Any, bundle_file: Path, heard: list[str]
) -> None:
    code, _, err = rattle("score", bundle_file, heard[0], "--csv", "--json")
    assert code == 2
    assert "--csv and --json exclude each other" in err


def test_a_part_that_the_loss_does_not_give_is_a_dash(
    rattle: Any, clips: Manifest, heard: list[str], tiny_recipe: Recipe, tmp_path: Path
) -> None:
    recipe = tiny_recipe.with_values(loss={"name": "ddcsad"})
    fit(clips, FAN, recipe=recipe, device="cpu").save(tmp_path / "one.rattle")
    _, out, _ = rattle("score", tmp_path / "one.rattle", heard[0])
    assert out.splitlines()[1].split()[1] == "-"


def test_scores_of_a_detector_with_substitute_outliers_say_so(
    rattle: Any,
    clips: Manifest,
    heard: list[str],
    tiny_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"TRANSFORMED_CLIPS": 4, "FACTORY_CLIPS": 1, "FACTORY_IDS": 1}.items():
        monkeypatch.setattr(substitutes, name, value)
    path = tmp_path / "alone.rattle"
    fit(clips.of(FAN), FAN, recipe=tiny_recipe, device="cpu").save(path)
    assert "rattle: warning: trained against SUBSTITUTES" in rattle("score", path, heard[0]).err
    assert json.loads(rattle("score", path, heard[0], "--json").out)["outliers"].startswith(
        "SUBSTITUTES"
    )
    assert "SUBSTITUTES" in rattle("inspect", path).out


def test_another_false_alarm_rate_takes_no_training(
    rattle: Any, bundle_file: Path, heard: list[str]
) -> None:
    _, out, err = rattle("score", bundle_file, heard[0], "--false-alarms", "0.4", "--json")
    threshold = json.loads(out)["threshold"]
    assert threshold["false_alarm_rate"] == 0.4
    assert (threshold["warning"], err) == (None, "")
    code, _, err = rattle("score", bundle_file, heard[0], "--false-alarms", "5")
    assert code == 2
    assert "5 is no false-alarm rate; give the share of healthy clips" in err
    assert "--false-alarms 0.05" in err
