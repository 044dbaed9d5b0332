"""Scoring each machine's test clips with its detector, and what is said of those left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import soundfile as sf

from rattle import BundleError, DataError, Detector, Machine, Manifest
from rattle.bundle.schema import Provenance
from rattle.clips.clip import Clip
from rattle.clips.content import file_hash
from rattle.clips.layouts import load_manifest
from rattle.evaluation.scored import SCORED, check_scored
from rattle.evaluation.scoring import load_bundles, score_machines, score_pair

FAN = Machine("synth_fan", "id_00")


def coming_from(detector: Detector, **changes: object) -> Detector:
    """The detector with another provenance."""
    origin: Provenance = detector.info.provenance.model_copy(update=changes)
    info = detector.info.model_copy(update={"provenance": origin})
    return dataclasses.replace(detector, info=info)


@pytest.mark.parametrize("scale", ["fixed", "paper"])
def test_the_table_holds_the_detectors_own_scores(
    scale: str, detector: Detector, clips: Manifest
) -> None:
    test = clips.of(FAN, split="test")
    scored = score_machines([detector], clips, scale=scale)
    check_scored(scored.table)
    assert scored.table.schema == SCORED
    assert scored.unread == 0
    expected = detector.score(list(test.table["path"]), scale=scale)
    for row, clip, score in zip(scored.table.iter_rows(named=True), test, expected, strict=True):
        assert (row["machine_type"], row["machine_id"]) == FAN
        assert (row["path"], row["label"], row["domain"]) == (clip.path, clip.label, clip.domain)
        for column in ("score", "posterior", "distance", "threshold", "anomalous"):
            assert row[column] == getattr(score, column)


@pytest.mark.parametrize("use", ["trained", "held_out", "validation"])
def test_clips_that_the_detector_has_seen_are_left_out(
    use: str, detector: Detector, clips: Manifest
) -> None:
    test = clips.of(FAN, split="test").table
    seen = coming_from(detector, **{use: tuple(test["content_hash"][:2])})
    scored = score_machines([seen], clips)
    assert list(scored.table["path"]) == list(test["path"][2:])
    assert any("2 of 6 test clips were used in training" in note for note in scored.notes)


def test_a_copy_under_another_name_counts_as_seen(detector: Detector, clips: Manifest) -> None:
    normal = next(iter(clips.of(FAN, split="train")))
    copy = dataclasses.replace(normal, path="/elsewhere/new-name.wav", split="test")
    with pytest.raises(DataError, match="no test clip of synth_fan/id_00 that can be scored"):
        score_machines([detector], Manifest.from_clips([copy]))


def test_a_machine_without_test_clips_is_a_note_beside_others(
    detector: Detector, clips: Manifest
) -> None:
    info = detector.info.model_copy(update={"machine": "press-3"})
    other = dataclasses.replace(detector, info=info)
    scored = score_machines([other, detector], clips)
    assert "press-3: no test clip in the data" in scored.notes
    assert set(scored.table["machine_type"]) == {"synth_fan"}


def test_one_note_tells_of_all_machines_with_too_few_normals(
    fleet: dict[Machine, Detector], clips: Manifest
) -> None:
    (note,) = score_machines(list(fleet.values()), clips).notes
    assert note.startswith(
        "too few healthy clips to show a false-alarm rate of 5.0%, which takes 19"
    )
    for machine, detector in fleet.items():
        assert f"{machine} has {detector.threshold.clips}" in note


def test_another_rate_is_noted_for_what_it_takes(
    fleet: dict[Machine, Detector], clips: Manifest
) -> None:
    assert score_machines([of.at_rate(0.1) for of in fleet.values()], clips).notes == ()


def test_substitute_outliers_and_a_weak_threshold_are_notes(
    detector: Detector, clips: Manifest
) -> None:
    made_up = coming_from(detector, outliers_substitute=True)
    notes = score_machines([made_up], clips).notes
    assert "synth_fan/id_00: trained against substitute outliers" in notes
    assert f"synth_fan/id_00: {detector.threshold.warning}" in notes


def test_unreadable_clips_are_counted_and_named(detector: Detector, clips: Manifest) -> None:
    test = list(clips.of(FAN, split="test"))
    gone: Clip = dataclasses.replace(test[0], path="/gone.wav")
    scored = score_machines([detector], Manifest.from_clips([gone, *test[1:]]))
    assert scored.unread == 1
    assert any("/gone.wav: there is no such file" in note for note in scored.notes)
    assert set(scored.table["path"]) == {clip.path for clip in test[1:]}


def test_bundles_load_from_a_folder_or_a_file(bundle_file: Path) -> None:
    for path in (bundle_file, bundle_file.parent):
        (detector,) = load_bundles(path, device="cpu")
        assert detector.machine == FAN


def test_two_bundles_of_one_machine_are_refused_by_name(bundle_file: Path, tmp_path: Path) -> None:
    for name in ("new.rattle", "old.rattle"):
        (tmp_path / name).write_bytes(bundle_file.read_bytes())
    with pytest.raises(DataError, match=r"new\.rattle and .*old\.rattle are both of synth_fan"):
        load_bundles(tmp_path)


def test_a_damaged_bundle_stops_the_evaluation(bundle_file: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.rattle").write_bytes(bundle_file.read_bytes()[:-9])
    with pytest.raises(BundleError, match=r"cut\.rattle"):
        load_bundles(tmp_path)


def as_test_clip(path: Path, folder: Path) -> Manifest:
    """A recording in another file format, as a test clip of the fan."""
    samples, rate_hz = sf.read(path, dtype="int16")
    copy = folder / "synth_fan" / "test" / "normal_id_00_00000099.flac"
    copy.parent.mkdir(parents=True)
    sf.write(copy, samples, rate_hz, subtype="PCM_24")
    return load_manifest(folder)


def test_a_training_clip_in_another_file_format_counts_as_seen(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    trained = next(iter(clips.with_content(detector.info.provenance.trained)))
    copy = as_test_clip(Path(trained.path), tmp_path)
    both = Manifest.from_clips([*clips, *copy])
    scored = score_machines([detector], both)
    assert len(scored.table) == len(clips.of(FAN, split="test"))
    assert any("1 of 7 test clips were used in training" in note for note in scored.notes)
    pair = score_pair(detector, detector, both)
    assert len(pair.new) == len(scored.table)
    assert any("1 of 7 test clips were used in training" in note for note in pair.notes)


def test_a_bundle_that_knows_files_by_their_bytes_is_told_by_these(
    detector: Detector, clips: Manifest
) -> None:
    test = clips.of(FAN, split="test")
    paths = test.table["path"].to_list()
    old = coming_from(detector, trained=(file_hash(Path(paths[0])),))
    assert list(score_machines([old], clips).table["path"]) == paths[1:]
    assert list(score_pair(old, detector, clips).old["path"]) == paths[1:]
