"""What the terminal says of clips that are not fit, and of those recorded otherwise."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rattle import Manifest

RATE_HZ = 16_000


@pytest.fixture
def odd(clips: Manifest, tmp_path: Path) -> list[Path]:
    """A healthy clip, the same as MP3, and one of a dead microphone."""
    healthy = clips.of(split="test", label="normal").table["path"][0]
    sound, _ = sf.read(healthy)
    paths = [Path(healthy), tmp_path / "a.mp3", tmp_path / "dead.wav"]
    sf.write(paths[1], sound, RATE_HZ)
    sf.write(paths[2], np.zeros(3 * RATE_HZ), RATE_HZ)
    return paths


REMARK = "recorded otherwise than the training clips: MP3, theirs are uncompressed"
REFUSAL = "dead.wav: not fit to be judged: silent for 3 s; check microphone and gain"


@pytest.mark.parametrize("fixture", ["bundle_file", "exported_file"])
def test_score_says_both_and_goes_on(
    rattle: Any, odd: list[Path], fixture: str, request: pytest.FixtureRequest
) -> None:
    bundle = request.getfixturevalue(fixture)
    code, out, err = rattle("score", bundle, *odd)
    assert code == 1
    _, _, of_mp3, remark = out.splitlines()
    assert of_mp3.endswith("a.mp3 (higher than all of 2 healthy clips)")
    assert remark.strip().startswith(REMARK)
    assert REFUSAL in err


def test_csv_and_json_have_a_place_for_it(rattle: Any, bundle_file: Path, odd: list[Path]) -> None:
    _, out, _ = rattle("score", bundle_file, *odd, "--csv")
    healthy, compressed, dead = csv.DictReader(io.StringIO(out))
    assert (healthy["remark"], dead["remark"], compressed["error"]) == ("", "", "")
    assert compressed["remark"].startswith(REMARK)
    assert REFUSAL in dead["error"]
    _, out, _ = rattle("score", bundle_file, *odd, "--csv", "--windows")
    assert [row for row in csv.DictReader(io.StringIO(out)) if row["remark"].startswith(REMARK)]
    _, out, _ = rattle("score", bundle_file, *odd, "--json")
    said = json.loads(out)
    assert said["clips"][0]["remark"] is None
    assert said["clips"][1]["remark"].startswith(REMARK)
    assert REFUSAL in said["errors"][0]["error"]


def test_train_and_evaluate_say_what_they_leave_out(
    rattle: Any, factory: Path, tiny_recipe_file: Path, odd: list[Path], tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "runs"
    shutil.copytree(factory, data)
    (fan,) = data.rglob("synth_fan")
    shutil.copy(odd[2], fan / "train" / "normal_id_00_90.wav")
    told = ("--recipe", tiny_recipe_file, "--device", "cpu", "--out", out)
    code, _, err = rattle("train", data, "--machine", "synth_fan/id_00", *told)
    assert code == 0
    left_out = "1 of 25 clips are left out: "
    assert f"synth_fan/id_00: {left_out}{fan / 'train' / 'normal_id_00_90.wav'}" in err
    shutil.copy(odd[2], fan / "test" / "anomaly_id_00_90.wav")
    shutil.copy(odd[1], fan / "test" / "normal_id_00_91.mp3")
    code, _, err = rattle("evaluate", data, "--bundles", out / "synth_fan_id_00.rattle")
    assert code == 1
    assert "anomaly_id_00_90.wav: not fit to be judged: silent for 3 s" in err
    remarked = "synth_fan/id_00: 1 of 8 test clips have a remark, such as "
    assert remarked in err
    report = next(out.rglob("report.html")).read_text()
    assert remarked in report
    assert "not fit to be judged: silent for 3 s" in report


def test_check_names_them_in_the_same_words(rattle: Any, odd: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "press" / "normal"
    folder.mkdir(parents=True)
    frozen = np.resize(np.random.default_rng(0).normal(0, 0.05, 4000), 9 * RATE_HZ)
    shutil.copy(odd[2], folder / "dead.wav")
    sf.write(folder / "frozen.wav", frozen, RATE_HZ)
    _, out, _ = rattle("check", tmp_path / "press")
    assert "dead.wav: silent for 3 s; training and scoring leave it out" in out
    assert "frozen.wav: frozen for 8.75 s; training and scoring leave it out" in out
