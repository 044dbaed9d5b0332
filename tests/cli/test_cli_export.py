"""``rattle export``, and ``rattle score`` of what it wrote."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Manifest, Recipe, fit


def test_export_adds_a_graph_in_place(rattle: Any, bundle_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "fan.rattle"
    shutil.copy(bundle_file, path)
    code, out, err = rattle("export", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: graph of 0.")
    assert out.endswith("it scores the 2 stored clips alike\n")
    assert list(tmp_path.iterdir()) == [path]
    assert Detector.load(path).graph is not None
    shown = rattle("inspect", path).out
    assert re.search(r"^graph: +0\.\d MB$", shown, re.MULTILINE)
    assert "clips seen in 3 windows" in shown


def test_score_takes_the_graph_and_gives_the_same(
    rattle: Any, bundle_file: Path, exported_file: Path, clips: Manifest
) -> None:
    heard = list(clips.of(split="test").table["path"])
    by_torch, by_graph = (
        list(csv.DictReader(io.StringIO(rattle("score", path, *heard, "--csv").out)))
        for path in (bundle_file, exported_file)
    )
    for one, other in zip(by_graph, by_torch, strict=True):
        assert one["path"] == other["path"]
        assert one["anomalous"] == other["anomalous"]
        for figure in ("score", "posterior", "distance", "threshold"):
            assert float(one[figure]) == pytest.approx(float(other[figure]), abs=1e-4)


def test_score_by_a_graph_loads_no_network(
    rattle: Any, exported_file: Path, clips: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Detector, "load", lambda *_, **__: pytest.fail("torch was used"))
    assert rattle("score", exported_file, clips.table["path"][0]).code == 0


def test_a_baseline_is_refused_and_stays_as_it_is(
    rattle: Any, clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "knn.rattle"
    fit(clips, "synth_fan/id_00", recipe=tiny_recipe.for_method("knn")).save(path)
    before = path.read_bytes()
    code, out, err = rattle("export", path)
    assert (code, out) == (2, "")
    assert "only a network has a graph" in err
    assert path.read_bytes() == before
    # Nor is it told to be exported elsewhere.
    code, _, err = rattle("listen", path, "--url", "x.wav")
    assert code == 2
    assert "is of a baseline (knn), which has no graph" in err
    shown = rattle("inspect", path).out
    assert "graph:        none: a baseline has none" in shown
    assert "replay set:   none: a baseline cannot be adapted" in shown
    assert "alpha:        none" in shown


def test_what_is_adapted_of_an_exported_bundle_has_to_be_exported_again(
    rattle: Any, bundle_file: Path, factory: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "exported.rattle"
    shutil.copy(bundle_file, exported)
    assert rattle("export", exported).code == 0
    fault = next((factory / "dev_data/synth_fan/test").glob("anomaly*"))
    out = tmp_path / "adapted"
    code, told, _ = rattle("adapt", exported, "--anomalies", fault, "--out", out, "--device", "cpu")
    assert code == 0
    adapted = out / "synth_fan_id_00.rattle"
    assert (
        f"it has no graph yet, to score without torch and listen: rattle export {adapted}" in told
    )
