"""What a training or an adaptation says of the clips that it has, in words."""

from __future__ import annotations

import pytest

from rattle.cli.terminal.progress import TrainingProgress
from rattle.clips.manifest import Manifest
from rattle.detector.job import NewClips, Recovered
from rattle.learning.outliers import OutlierPool


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
