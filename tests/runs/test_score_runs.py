"""Scoring the test clips of runs that left no outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle import Manifest
from rattle.detector.adapt import AdaptJob
from rattle.detector.fit import Recordings
from rattle.errors import DataError
from rattle.experiments.page.series import measure
from rattle.runs.score import with_outcome


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
    ((again,), notes) = read(run.place.folder.parent)
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
    job.run().save(tmp_path / "adapted.rattle")
    ((run,), _) = read(tmp_path)
    assert run.anomalies == 1
    outcome = with_outcome(run, clips).outcome
    assert (outcome.anomalies, outcome.drawn) == (1, (learnt[0].content_hash,))
    assert measure(outcome, "fixed").anomaly.size == 2


def test_data_without_test_clips_of_the_machine_are_refused(run, clips: Manifest) -> None:
    others = Manifest(clips.table.filter(clips.table["machine_type"] != "synth_fan"))
    with pytest.raises(DataError, match="no test clip of synth_fan/id_00"):
        with_outcome(run, others)
    assert not run.scored.exists()


def test_a_run_that_brought_its_outcome_stays_as_it_is(leave, read, clips, tmp_path) -> None:
    from made_up_runs import random_outcome

    leave(tmp_path, random_outcome(machine="synth_fan/id_00"))
    ((run,), _) = read(tmp_path)
    assert with_outcome(run, clips) is run
