"""``rattle rehearse``: words, JSON, which healthy clips are taken, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Machine, Manifest
from rattle.runtime.healthy import stored_clips
from rattle.runtime.rehearsal import LEVELS_DB, NOTICE, RATES, rehearse
from rattle.runtime.rehearsal_said import heard_said
from rattle.synthetic import FAULT_KINDS

FAN = Machine("synth_fan", "id_00")


@pytest.fixture(scope="session")
def fleet_file(fleet: dict[Machine, Detector], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that keeps the sound of healthy clips. Read only."""
    path = tmp_path_factory.mktemp("bundles") / "synth_fan_id_00.rattle"
    fleet[FAN].save(path)
    return path


@pytest.fixture
def normals(clips: Manifest) -> list[str]:
    """Healthy recordings that no detector has learnt from."""
    return list(clips.of(FAN, split="test", label="normal").table["path"])


def test_it_says_that_it_is_synthetic_what_is_found_and_from_which_level_on(
    rattle: Any, fleet_file: Path, fleet: dict[Machine, Detector]
) -> None:
    code, out, err = rattle("rehearse", fleet_file)
    assert (code, err) == (0, "")
    first, *lines = out.splitlines()
    assert first == f"synth_fan/id_00: a rehearsal. {NOTICE}"
    rehearsal = rehearse(fleet[FAN], stored_clips(fleet[FAN]))
    assert f"present threshold, {rehearsal.threshold.value:.4g} (asked for 5 % false" in out
    assert "fault        -30 dB -25 dB" in out
    for kind in FAULT_KINDS:
        (row,) = (line for line in lines if re.match(rf"{kind} +[0-9]", line))
        told = [int(share) for share in re.findall(r"([0-9]+) %", row)]
        assert told == [
            round(100 * rehearsal.found(rehearsal.threshold.value, kind=kind, level_db=db).value)
            for db in LEVELS_DB
        ]
    for sentence in heard_said(rehearsal, rehearsal.threshold.value):
        assert sentence in lines
    assert sum(bool(re.match(r" +[0-9]+ %", line)) for line in lines) == len(RATES)
    assert "* 12 healthy clips cannot show a false-alarm rate of 1 %, 2 %, 5 %" in out


def test_json_holds_every_share_its_interval_and_every_score(
    rattle: Any, fleet_file: Path, fleet: dict[Machine, Detector]
) -> None:
    code, out, _ = rattle("rehearse", fleet_file, "--json", "--seed", 2)

    def no_number(name: str) -> None:
        raise AssertionError(name)

    told = json.loads(out, parse_constant=no_number)
    assert code == 0
    rehearsal = rehearse(fleet[FAN], stored_clips(fleet[FAN]), seed=2)
    assert (told["machine"], told["synthetic"], told["seed"]) == ("synth_fan/id_00", NOTICE, 2)
    assert told["threshold"]["value"] == pytest.approx(rehearsal.threshold.value)
    assert told["healthy"]["clips"] == len(told["healthy"]["scores"]) == 2
    assert [*told["half_found_from_db"]] == [*FAULT_KINDS]
    assert [(each["kind"], each["level_db"]) for each in told["faults"]] == [
        (laid.kind, laid.level_db) for laid in rehearsal.faults
    ]
    for each, laid in zip(told["faults"], rehearsal.faults, strict=True):
        assert each["scores"] == pytest.approx(laid.scores)
        assert 0 <= each["found"]["low"] <= each["found"]["value"] <= each["found"]["high"] <= 1
    assert [each["asked"] for each in told["rates"]] == [*RATES]
    assert [each["supported"] for each in told["rates"]] == [each >= 0.1 for each in RATES]
    assert {*told["rates"][0]["found"]} == {"value", "low", "high"}


