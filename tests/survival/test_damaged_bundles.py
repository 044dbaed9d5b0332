"""Damaged bundles: each is refused in one line or gives sound scores, in little memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from damaged_bundles import greedy_graph, members_of, other_graph, reaching_outside, sealed
from forked import Forker
from how_many import cases, repeat
from safetensors.numpy import load, save
from watched import watch

from rattle import BundleError, Detector
from rattle.bundle.file import INFO, PARTS
from rattle.cli.inspect import inspect
from rattle.clips.amplitude import Amplitude
from rattle.runtime.graph import Graph

METHODS = ("bce+ddcsad", "autoencoder", "gmm", "knn")


@pytest.fixture(scope="module")
def wholes(
    given: dict[str, object], forker: Forker, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a folder of bundles: of a network with its graph, of baselines."""
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "whole").mkdir()
    for method in METHODS:
        out = folder / method
        words = "train {data} --machine {machine} --recipe {recipe} --device cpu".format(**given)
        words += f" --method {method} --out {out}"
        assert forker.run(words.split(), folder / "said", {}) == 0
        (bundle,) = out.glob("*.rattle")
        bundle.rename(folder / "whole" / f"{method}.rattle")
    network = folder / "whole" / f"{METHODS[0]}.rattle"
    (folder / "whole" / "graph.rattle").write_bytes(network.read_bytes())
    assert forker.run(["export", folder / "whole" / "graph.rattle"], folder / "said", {}) == 0
    return folder


def test_every_damaged_bundle_is_refused_in_one_line_or_scores_soundly(wholes: Path) -> None:
    found = watch("open_damaged.py", cases(few=60, full=500), wholes, seconds_each=30)
    assert not found.wrong, repeat(found.wrong)


# What was found on the way


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    return tmp_path / "odd.rattle"


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("features", "mel_bands", 10**9),
        ("features", "fft_samples", 2**31),
        ("features", "window_frames", 2**62),
        ("features", "hop_samples", 2**62),
        ("network", "channels", 10**8),
        ("network", "blocks", [10**9]),
        ("network", "blocks", [64] * 5),  # a recipe may say so, but these are not its weights
        ("scoring", "windows", 10**9),
        ("scoring", "timeline_seconds", 1e300),
        ("baseline", "hidden", 10**9),
    ],
)
def test_a_recipe_that_asks_for_all_memory_is_refused_and_gets_none(
    part: str, key: str, value: object, bundle_file: Path, odd: Path
) -> None:
    members = members_of(bundle_file.read_bytes())
    content = json.loads(members[INFO])
    if part == "baseline":
        content["recipe"][part] = {"name": "autoencoder"}
    content["recipe"][part][key] = value
    odd.write_bytes(sealed(members, content))
    with pytest.raises(BundleError, match=r"odd\.rattle"):
        Detector.load(odd, device="cpu")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("part", "name", "said"),
    [
        ("encoder", "stem.1.running_mean", "its weights stem.1.running_mean hold NaN or infinity"),
        ("head", "centres", "its head's centres holds other than finite float32 numbers"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(
    part: str, name: str, said: str, value: float, bundle_file: Path, odd: Path
) -> None:
    """All that they score is NaN, which is above no threshold."""
    members = members_of(bundle_file.read_bytes())
    weights = load(members[PARTS[part]])
    weights[name][0] = value
    odd.write_bytes(sealed(members | {PARTS[part]: save(weights)}))
    with pytest.raises(BundleError, match=said):
        Detector.load(odd, device="cpu")


def test_weights_that_overflow_are_told_by_inspect(bundle_file: Path, odd: Path) -> None:
    members = members_of(bundle_file.read_bytes())
    weights = load(members[PARTS["encoder"]])
    weights["stem.1.weight"][:] = 3e38
    odd.write_bytes(sealed(members | {PARTS["encoder"]: save(weights)}))
    with pytest.raises(BundleError, match=r"odd\.rattle is damaged: its stored clips cannot be"):
        inspect(odd)


def test_a_graph_takes_no_numbers_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime by itself reads them from a file there that the graph names."""
    (tmp_path / "secret.bin").write_bytes(bytes(range(64)))
    monkeypatch.chdir(tmp_path)
    for location in ("secret.bin", "./secret.bin", str(tmp_path / "secret.bin")):
        with pytest.raises(
            BundleError, match="the bundle's graph cannot be loaded by ONNX Runtime"
        ):
            Graph(reaching_outside(location))


@pytest.mark.parametrize("names", [(), ("logits",), ("embeddings",), ("logits", "features")])
def test_a_graph_without_its_outputs_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(
        BundleError, match=r"the bundle's graph (gives|cannot be loaded) .*; export it again"
    ):
        Graph(other_graph(names))


def test_a_graph_that_gives_embeddings_of_no_window_or_runs_out_of_memory_is_told() -> None:
    samples, frames = np.zeros(9, np.float32), np.zeros((2, 4), np.int64)
    for side, said in (
        (3, r"gives embeddings \(3, 3\) for 2 windows"),
        (10**8, "cannot be run by"),
    ):
        with pytest.raises(BundleError, match=said):
            Graph(greedy_graph(side)).run(samples, frames, Amplitude(0.0, 1.0))
