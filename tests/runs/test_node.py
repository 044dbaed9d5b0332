"""What is chosen on this machine, on the nodes of a cluster."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rattle import Machine, Manifest, Recipe
from rattle.detector.own import OwnJob
from rattle.runs.machines import MachineRuns
from rattle.runs.node import chosen_store, device_on_node, use_store


@pytest.mark.parametrize(
    ("here", "there"), [("auto", "cpu"), ("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda")]
)
def test_a_device_is_one_that_a_node_has(here: str, there: str) -> None:
    assert device_on_node(here) == there


def test_a_store_that_was_chosen_is_used_elsewhere_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATTLE_STORE", "store")
    chosen = chosen_store()
    assert chosen == tmp_path / "store"
    monkeypatch.setenv("RATTLE_STORE", "elsewhere")
    use_store(chosen)
    assert os.environ["RATTLE_STORE"] == str(chosen)


def test_without_a_choice_each_machine_has_its_own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATTLE_STORE")
    assert chosen_store() is None
    use_store(None)
    assert "RATTLE_STORE" not in os.environ


def test_runs_of_many_machines_prepare_themselves_for_a_cluster(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATTLE_STORE", "store")
    job = OwnJob(clips, Machine("synth_fan", "id_00"), tiny_recipe, device="cuda:1")
    runs = MachineRuns(Path("out"), job)
    there = runs.for_cluster()
    assert runs.needs_gpu
    assert (there.folder, there.store) == (tmp_path / "out", tmp_path / "store")
    assert there.job.device == "cuda"
