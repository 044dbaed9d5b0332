"""Scoring a model's test clips, and those of runs that left no outcome."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from made_up_runs import random_outcome
from rattle import Detector, Machine, Manifest
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.job import Recordings
from rattle.errors import ClipError, DataError, Interrupted, TrainingError
from rattle.experiments.page.series import measure
from rattle.runs.folder import RunFolder
from rattle.runs.score import leave_outcome, with_outcome
from rattle.scoring.clip import ClipParts

FAN = Machine("synth_fan", "id_00")


def test_clips_that_the_detector_learnt_from_are_not_tested(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    origin = detector.info.provenance
    copies = [
        dataclasses.replace(clip, split="test")
        for clip in clips
        if clip.content_hash in (origin.trained[0], origin.held_out[0])
    ]
    assert len(copies) == 2
    outcome = leave_outcome(RunFolder(tmp_path), detector, Manifest.from_clips([*clips, *copies]))
    assert len(outcome.clips) == 6
    assert outcome == leave_outcome(RunFolder(tmp_path), detector, clips)


def test_a_stop_between_clips_leaves_no_outcome(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    scored = []

    def on_clip() -> None:
        scored.append(None)
        if len(scored) == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        leave_outcome(RunFolder(tmp_path), detector, clips, on_clip=on_clip)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_cannot_be_read_is_named(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    first, *rest = clips.of(FAN, split="test")
    gone = dataclasses.replace(first, path="/nowhere/gone.wav", content_hash="0" * 64)
    with pytest.raises(ClipError, match=r"/nowhere/gone\.wav"):
        leave_outcome(RunFolder(tmp_path), detector, Manifest.from_clips([gone, *rest]))
    assert list(tmp_path.iterdir()) == []


def test_figures_that_are_not_finite_are_told_with_their_clip(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    class Broken:
        def parts(self, log_mel: np.ndarray) -> ClipParts:
            return ClipParts(np.zeros(1), None, np.array([np.nan]))

    broken = dataclasses.replace(detector, model=Broken())
    with pytest.raises(TrainingError, match=r"synth_fan/id_00 gives .*\.wav a figure .*not finite"):
        leave_outcome(RunFolder(tmp_path), broken, clips)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def run(detector, tmp_path: Path, read):
    detector.save(tmp_path / "synth_fan_id_00.rattle")
    ((run,), _) = read(tmp_path)
    return run


def test_scores_are_the_detectors_and_are_kept_in_the_run(run, detector, clips, read) -> None:
    scored = with_outcome(run, clips)
    test = clips.of(detector.machine, split="test", label="anomaly")
    expected = [clip.score for clip in detector.score([c.path for c in test])]
    assert measure(scored.outcome, "fixed").anomaly == pytest.approx(expected, abs=1e-4)
    ((again,), notes) = read(run.folder.path.parent)
    assert notes == []
    assert again.outcome == scored.outcome


def test_the_same_clips_are_not_scored_twice_and_others_are(run, clips: Manifest) -> None:
    scored = with_outcome(run, clips)
    assert with_outcome(scored, clips) is scored
    fewer = Manifest(clips.table.filter(clips.table["label"] == "normal"))
    assert {clip.label for clip in with_outcome(scored, fewer).outcome.clips} == {"normal"}


def test_anomalies_that_an_adapted_model_learnt_from_are_in_no_figure(
    detector, clips: Manifest, tmp_path: Path, read
) -> None:
    machine = detector.machine
    learnt = list(clips.of(machine, split="test", label="anomaly"))[:1]
    job = AdaptJob(
        detector,
        Manifest.from_clips(learnt),
        Manifest(clips.table.clear()),
        Recordings(clips),
        device="cpu",
    )
    (adapted,) = make(job)
    adapted.save(tmp_path / "adapted.rattle")
    ((run,), _) = read(tmp_path)
    assert run.anomalies == 1
    outcome = with_outcome(run, clips).outcome
    assert (outcome.anomalies, outcome.drawn) == (1, (learnt[0].content_hash,))
    assert measure(outcome, "fixed").anomaly.size == 2


def test_data_without_test_clips_of_the_machine_are_refused(run, clips: Manifest) -> None:
    others = Manifest(clips.table.filter(clips.table["machine_type"] != "synth_fan"))
    with pytest.raises(DataError, match="no test clip of synth_fan/id_00"):
        with_outcome(run, others)
    assert not run.scored.path.exists()


def test_a_run_that_brought_its_outcome_stays_as_it_is(leave, read, clips, tmp_path) -> None:
    leave(tmp_path, random_outcome(machine="synth_fan/id_00"))
    ((run,), _) = read(tmp_path)
    assert with_outcome(run, clips) is run