def test_a_seed_repeats_it_and_another_draws_other_faults(rattle: Any, fleet_file: Path) -> None:
    first, again, other = (
        json.loads(rattle("rehearse", fleet_file, "--json", "--seed", seed).out)["faults"]
        for seed in (1, 1, 5)
    )
    assert first == again
    assert first != other


def test_recordings_given_take_the_place_of_the_stored_ones(
    rattle: Any, bundle_file: Path, normals: list[str]
) -> None:
    code, out, err = rattle("rehearse", bundle_file, *normals, "--device", "cpu")
    assert (code, err) == (0, "")
    assert f"of {len(normals)} healthy clips" in out


def test_recordings_that_the_detector_learnt_from_are_left_out_and_said(
    rattle: Any,
    bundle_file: Path,
    detector: Detector,
    clips: Manifest,
    normals: list[str],
    tmp_path: Path,
) -> None:
    learnt = {*detector.info.provenance.trained}
    known = next(clip.path for clip in clips.of(FAN) if clip.content_hash in learnt)
    shutil.copy(known, tmp_path / "known.wav")
    shutil.copy(normals[0], tmp_path / "new.wav")
    code, out, err = rattle("rehearse", bundle_file, tmp_path)
    assert code == 0
    assert "of 1 healthy clip " in out
    assert err == (
        "rattle: warning: left out, since the detector has learnt from them: 1 of the 2 "
        "recordings\n"
    )
    code, out, err = rattle("rehearse", bundle_file, known)
    assert (code, out) == (2, "")
    assert "has learnt from every recording given (1)" in err


def test_a_bundle_that_keeps_no_sound_says_what_to_give(rattle: Any, bundle_file: Path) -> None:
    code, out, err = rattle("rehearse", bundle_file)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "keeps no healthy sound to lay faults over; give healthy recordings" in err


def test_a_broken_recording_is_one_line_and_no_rehearsal(
    rattle: Any, bundle_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    code, out, err = rattle("rehearse", bundle_file, tmp_path)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "broken.wav" in err


def test_a_negative_seed_names_the_option(rattle: Any, fleet_file: Path) -> None:
    code, _, err = rattle("rehearse", fleet_file, "--seed=-1")
    assert code == 2
    assert "the seed is a whole number from 0, not -1 (--seed)" in err


# The report of an evaluation


def test_an_evaluation_rehearses_where_it_is_asked_to(
    rattle: Any, factory: Path, bundle_file: Path, tmp_path: Path
) -> None:
    words = ["evaluate", factory, "--bundles", bundle_file, "--out", tmp_path]
    assert rattle(*words).code == 0
    assert NOTICE not in (tmp_path / "report.html").read_text().replace("&#39;", "'")
    assert rattle(*words, "--rehearse").code == 0
    page = (tmp_path / "report.html").read_text().replace("&#39;", "'")
    assert NOTICE in page
    # Over the test clips labelled normal.
    assert "of 3 healthy clips" in page


def test_an_evaluation_without_a_normal_clip_takes_the_stored_ones_or_says_why_not(
    rattle: Any, clips: Manifest, fleet_file: Path, bundle_file: Path, tmp_path: Path
) -> None:
    faults = tmp_path / "data/dev_data/synth_fan/test"
    faults.mkdir(parents=True)
    for path in clips.of(FAN, split="test", label="anomaly").table["path"]:
        shutil.copy(path, faults)
    words = ["--out", tmp_path, "--rehearse"]
    code, _, err = rattle("evaluate", tmp_path / "data", "--bundles", fleet_file, *words)
    assert code == 0
    assert "not rehearsed" not in err
    assert "of 2 healthy clips" in (tmp_path / "report.html").read_text()
    code, _, err = rattle("evaluate", tmp_path / "data", "--bundles", bundle_file, *words)
    assert code == 0
    assert "warning: synth_fan/id_00 is not rehearsed: the bundle of synth_fan/id_00 keeps" in err
    assert "of 2 healthy clips" not in (tmp_path / "report.html").read_text()
