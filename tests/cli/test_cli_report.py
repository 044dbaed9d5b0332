"""rattle report: pages of runs from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def trained(factory: Path, tiny_recipe_file: Path, tmp_path_factory) -> Path:
    """The runs of one training. Read only."""
    from rattle.cli.train import train

    out = tmp_path_factory.mktemp("trained")
    train(factory, machine="synth_fan/id_00", recipe=str(tiny_recipe_file), device="cpu", out=out)
    return out


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def test_runs_of_train_are_shown_and_with_data_scored_once(
    runs: Path, factory: Path, tmp_path: Path, rattle
) -> None:
    page = tmp_path / "page.html"
    ran = rattle("report", runs, "--out", page)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith(f"Report: {page}\n")
    unscored = page.read_text(encoding="utf-8")
    assert "Test clips not scored, so without figures: synth_fan_id_00." in unscored
    assert "loss over iterations, 1 seed" in unscored

    assert rattle("report", runs, "--out", page, "--data", factory).code == 0
    scored = page.read_text(encoding="utf-8")
    assert "Test clips not scored" not in scored
    assert "histogram of the scores of 3 normals, 3 anomalies" in scored
    # What was scored is kept: now without audio.
    assert rattle("report", runs, "--out", page).code == 0
    assert page.read_text(encoding="utf-8") == scored


def test_a_damaged_file_is_warned_of_and_the_exit_code_is_1(
    runs: Path, tmp_path: Path, rattle
) -> None:
    damaged = runs / "synth_fan_id_00" / "metrics.jsonl"
    damaged.write_text("nonsense\n")
    ran = rattle("report", runs, "--out", tmp_path / "page.html")
    assert ran.code == 1
    assert ran.err.startswith(f"rattle: warning: {damaged}, line 1: Invalid JSON")
    assert str(damaged) in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_runs_that_cannot_be_scored_are_warned_of_and_shown(
    runs: Path, factory: Path, tmp_path: Path, rattle
) -> None:
    others = tmp_path / "others"
    shutil.copytree(factory / "dev_data/synth_valve", others / "dev_data/synth_valve")
    ran = rattle("report", runs, "--out", tmp_path / "page.html", "--data", others)
    assert ran.code == 1
    assert "synth_fan_id_00 cannot be scored: " in ran.err
    assert "no test clip of synth_fan/id_00" in ran.err
    assert (tmp_path / "page.html").exists()


def test_a_folder_without_runs_is_refused(tmp_path: Path, rattle) -> None:
    ran = rattle("report", tmp_path, "--out", tmp_path / "page.html")
    assert ran.code == 2
    assert f"no run in {tmp_path}; expected run folders" in ran.err
    assert not (tmp_path / "page.html").exists()


def test_runs_of_which_none_can_be_read_are_refused_with_the_reasons(
    tmp_path: Path, rattle
) -> None:
    damaged = tmp_path / "fan.rattle"
    damaged.write_bytes(b"no bundle")
    ran = rattle("report", tmp_path, "--out", tmp_path / "page.html")
    assert ran.code == 2
    assert f"none of 1 runs can be read; {damaged} is not a whole rattle bundle" in ran.err
    assert not (tmp_path / "page.html").exists()
