"""``rattle explain``: text, JSON, a picture, and every clip accounted for."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rattle import Detector, Machine, Manifest
from rattle.bundle import read_bundle, write_bundle
from rattle.diagnosis.sentence import sentence
from rattle.runtime.explanation import Explanation, bands, explain
from svg_picture import svg_file

FAN = Machine("synth_fan", "id_00")


@pytest.fixture
def faults(clips: Manifest, tmp_path: Path) -> list[str]:
    """Clips with a fault; the first one whistles too, at 1,234 and at 3,500 Hz."""
    first, *others = clips.of(FAN, split="test", label="anomaly").table["path"]
    samples, rate_hz = sf.read(first)
    at_s = np.arange(len(samples)) / rate_hz
    for hz in (1234, 3500):
        samples = samples + 0.05 * np.sin(2 * np.pi * hz * at_s)
    (tmp_path / "whistle").mkdir()
    sf.write(tmp_path / "whistle" / "anomaly.wav", samples, rate_hz)
    return [str(tmp_path / "whistle" / "anomaly.wav"), *others]


@pytest.fixture
def explained(bundle_file: Path, faults: list[str]) -> Explanation:
    """The first fault, as ``rattle explain`` hears it."""
    detector = Detector.load(bundle_file, device="cpu")
    return explain(detector, detector, faults[0])


def numbered(out: str) -> list[str]:
    """The differences that a text lists."""
    return re.findall(r"^  [0-9]+\. (.*)$", out, re.MULTILINE)


# Text


def test_it_tells_the_decision_what_differs_and_the_nearest_clip(
    rattle: Any, bundle_file: Path, faults: list[str], explained: Explanation
) -> None:
    code, out, err = rattle("explain", bundle_file, faults[0])
    assert (code, err) == (0, "")
    score = explained.score
    decision = "ANOMALOUS" if score.anomalous else "normal"
    first, *rest = out.splitlines()
    assert first == (
        f"{faults[0]}: {decision}, score {score.score:.4g}, threshold {score.threshold:.4g}"
    )
    expected = [sentence(each, 12) for each in explained.telling[:5]]
    assert expected
    assert numbered(out) == expected
    assert explained.normal is not None
    assert f"Most like the healthy clip {explained.normal.name}" in rest[-1]


def test_most_is_how_many_differences_are_named(
    rattle: Any, bundle_file: Path, faults: list[str], explained: Explanation
) -> None:
    assert len(explained.telling) > 1
    out = rattle("explain", bundle_file, faults[0], "--most", 1).out
    assert numbered(out) == [sentence(explained.telling[0], 12)]
    out = rattle("explain", bundle_file, faults[0], "--most", 1000).out
    assert len(numbered(out)) == len(explained.telling)


def test_a_folder_stands_for_the_recordings_below_it(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    deep = tmp_path / "given" / "deep"
    deep.mkdir(parents=True)
    for path, folder in zip(faults, (deep, deep.parent, deep), strict=True):
        shutil.copy(path, folder)
    out = rattle("explain", bundle_file, deep.parent).out
    told = {line.split(": ")[0] for line in out.splitlines() if line.startswith(str(tmp_path))}
    assert told == {str(path) for path in deep.parent.rglob("*.wav")}
    assert len(told) == 3


# JSON


def test_json_holds_all_differences_as_sentences_every_band_and_what_is_near(
    rattle: Any, bundle_file: Path, faults: list[str], explained: Explanation
) -> None:
    code, out, _ = rattle("explain", bundle_file, *faults[:2], "--json", "--most", 1)

    def no_number(name: str) -> None:
        raise AssertionError(name)

    told = json.loads(out, parse_constant=no_number)
    assert code == 0
    assert told["machine"] == "synth_fan/id_00"
    assert [clip["path"] for clip in told["clips"]] == faults[:2]
    clip = told["clips"][0]
    assert clip["score"] == pytest.approx(explained.score.score)
    assert clip["anomalous"] is explained.score.anomalous
    assert clip["healthy_clips"] == 12
    assert [each["sentence"] for each in clip["differences"]] == [
        sentence(each, 12) for each in explained.differences
    ]
    assert [each["kind"] for each in clip["differences"]] == [
        each.kind for each in explained.differences
    ]
    assert [(each["low_hz"], each["high_hz"]) for each in clip["reactions"]] == bands(16_000)
    assert [each["fall"] for each in clip["reactions"]] == pytest.approx(
        [each.fall for each in explained.reactions]
    )
    assert explained.normal is not None
    assert clip["nearest_normal"]["name"] == explained.normal.name
    assert clip["nearest_anomaly"] is None


# The picture


def test_a_picture_is_drawn_beside_what_is_said(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "new" / "why.svg"
    plain = rattle("explain", bundle_file, faults[0])
    assert rattle("explain", bundle_file, faults[0], "--picture", picture) == plain
    root = svg_file(picture)
    assert root.get("aria-label") == Path(faults[0]).name
    marks = [text.text for text in root.iter() if text.get("font-weight")]
    assert marks == [str(number) for number in range(1, len(numbered(plain.out)) + 1)]


@pytest.mark.skipif(sys.platform == "win32", reason="no name of a file there holds such a sign")
def test_a_name_that_xml_cannot_hold_is_drawn_all_the_same(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    odd = str(tmp_path / "red\x1b[31m.wav")
    shutil.copy(faults[0], odd)
    code, out, err = rattle("explain", bundle_file, odd, "--json", "--picture", tmp_path / "x.svg")
    assert (code, err) == (0, "")
    assert json.loads(out)["clips"][0]["path"] == odd
    assert svg_file(tmp_path / "x.svg").get("aria-label") == "red?[31m.wav"


def test_a_click_is_explained(rattle: Any, bundle_file: Path, tmp_path: Path) -> None:
    sf.write(tmp_path / "click.wav", np.full(40, 0.5), 16_000)
    picture = tmp_path / "click.svg"
    code, out, _ = rattle("explain", bundle_file, tmp_path / "click.wav", "--picture", picture)
    assert code == 0
    assert numbered(out)
    assert "nan" not in out + picture.read_text()
    assert svg_file(picture).get("aria-label") == "click.wav"


def test_silence_is_refused_as_it_is_when_scored(
    rattle: Any, bundle_file: Path, tmp_path: Path
) -> None:
    sf.write(tmp_path / "silence.wav", np.zeros(48_000), 16_000)
    code, _, err = rattle("explain", bundle_file, tmp_path / "silence.wav")
    assert code == 1
    assert "silence.wav: not fit to be judged: silent for 3 s" in err


# What cannot be done


def test_an_unreadable_clip_does_not_stop_the_others(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(Path(faults[0]).read_bytes()[:20_000])
    code, out, err = rattle("explain", bundle_file, faults[0], broken, faults[1])
    assert code == 1
    assert [line for line in err.splitlines() if line.startswith("rattle: error: ")] == [
        err.rstrip()
    ]
    assert str(broken) in err
    for path in faults[:2]:
        assert f"{path}: " in out
    code, out, err = rattle("explain", bundle_file, faults[0], broken, "--json")
    assert (code, str(broken) in err) == (1, True)
    assert [clip["path"] for clip in json.loads(out)["clips"]] == faults[:1]


def test_of_an_unreadable_clip_no_picture_is_left(
    rattle: Any, bundle_file: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    picture = tmp_path / "why.svg"
    assert rattle("explain", bundle_file, broken, "--picture", picture).code == 1
    assert not picture.exists()


def test_a_picture_is_of_one_recording(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "why.svg"
    code, out, err = rattle("explain", bundle_file, *faults[:2], "--picture", picture)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "--picture is of one recording; 2 were given" in err
    assert not picture.exists()


@pytest.mark.parametrize("most", [0, -1])
def test_none_cannot_be_named(rattle: Any, bundle_file: Path, faults: list[str], most: int) -> None:
    code, out, err = rattle("explain", bundle_file, faults[0], f"--most={most}")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"--most is 1 or more; {most} was given" in err


def test_a_bundle_without_a_reference_says_what_to_do(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    older = tmp_path / "older.rattle"
    write_bundle(replace(read_bundle(bundle_file), reference=None), older)
    code, out, err = rattle("explain", older, faults[0])
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "keeps no reference of its healthy clips; train it again" in err


# What a training leaves


def test_a_bundle_keeps_a_reference_of_the_healthy_clips_that_it_was_trained_on(
    train: Any, rattle: Any, faults: list[str], tmp_path: Path
) -> None:
    assert train().code == 0
    (bundle,) = (tmp_path / "out").rglob("*.rattle")
    reference = read_bundle(bundle).reference
    assert reference is not None
    assert (reference.clips, reference.sample_rate_hz) == (12, 16_000)
    assert rattle("explain", bundle, faults[0]).code == 0


def test_of_a_long_recording_it_says_which_seconds_are_explained(
    rattle: Any, bundle_file: Path, faults: list[str], tmp_path: Path
) -> None:
    samples, rate_hz = sf.read(faults[0])
    sf.write(tmp_path / "shift.wav", np.resize(samples, 31 * rate_hz), rate_hz)
    code, out, _ = rattle("explain", bundle_file, tmp_path / "shift.wav")
    assert code == 0
    found = re.match(r".*shift\.wav, ([0-9.]+) to ([0-9.]+) s: ", out)
    assert found
    assert 0 <= float(found[1]) < float(found[2]) <= 31
    code, out, _ = rattle("explain", bundle_file, tmp_path / "shift.wav", "--json")
    (clip,) = json.loads(out)["clips"]
    assert [f"{clip[name]:.1f}" for name in ("start_s", "end_s")] == [found[1], found[2]]
