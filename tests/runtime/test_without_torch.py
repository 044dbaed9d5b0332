"""Scoring in an environment of its own, into which torch was never installed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import soundfile as sf

from rattle import Detector, Machine, Manifest
from rattle.cli.terminal.explanation_lines import explanation_lines
from rattle.clips.reading import read_clip
from rattle.runs.write import recordings_of
from rattle.runtime.explanation import explain
from svg_picture import svg_file

ROOT = Path(__file__).parents[2]
FAN = Machine("synth_fan", "id_00")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with rattle and what scoring takes."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = run(programs / "python", *words, "-c", ROOT / "constraints.txt", ROOT)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("no package registry can be reached to make an environment without torch")
    assert done.returncode == 0, done.stderr
    return programs


def run(program: Path, *words: object) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, env=kept, check=False
    )


def test_there_is_no_torch_and_nothing_of_training(bare: Path) -> None:
    listed = json.loads(run(bare / "python", "-m", "pip", "list", "--format", "json").stdout)
    names = {package["name"].lower() for package in listed}
    assert "rattle" in names
    assert not names & {"torch", "polars", "scipy", "scikit-learn", "matplotlib", "onnx"}


def test_recordings_score_as_by_torch(
    bare: Path, exported_file: Path, detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    paths = list(clips.of(split="test").table["path"])
    # One that has to be resampled, too.
    sf.write(tmp_path / "fast.wav", read_clip(Path(paths[0])), 48_000)
    paths.append(str(tmp_path / "fast.wav"))
    done = run(bare / "rattle", "score", exported_file, *paths, "--csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    for row, expected in zip(rows, detector.score(paths), strict=True):
        assert row["path"] == expected.path
        assert float(row["score"]) == pytest.approx(expected.score, abs=1e-4, rel=1e-4)
        # At 48 kHz it is 1 s long, too short to be judged.
        assert row["anomalous"] == ("" if expected.anomalous is None else str(expected.anomalous))


def test_inspect_scores_the_stored_clips_again_where_there_is_a_graph(
    bare: Path, exported_file: Path, bundle_file: Path, detector: Detector
) -> None:
    done = run(bare / "rattle", "inspect", exported_file)
    assert done.returncode == 0, done.stderr
    assert "stored clips: 2, scores differ by at most" in done.stdout
    assert "MORE THAN ROUNDING" not in done.stdout
    assert detector.bundle().identity in done.stdout
    done = run(bare / "rattle", "inspect", bundle_file)
    assert done.returncode == 0, done.stderr
    assert "stored clips: 2, not scored again: that takes a graph (rattle export)" in done.stdout


@pytest.fixture
def run_there(exported_file: Path, detector: Detector, clips: Manifest, tmp_path: Path) -> Path:
    """The bundle with a run folder that lists its recordings."""
    bundle = tmp_path / "synth_fan_id_00.rattle"
    shutil.copy(exported_file, bundle)
    folder = bundle.with_suffix("")
    folder.mkdir()
    clips.write_csv(folder / "clips.csv")
    return bundle


def test_a_head_learns_from_a_fault_and_a_rejected_alarm(
    bare: Path, run_there: Path, clips: Manifest
) -> None:
    faults = list(clips.of(FAN, split="test", label="anomaly").table["path"])
    healthy = list(clips.of(FAN, split="test", label="normal").table["path"])
    words = ["--head", "--anomalies", *faults[:2], "--normal", healthy[0]]
    done = run(bare / "rattle", "adapt", run_there, *words)
    assert done.returncode == 0, done.stderr
    assert "synth_fan/id_00: of 2 anomalies it found" in done.stdout
    assert "1 clip called normal: no alarm" in done.stdout

    adapted = run_there.parent / "adapted" / run_there.name
    done = run(bare / "rattle", "score", adapted, *faults, *healthy, "--csv")
    assert done.returncode in (0, 1), done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    made = Detector.load(adapted, device="cpu")
    for row, expected in zip(rows, made.score([*faults, *healthy]), strict=True):
        assert float(row["score"]) == pytest.approx(expected.score, abs=1e-4, rel=1e-4)
    done = run(bare / "rattle", "inspect", adapted)
    assert done.returncode == 0, done.stderr
    assert "MORE THAN ROUNDING" not in done.stdout
    # Where torch is, the encoder learns on from what the head learnt from.
    recordings = recordings_of(adapted, made)
    assert recordings is not None
    assert {*made.info.provenance.anomalies} < {*recordings.clips.hashes()}


def test_a_bundle_without_a_graph_says_what_its_head_takes(
    bare: Path, bundle_file: Path, clips: Manifest, tmp_path: Path
) -> None:
    fault = clips.of(FAN, split="test", label="anomaly").table["path"][0]
    words = ["--head", "--anomalies", fault, "--out", tmp_path]
    done = run(bare / "rattle", "adapt", bundle_file, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_alarm_is_explained_and_drawn(
    bare: Path, exported_file: Path, detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    fault = clips.of(FAN, split="test", label="anomaly").table["path"][0]
    done = run(bare / "rattle", "explain", exported_file, fault, "--picture", tmp_path / "x.svg")
    assert done.returncode == 0, done.stderr
    expected = explain(detector, detector, fault)
    assert done.stdout.splitlines() == list(explanation_lines(expected, 5))
    root = svg_file(tmp_path / "x.svg")
    assert root.get("aria-label") == Path(fault).name


def test_a_rehearsal_takes_nothing_of_training(bare: Path, exported_fleet_file: Path) -> None:
    done = run(bare / "rattle", "rehearse", exported_fleet_file)
    assert done.returncode == 0, done.stderr
    assert "Synthetic faults, laid over the machine's own healthy sound" in done.stdout


@pytest.mark.parametrize("words", [["train", "data", "--machine", "all"], ["check", "."]])
def test_what_takes_more_says_what_to_install(bare: Path, words: list[str]) -> None:
    done = run(bare / "rattle", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "is not installed here" in done.stderr
    assert "pip install 'rattle[train]'" in done.stderr


def test_a_bundle_without_a_graph_says_so_too(bare: Path, bundle_file: Path) -> None:
    done = run(bare / "rattle", "score", bundle_file, "x.wav")
    assert done.returncode == 2
    assert "rattle export" in done.stderr


def test_the_overview_of_commands_shows_all_the_same(bare: Path) -> None:
    done = run(bare / "rattle", "--help")
    assert done.returncode == 0, done.stderr
    assert "Let a detector learn" in done.stdout
