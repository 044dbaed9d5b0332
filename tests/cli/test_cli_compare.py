"""``rattle compare``: what a user reads, the files, and the exit code."""

from __future__ import annotations

import csv
import dataclasses
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rattle import Detector, Manifest
from rattle.bundle import read_bundle, write_bundle

HEADER = ["path", "label", "old_score", "new_score", "old_anomalous", "new_anomalous", "change"]
CHANGE = re.compile(r"^ +-?[\d.e+-]+ +-?[\d.e+-]+  (\S.*)$", re.MULTILINE)

WriteData = Callable[..., Path]


@pytest.fixture(scope="module")
def bundles(bundle_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two bundles that score by the posterior alone, the second one's order the first's reversed.

    The head of the second gives every logit with the other sign.
    """
    folder = tmp_path_factory.mktemp("pair")
    bundle = read_bundle(bundle_file)
    straight = dataclasses.replace(bundle, info=bundle.info.model_copy(update={"alpha": 1.0}))
    head = {name: -values for name, values in straight.learnt["head"].items()}
    write_bundle(straight, folder / "straight.rattle")
    write_bundle(
        dataclasses.replace(straight, learnt={**straight.learnt, "head": head}),
        folder / "turned.rattle",
    )
    return folder / "straight.rattle", folder / "turned.rattle"


def decisions(detector: Detector, clips: list[str]) -> list[bool]:
    return [clip.anomalous for clip in detector.score(clips)]


@pytest.fixture(scope="module")
def ranked(bundles: tuple[Path, Path], clips: Manifest) -> list[str]:
    """Clips that neither bundle was made from, lowest score of the first one first."""
    detector = Detector.load(bundles[0], device="cpu")
    used = set(detector.info.provenance.used)
    fresh = [clip.path for clip in clips if clip.content_hash not in used]
    return [clip.path for clip in sorted(detector.score(fresh), key=lambda clip: clip.score)]


@pytest.fixture
def write_data(tmp_path: Path) -> WriteData:
    """A function that writes a CSV file of test clips, labelled as told."""

    def write(paths: Sequence[str], labels: Sequence[str]) -> Path:
        rows = [
            f"{path},synth_fan/id_00,{label},test"
            for path, label in zip(paths, labels, strict=True)
        ]
        file = tmp_path / "clips.csv"
        file.write_text("\n".join(["path,machine,label,split", *rows]) + "\n")
        return file

    return write


def in_the_first_ones_favour(clips: int) -> list[str]:
    """Labels for clips in rising order: the upper half anomalies, but for one pair."""
    half = clips // 2
    labels = ["normal"] * half + ["anomaly"] * (clips - half)
    labels[half - 1], labels[half] = labels[half], labels[half - 1]
    return labels


def row_of(out: str, name: str) -> list[str]:
    (line,) = (line for line in out.splitlines() if line.strip().startswith(name + " "))
    return line.removeprefix(f" {name}").split()


def test_a_worse_bundle_exits_1_and_a_better_one_0(
    rattle: Any, bundles: tuple[Path, Path], ranked: list[str], write_data: WriteData
) -> None:
    good, poor = bundles
    data = write_data(ranked, in_the_first_ones_favour(len(ranked)))
    code, out, _ = rattle("compare", good, poor, data)
    assert code == 1
    assert "AUC: the new bundle is WORSE, the whole interval of the difference is below 0." in out
    code, out, _ = rattle("compare", poor, good, data)
    assert code == 0
    assert "AUC: the new bundle is BETTER, the whole interval of the difference is above 0." in out


def test_the_table_holds_both_bundles_figures_and_the_interval(
    rattle: Any, bundles: tuple[Path, Path], ranked: list[str], write_data: WriteData
) -> None:
    data = write_data(ranked, in_the_first_ones_favour(len(ranked)))
    _, out, err = rattle("compare", *bundles, data)
    assert out.splitlines()[0] == f"old: {bundles[0]} (recipe tiny, bce+ddcsad, seed 0)"
    assert out.splitlines()[1].startswith(f"new: {bundles[1]} (")
    n, half = len(ranked), len(ranked) // 2
    assert f"synth_fan/id_00: {n} test clips new to both ({half} normal, {n - half} anom" in out
    # One pair of half * half is out of order for the first one, and all others for the second.
    area = 1 - 1 / (half * (n - half))
    old, new, difference, low, to, high = row_of(out, "AUC")
    assert (float(old), float(new)) == (
        pytest.approx(area, abs=6e-4),
        pytest.approx(1 - area, abs=6e-4),
    )
    assert float(difference) == pytest.approx(1 - 2 * area, abs=6e-4)
    assert to == "to"
    assert float(low) < float(difference) < float(high) < 0
    for name in ("pAUC", "misses", "false alarms", "threshold"):
        assert len(row_of(out, name)) == (2 if name == "threshold" else 3)
    assert "alarms, any label" not in out
    assert err.startswith("rattle: warning: old and new: 2 healthy clips cannot show")
    table = [line for line in out.splitlines() if not line.startswith(("old:", "new:", " "))]
    assert max(map(len, table)) <= 80


def test_what_the_auc_does_not_tell_is_said_in_a_sentence(
    rattle: Any, bundles: tuple[Path, Path], ranked: list[str], write_data: WriteData
) -> None:
    alarms = {path: sum(decisions(Detector.load(path, device="cpu"), ranked)) for path in bundles}
    quiet, loud = sorted(bundles, key=alarms.__getitem__)
    many = alarms[loud] - alarms[quiet]
    assert many > 1
    normal = write_data(ranked, ["normal"] * len(ranked))
    said = "At its threshold the new bundle has {} {}."
    assert said.format(many, "false alarms more") in rattle("compare", quiet, loud, normal).out
    assert said.format(many, "false alarms fewer") in rattle("compare", loud, quiet, normal).out
    anomaly = write_data(ranked, ["anomaly"] * len(ranked))
    assert said.format(many, "misses fewer") in rattle("compare", quiet, loud, anomaly).out
    assert said.format(many, "misses more") in rattle("compare", loud, quiet, anomaly).out
    assert "At its threshold" not in rattle("compare", loud, loud, anomaly).out


def test_every_clip_that_changed_sides_is_named_under_what_happened(
    rattle: Any,
    bundles: tuple[Path, Path],
    factory: Path,
    clips: Manifest,
) -> None:
    old, new = (Detector.load(path, device="cpu") for path in bundles)
    test = clips.of(old.machine, split="test").table["path"]
    expected = {
        path
        for path, before, after in zip(
            test, decisions(old, test), decisions(new, test), strict=True
        )
        if before != after
    }
    assert expected
    _, out, _ = rattle("compare", *bundles, factory)
    assert f"\n{len(expected)} of 6 clips changed sides of the threshold.\n" in out
    named = CHANGE.findall(out[out.index("changed sides") :])
    assert {str(Path(path).resolve()) for path in named} == expected
    _, out, _ = rattle("compare", bundles[0], bundles[0], factory)
    assert "\n0 of 6 clips changed sides of the threshold.\n" in out
    assert "AUC: NO DIFFERENCE SHOWN, the interval of the difference holds 0." in out


def test_many_changes_are_cut_in_the_terminal_and_whole_in_the_csv(
    rattle: Any,
    bundles: tuple[Path, Path],
    ranked: list[str],
    write_data: WriteData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rattle.cli.compare.SHOWN", 1)
    data = write_data(ranked, ["unknown"] * len(ranked))
    file = tmp_path / "out" / "clips.csv"
    _, out, _ = rattle("compare", *bundles, data, "--csv", file)
    old, new = (Detector.load(path, device="cpu").score(sorted(ranked)) for path in bundles)
    with file.open(newline="") as opened:
        heading, *rows = csv.reader(opened)
    assert heading == HEADER
    kinds: dict[str, int] = {}
    for row, before, after in zip(rows, old, new, strict=True):
        path, label, old_score, new_score, *decisions, change = row
        assert (path, label) == (before.path, "unknown")
        assert (float(old_score), float(new_score)) == (before.score, after.score)
        assert decisions == [str(before.anomalous), str(after.anomalous)]
        assert bool(change) == (before.anomalous != after.anomalous)
        if change:
            kinds[change] = kinds.get(change, 0) + 1
    assert max(kinds.values()) > 1
    for kind, count in kinds.items():
        shown = out.split(f"\n{kind} ({count})\n")[1].split("\n\n")[0].splitlines()
        assert len(shown) == (2 if count == 1 else 3)
        if count > 1:
            assert shown[-1] == f"  and {count - 1} more; --csv FILE lists them all"
    assert sorted(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["unknown"] * 4, "No verdict: no labelled clip, so there is no AUC."),
        (["normal"] * 4, "No verdict: no labelled anomaly, so there is no AUC."),
        (["anomaly", "normal", "normal", "normal"], "No verdict: an interval of the AUC diff"),
    ],
)
def test_without_both_classes_the_decisions_are_compared_and_the_exit_code_is_0(
    labels: list[str],
    reason: str,
    rattle: Any,
    bundles: tuple[Path, Path],
    ranked: list[str],
    write_data: WriteData,
) -> None:
    code, out, _ = rattle("compare", *bundles, write_data(ranked[:2] + ranked[-2:], labels))
    assert code == 0
    assert reason in out
    assert "of 4 clips changed sides" in out
    assert len(row_of(out, "threshold")) == 2
    assert ("alarms, any label" in out) == ("unknown" in labels)
    assert (" AUC " in out) == ("anomaly" in labels)


def test_a_clip_that_one_bundle_was_trained_on_is_left_out_and_said(
    rattle: Any, bundles: tuple[Path, Path], factory: Path, clips: Manifest, tmp_path: Path
) -> None:
    bundle = read_bundle(bundles[1])
    origin = bundle.info.provenance
    heard = tuple(clips.of(Detector.load(bundles[0]).machine, split="test").table["content_hash"])
    adapted = origin.model_copy(update={"anomalies": heard[:2]})
    info = bundle.info.model_copy(update={"provenance": adapted})
    write_bundle(dataclasses.replace(bundle, info=info), tmp_path / "adapted.rattle")
    _, out, err = rattle("compare", bundles[0], tmp_path / "adapted.rattle", factory)
    assert "seed 0, adapted with 2 anomalies)" in out
    assert "4 test clips new to both (" in out
    assert "2 of 6 test clips were used in training one of the two bundles" in err


def test_an_unreadable_clip_exits_1_and_is_left_out(
    rattle: Any, bundles: tuple[Path, Path], factory: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(factory, tmp_path / "data"))
    broken = data / "dev_data" / "synth_fan" / "test" / "normal_id_00_00000012.wav"
    broken.write_bytes(broken.read_bytes()[:40_000])
    code, out, err = rattle("compare", bundles[0], bundles[0], data)
    assert code == 1
    assert "NO DIFFERENCE SHOWN" in out
    assert "5 test clips new to both (2 normal, 3 anomalous)" in out
    assert err.count(f"rattle: warning: {broken}: cut short") == 1


def test_bundles_of_two_machines_are_refused(
    rattle: Any, bundles: tuple[Path, Path], factory: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(bundles[0])
    info = bundle.info.model_copy(update={"machine": "synth_valve/id_00"})
    write_bundle(dataclasses.replace(bundle, info=info), tmp_path / "valve.rattle")
    code, out, err = rattle(
        "compare", bundles[0], tmp_path / "valve.rattle", factory, "--csv", tmp_path / "no.csv"
    )
    assert (code, out) == (2, "")
    assert "old bundle is of synth_fan/id_00 and the new one of synth_valve/id_00" in err
    assert not (tmp_path / "no.csv").exists()
