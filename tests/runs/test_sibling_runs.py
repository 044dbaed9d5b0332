"""Siblings side by side: tasks of a grid, whose results a training finds in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle import Detector, Machine, Manifest, Recipe
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Watch
from rattle.errors import Interrupted
from rattle.grid.siblings import train_siblings
from rattle.runs.folder import RunFolder
from rattle.runs.siblings import SiblingRun, SiblingRuns
from rattle.runs.write import run_in_folder
from what_was_learnt import weights_in

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture(scope="module")
def job(clips: Manifest, tiny_fleet: Recipe) -> FleetJob:
    return FleetJob(clips, (FAN, VALVE), tiny_fleet, device="cpu")


def trained(job: FleetJob, out: Path, *, side_by_side: bool) -> list[int]:
    """Train into a folder; which siblings were trained one by one, with a turn for each step."""
    turns: list[int] = []

    def before(identity: str, folder: RunFolder) -> None:
        if side_by_side:
            shared = SiblingRuns(folder.path, job, identity)
            train_siblings(shared, 2, on_change=lambda _: None, stop=lambda: False)
            assert all(SiblingRun(turn).is_done(folder.path) for turn in range(1, 5))

    watch = Watch(on_sibling_step=lambda turn, _: turns.append(turn))
    run_in_folder(job, out, resume=False, watch=watch, before=before)
    return turns


def test_side_by_side_they_say_what_they_say_one_by_one(job: FleetJob, tmp_path: Path) -> None:
    assert trained(job, tmp_path / "beside", side_by_side=True) == []
    assert len(trained(job, tmp_path / "after", side_by_side=False)) == 4 * 6
    beside, after = (tmp_path / name / f"{FAN.slug}.rattle" for name in ("beside", "after"))
    assert weights_in(beside) == weights_in(after)
    scores = [Detector.load(bundle).decision.healthy for bundle in (beside, after)]
    assert scores[0] == pytest.approx(scores[1], rel=0.05)  # the number of threads may differ


def test_one_that_is_asked_to_stop_keeps_its_state(job: FleetJob, tmp_path: Path) -> None:
    shared = SiblingRuns(tmp_path, job, "some training")
    with pytest.raises(Interrupted):
        shared.run(SiblingRun(1), lambda: True)
    assert not SiblingRun(1).is_done(tmp_path)
