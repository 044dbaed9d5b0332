"""What a training or an adaptation says of the clips that it has, in words."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from rattle.cli.terminal import progress as module
from rattle.cli.terminal.progress import TrainingProgress
from rattle.clips.manifest import Manifest
from rattle.detector.job import NewClips, Recovered
from rattle.learning.outliers import OutlierPool
from rattle.learning.train import Step
from rattle.runs.siblings import SiblingRun


@pytest.fixture
def progress() -> TrainingProgress:
    return TrainingProgress("fan/id_00", 10, siblings=0, takes_outliers=True)


@pytest.mark.parametrize(
    ("recovered", "lines"),
    [
        (
            Recovered((10, 10), (2, 2), (0, 0), 0, None, True),
            ["known clips: 10 of 10 trained on, 2 of 2 held out; found again"],
        ),
        (
            Recovered((10, 10), (2, 2), (0, 1), 8, 12, True),
            [
                "known clips: 10 of 10 trained on, 2 of 2 held out, 0 of 1 anomalies; found again, "
                "8 only in the bundle's replay set",
                "outliers: from the bundle's replay set",
            ],
        ),
        (
            Recovered((4, 10), (2, 2), (0, 0), 0, 12, False),
            [
                "known clips: 4 of 10 trained on, 2 of 2 held out, 12 outliers; all from the "
                "bundle's replay set"
            ],
        ),
    ],
    ids=["recordings", "some of them", "replay"],
)
def test_what_is_at_hand_again_is_counted(
    recovered: Recovered,
    lines: list[str],
    progress: TrainingProgress,
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress.on_recovered(recovered)
    assert capsys.readouterr().err.splitlines() == [f"fan/id_00: {line}" for line in lines]


@pytest.mark.parametrize(("takes_outliers", "hint"), [(True, " (--outliers FOLDER)"), (False, "")])
def test_substitutes_name_the_option_where_there_is_one(
    takes_outliers: bool, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = OutlierPool(Manifest.from_clips([]), "SUBSTITUTES", substitute=True)
    TrainingProgress("fan/id_00", 10, siblings=0, takes_outliers=takes_outliers).on_pool(pool)
    assert capsys.readouterr().err == f"fan/id_00: outliers: SUBSTITUTES{hint}\n"


def test_new_clips_are_counted_and_what_changes_sides_is_said(
    progress: TrainingProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.on_new_clips(NewClips(2, 0, 0, were_normal=2, were_anomalies=0))
    progress.on_new_clips(NewClips(0, 5, 1, were_normal=0, were_anomalies=2))
    assert capsys.readouterr().err.splitlines() == [
        "fan/id_00: new clips: 2 anomalies, 0 normal",
        "fan/id_00: 2 clips were taken for normal before and are anomalies now",
        "fan/id_00: new clips: 0 anomalies, 5 normal (1 of them held out)",
        "fan/id_00: 2 clips were anomalies before and are normal now",
    ]


def test_siblings_side_by_side_show_how_many_are_trained_and_where_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = TrainingProgress("fan/id_00", 10, siblings=4, takes_outliers=True)
    steps = [json.dumps(asdict(Step(iteration, 0.5, None, None))) for iteration in (6, 7)]
    (tmp_path / "sibling-2.jsonl").write_text("\n".join(steps) + "\n")
    grid = SimpleNamespace(
        shared=SimpleNamespace(folder=tmp_path),
        total=4,
        done=[SiblingRun(1)],
        running={SiblingRun(3): 0.0, SiblingRun(2): 0.0},
        left_s=lambda workers: 30.0 / workers,
    )
    shown.on_siblings(grid)
    assert capsys.readouterr().err == (
        "fan/id_00: for the threshold: 1 of 4 trained, at iterations 7 and 0 of 10, 15 s left\n"
    )


def test_siblings_one_by_one_count_towards_the_time_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 100.0, 120.0, 120.0, 140.0, 140.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    shown = TrainingProgress("fan/id_00", 10, siblings=1, takes_outliers=True)
    for iteration in (1, 5):
        shown.on_sibling_step(1, Step(iteration, 0.5, None, None))
    shown.on_step(Step(3, 0.5, None, None))
    said = capsys.readouterr().err.splitlines()
    assert "for the threshold, 1 of 1: iteration 1/10, loss 0.500, starting" in said[0]
    # 4 iterations took 20 s; 15 of 20 are left.
    assert said[1].endswith("0.20 it/s, 75 s left")
    assert "the detector: iteration 3/10" in said[2]
    assert said[2].endswith("0.30 it/s, 23 s left")
