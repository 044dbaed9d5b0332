"""What is read of a run, and what is said of damaged files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from made_up_runs import random_outcome
from rattle.clips.machine import Machine
from rattle.runs.folder import OUTCOME, RunFolder
from rattle.runs.outcome import write_embeddings
from rattle.runs.read import Reading

LOSSES = (3.0, 2.5, 2.25)


@pytest.fixture
def folder(leave, tmp_path: Path) -> Path:
    return leave(tmp_path, random_outcome(7), losses=LOSSES, dimensions=4)


def test_a_run_is_read_with_its_losses_outcome_and_embeddings(folder: Path, read) -> None:
    ((run,), notes) = read(folder.parents[1])
    assert notes == []
    assert (run.method, run.machine, run.seed) == ("ddcsad", Machine("fan", "id_00"), 7)
    assert run.finished
    assert run.outcome == random_outcome(7)
    assert run.learning_curve.iterations.tolist() == [1, 2, 3]
    assert run.learning_curve.losses.tolist() == list(LOSSES)
    assert Reading().embeddings(run).shape == (24, 4)


def test_a_run_without_an_outcome_is_known_by_its_recipe_and_environment(
    folder: Path, read
) -> None:
    (folder / OUTCOME).unlink()
    ((run,), notes) = read(folder.parents[1])
    assert notes == []
    assert (run.method, str(run.machine), run.seed) == ("ddcsad", "fan/id_00", 7)
    assert not run.finished
    assert run.outcome is None
    assert run.learning_curve is not None


def test_a_run_with_a_bundle_and_no_outcome_is_known_by_the_bundle(
    bundle_file: Path, tmp_path: Path, read
) -> None:
    shutil.copy(bundle_file, tmp_path / "synth_fan_id_00.rattle")
    ((run,), notes) = read(tmp_path)
    assert notes == []
    assert run.finished
    assert (run.method, str(run.machine), run.recipe) == ("bce+ddcsad", "synth_fan/id_00", "tiny")
    assert run.outcome is None
    # What its clips scored is kept apart from what rattle reproduce takes for a task's outcome.
    assert run.scored.path.parent == tmp_path / "synth_fan_id_00"
    random_outcome(0, machine="synth_fan/id_00").write(run.scored.outcome)
    assert read(tmp_path)[0][0].outcome is not None


@pytest.mark.parametrize(
    ("environment", "way"),
    [({"torch": "2.13.0"}, "encoder"), ({}, "head"), (None, None)],
    ids=["with torch", "without torch", "no run folder"],
)
def test_what_learnt_is_told_by_the_run_folder_or_not_known(
    bundle_file: Path, tmp_path: Path, read, environment: dict[str, str] | None, way: str | None
) -> None:
    shutil.copy(bundle_file, tmp_path / "synth_fan_id_00.rattle")
    if environment is not None:
        folder = tmp_path / "synth_fan_id_00"
        folder.mkdir()
        about = {"machine": "synth_fan/id_00", "seed": 0} | environment
        (folder / "environment.json").write_text(json.dumps(about))
    ((run,), _) = read(tmp_path)
    random_outcome(0, machine="synth_fan/id_00").write(run.scored.outcome)
    ((run,), notes) = read(tmp_path)
    assert notes == []
    assert (run.way, run.outcome.way) == (way, way)


def test_an_outcome_from_before_heads_learnt_is_of_an_encoder(folder: Path, read) -> None:
    before = json.loads((folder / OUTCOME).read_text())
    del before["way"]
    (folder / OUTCOME).write_text(json.dumps(before | {"anomalies": 4}))
    ((run,), notes) = read(folder.parents[1])
    assert notes == []
    assert (run.way, run.anomalies) == ("encoder", 4)


def test_a_line_cut_by_a_kill_is_no_damage(folder: Path, read) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 4, "lo')
    ((run,), notes) = read(folder.parents[1])
    assert notes == []
    assert run.learning_curve.iterations[-1] == 3


def changed(**values: object) -> str:
    return json.dumps(json.loads(random_outcome(7).model_dump_json()) | values)


def with_clip(**values: object) -> str:
    outcome = json.loads(random_outcome(7).model_dump_json())
    outcome["clips"][3] |= values
    return json.dumps(outcome)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("metrics.jsonl", '{"iteration": 1, "loss": 1.0}\nnonsense\n', "line 2: Invalid JSON"),
        ("metrics.jsonl", '{"iteration": 1, "loss": NaN}\n', "line 1: loss:"),
        ("metrics.jsonl", '{"iteration": 0, "loss": 1.0}\n', "line 1: iteration:"),
        ("metrics.jsonl", '{"iteration": 2, "loss": 1.0}\n' * 2, "iterations do not ascend"),
        ("metrics.jsonl", "[" * 100_000 + "\n", "line 1: Invalid JSON"),
        ("environment.json", '{"machine": "a/b/c", "seed": 0}', "machine:"),
        ("environment.json", "\xff", "does not describe a run: Invalid JSON"),
        ("recipe.toml", "name = ", "is not valid TOML"),
        ("recipe.toml", 'name = "x"', "network: Field required"),
        (OUTCOME, "{}", "is not the outcome of a task"),
        (OUTCOME, changed(machine="a/b/c"), "does not name a machine"),
        (OUTCOME, changed(threshold=1e300), "a score is not a finite number"),
        (OUTCOME, with_clip(distances=None), "lacks windows"),
        (OUTCOME, with_clip(distances=[], start_s=[]), "lacks windows"),
        (OUTCOME, with_clip(distances=[1.0, 2.0]), "lacks windows"),
        (OUTCOME, with_clip(distances=[1e200]), "a score is not a finite number"),
    ],
)
def test_a_damaged_file_is_named_and_the_rest_of_the_run_kept(
    name: str, content: str, said: str, folder: Path, read
) -> None:
    (folder / name).write_text(content, encoding="latin-1")
    ((run,), notes) = read(folder.parents[1])
    (note,) = notes
    assert note.startswith(str(folder / name))
    assert said in note
    assert "\n" not in note
    assert run.seed == 7
    assert (run.learning_curve is None) == (name == "metrics.jsonl")
    assert (run.outcome is None) == (name == OUTCOME)


def test_a_run_that_nothing_tells_of_is_left_out_with_a_note(folder: Path, read) -> None:
    for name in (OUTCOME, "environment.json", "recipe.toml"):
        (folder / name).unlink()
    runs, (note,) = read(folder.parents[1])
    assert runs == []
    assert str(folder) in note
    assert "does not say what it is a run of" in note


def test_a_damaged_bundle_is_named(folder: Path, read) -> None:
    (folder / OUTCOME).unlink()
    bundle = folder.with_name(folder.name + ".rattle")
    bundle.write_bytes(b"no bundle")
    ((run,), (note,)) = read(folder.parents[1])
    assert str(bundle) in note
    assert run.outcome is None


@pytest.mark.parametrize("what", ["another count", "infinite", "no tensors"])
def test_embeddings_that_do_not_fit_are_named(what: str, folder: Path, read) -> None:
    ((run,), _) = read(folder.parents[1])
    if what == "no tensors":
        (RunFolder(folder).embeddings).write_bytes(b"nothing")
    else:
        values = np.zeros((24, 4) if what == "infinite" else (23, 4), dtype=np.float32)
        values[0] = np.inf if what == "infinite" else 0
        write_embeddings(RunFolder(folder).embeddings, values)
    reading = Reading()
    assert reading.embeddings(run) is None
    assert str(RunFolder(folder).embeddings) in reading.notes[0]
