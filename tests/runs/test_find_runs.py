"""Where runs are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle.errors import DataError
from rattle.runs.find import find_runs


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def names(*paths: Path) -> list[str]:
    return [run.name for run in find_runs(paths)]


def test_folders_are_searched_to_the_bottom(tmp_path: Path) -> None:
    touch(
        tmp_path / "bce/seed-0/fan/environment.json",
        tmp_path / "bce/seed-0/anomalies-1-of-8/fan/outcome.json",
        tmp_path / "dsad/seed-0/press-3.1.rattle",
        tmp_path / "clips.csv",
        tmp_path / "recipe.toml",
        tmp_path / "notes/readme.txt",
    )
    assert names(tmp_path) == [
        "bce/seed-0/anomalies-1-of-8/fan",
        "bce/seed-0/fan",
        "dsad/seed-0/press-3.1",
    ]


def test_a_bundle_and_its_run_folder_are_one_run(tmp_path: Path) -> None:
    touch(tmp_path / "fan.rattle", tmp_path / "fan/metrics.jsonl")
    (run,) = find_runs([tmp_path, tmp_path / "fan", tmp_path / "fan.rattle"])
    assert run.folder.path == tmp_path / "fan"
    assert run.folder.bundle == tmp_path / "fan.rattle"


def test_what_a_report_left_in_a_run_is_no_run(tmp_path: Path) -> None:
    touch(
        tmp_path / "fan.rattle",
        tmp_path / "fan/scored-0123/outcome.json",
        tmp_path / "pump/metrics.jsonl",
        tmp_path / "pump/scored-0123/outcome.json",
    )
    assert names(tmp_path) == ["fan", "pump"]


def test_a_run_folder_may_be_named_by_itself(tmp_path: Path) -> None:
    touch(tmp_path / "fan/outcome.json")
    assert names(tmp_path / "fan") == [(tmp_path / "fan").as_posix()]


def test_where_there_is_no_run_the_error_says_what_was_expected(tmp_path: Path) -> None:
    touch(tmp_path / "recipe.toml")
    with pytest.raises(DataError, match=r"no run in .*expected run folders .*MACHINE\.rattle"):
        find_runs([tmp_path])
    with pytest.raises(DataError, match="gone: there is no such folder or bundle; expected"):
        find_runs([tmp_path / "gone"])
    with pytest.raises(DataError, match="neither a folder nor"):
        find_runs([tmp_path / "recipe.toml"])
