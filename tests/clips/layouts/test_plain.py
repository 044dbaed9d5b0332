from __future__ import annotations

import logging
from pathlib import Path

import pytest

from made_up_recordings import make
from rattle.clips.check import check
from rattle.clips.layouts import Scan, load_manifest, scan
from rattle.errors import DataError
from rattle.recipe import Recipe

Row = tuple[str, str, str, str]


def rows(found: Scan) -> dict[str, Row]:
    """File name -> machine, split, label, kind of fault."""
    return {
        Path(c.path).stem: (str(c.machine), c.split, c.label, c.attributes.removeprefix("kind="))
        for c in found.manifest
    }


# Where three clips of a press lie: two healthy ones to learn from, one healthy and two faulty ones
# to test on. All of these say the same.
SAME = {
    "labels alone": ("press/normal", "press/test/normal", "press/anomaly/{kind}"),
    "split above": ("train/press", "test/press/good", "test/press/bad/{kind}"),
    "split and label above": ("train/ok/press", "test/ok/press", "test/ng/press/{kind}"),
    "label above": ("normal/press", "normal/press/test", "anomaly/press/{kind}"),
    "split below the machine": ("press/train", "press/test/OK", "press/test/NG/{kind}"),
    "label above the split": ("press/good/train", "press/good/test", "press/faulty/test/{kind}"),
    "in one name": ("press/train_normal", "press/test-normal", "press/TestAnomaly/{kind}"),
    "a folder a kind": ("press/train/good", "press/test/good", "press/test/{kind}"),
    "machines above labels": (
        "train/press/healthy",
        "test/press/healthy",
        "test/press/broken/{kind}",
    ),
    "capitals and spaces": ("press/Normal Sounds", "press/TEST/Good", "press/Not OK/{kind}"),
}


@pytest.mark.parametrize("name", SAME)
def test_ten_ways_to_lay_out_a_set_say_the_same(tmp_path: Path, name: str) -> None:
    train, healthy, faulty = SAME[name]
    make(
        tmp_path,
        *(f"{train}/a.wav", f"{train}/b.wav", f"{healthy}/c.wav"),
        *(f"{faulty.format(kind=kind)}/{kind}.wav" for kind in ("leak", "rub")),
    )
    if name in ("split and label above", "label above"):
        # Neighbours tell that these are machines.
        make(
            tmp_path,
            f"{train.replace('press', 'saw')}/s.wav",
            f"{healthy.replace('press', 'saw')}/t.wav",
        )
    found = {stem: row for stem, row in rows(scan(tmp_path)).items() if len(stem) > 1 or stem < "d"}
    assert found == {
        "a": ("press", "train", "normal", ""),
        "b": ("press", "train", "normal", ""),
        "c": ("press", "test", "normal", ""),
        "leak": ("press", "test", "anomaly", "leak"),
        "rub": ("press", "test", "anomaly", "rub"),
    }
    report = check(tmp_path, Recipe.load("small"))
    (press,) = (one for one in report.machines if str(one.machine) == "press")
    assert press.clips == {("train", "normal"): 2, ("test", "normal"): 1, ("test", "anomaly"): 2}
    assert not report.has_errors
    shown = {f.folder: f.clips for f in report.folders if str(f.machine) == "press"}
    assert sum(shown.values()) == 5


@pytest.mark.parametrize(
    "folder",
    ["train/anomalous", "train/bad", "train/NG", "bad/train", "train/abnormal/2024-05-02"],
)
def test_a_fault_below_train_is_never_normal(tmp_path: Path, folder: str) -> None:
    make(tmp_path, "press/train/a.wav", f"press/{folder}/b.wav")
    assert rows(scan(tmp_path))["b"][1:3] == ("train", "anomaly")


def test_the_label_may_stand_below_the_machine_below_train(tmp_path: Path) -> None:
    make(tmp_path, "press/train/fan/abnormal/b.wav", "press/train/fan/normal/a.wav")
    assert {stem: row[1:3] for stem, row in rows(scan(tmp_path)).items()} == {
        "a": ("train", "normal"),
        "b": ("train", "anomaly"),
    }


@pytest.mark.parametrize("word", ["weird", "with_doubt", "press-4", "Störung", "unclear 2"])
def test_what_is_not_known_to_be_normal_is_left_out_with_the_words(
    tmp_path: Path, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "press/train/2024-05-02/a.wav", f"press/train/{word}/b.wav")
    found = scan(tmp_path)
    assert list(rows(found)) == ["a"]
    (left_out,) = found.left_out
    assert repr(word) in left_out.reason
    assert "normal, good, ok or healthy" in left_out.reason
    with caplog.at_level(logging.WARNING):
        load_manifest(tmp_path)
    assert f"1 file in press/train/{word}" in caplog.text


def test_a_folder_of_its_own_below_normal_is_the_users_word(tmp_path: Path) -> None:
    make(tmp_path, "press/normal/monday shift/a.wav", "press/train/good/line/b.wav")
    assert {row[:3] for row in rows(scan(tmp_path)).values()} == {("press", "train", "normal")}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("press/normal/bad/a.wav", ("normal", "bad")),
        ("press/train/test/a.wav", ("train", "test")),
        ("press/val/good/train/a.wav", ("val", "train")),
        ("press/normal/anomaly_0003.wav", ("normal", "anomaly")),
        ("press/normal/NG01001.wav", ("normal", "ng")),
        ("press/normal/not_ok_1.wav", ("normal", "not ok")),
        ("press/normal/bad bearing/a.wav", ("normal", "bad")),
        ("press/train/anomaly1/good/a.wav", ("good", "anomaly1")),
        ("press/anomaly/normal1.wav", ("anomaly", "normal")),
        ("press/train/press_broken_belt.wav", ("train", "broken")),
        ("press/anomaly/normal_id_00_0000001.wav", ("anomaly", "normal")),
    ],
)
def test_what_contradicts_itself_is_left_out_with_both_words(
    tmp_path: Path, path: str, words: tuple[str, str]
) -> None:
    make(tmp_path, "press/normal/ok.wav", path)
    found = scan(tmp_path)
    assert list(rows(found)) == ["ok"]
    assert all(repr(word) in found.left_out[0].reason for word in words)


def test_a_name_that_only_mentions_normal_contradicts_no_folder(tmp_path: Path) -> None:
    make(tmp_path, "press/anomaly/normal_speed_worn.wav", "press/normal/a.wav")
    assert rows(scan(tmp_path))["normal_speed_worn"][2] == "anomaly"


def test_validation_clips_are_neither_learnt_nor_tested(tmp_path: Path) -> None:
    make(tmp_path, "press/val/good/a.wav", "validation/press/ng/b.wav", "press/train/c.wav")
    found = scan(tmp_path).manifest
    assert [(c.split, c.label) for c in found.of(split="validation")] == [
        ("validation", "normal"),
        ("validation", "anomaly"),
    ]
    assert len(found.of(split="train")) == 1
    assert not len(found.of(split="test"))


def test_kinds_beside_healthy_test_clips_are_faults_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "press/train/a.wav", "press/test/good/b.wav", "press/test/belt/c.wav")
    make(tmp_path, "press/test/2024-05-02/d.wav", "press/test/e.wav", "saw/test/belt/f.wav")
    with caplog.at_level(logging.WARNING):
        found = rows(scan(tmp_path))
    assert found["c"] == ("press", "test", "anomaly", "belt")
    assert {found[stem][2] for stem in "def"} == {"unknown"}
    assert "press/test/belt: taken for a kind of fault" in caplog.text


def test_with_faults_beside_them_other_test_folders_have_no_label(tmp_path: Path) -> None:
    make(tmp_path, "press/test/good/b.wav", "press/test/bad/c.wav", "press/test/new/d.wav")
    assert rows(scan(tmp_path))["d"] == ("press", "test", "unknown", "")


@pytest.mark.parametrize("inside", [".", "press", "press/train", "press/train/good"])
def test_a_machines_folders_may_be_given_by_themselves(tmp_path: Path, inside: str) -> None:
    make(tmp_path, "plant/press/train/good/a.wav", "plant/saw/train/good/b.wav")
    assert rows(scan(tmp_path / "plant" / inside))["a"] == ("press", "train", "normal", "")


def test_words_on_top_divide_the_machine_that_the_folder_is(tmp_path: Path) -> None:
    make(tmp_path, "press/train/a.wav", "press/test/good/b.wav", "press/anomaly/belt/c.wav")
    assert {row[0] for row in rows(scan(tmp_path / "press")).values()} == {"press"}


def test_the_same_folders_below_two_words_are_machines(tmp_path: Path) -> None:
    make(tmp_path, "train/fan/id_00/a.wav", "train/saw/b.wav", "test/saw/belt/c.wav")
    make(tmp_path, "test/pump/d.wav")
    assert {stem: row[0] for stem, row in rows(scan(tmp_path)).items()} == {
        "a": "fan/id_00",
        "b": "saw",
        "c": "saw",
        "d": "pump",
    }


def test_days_on_top_divide_the_machines_below(tmp_path: Path) -> None:
    make(tmp_path, "normal/press/monday/a.wav", "normal/press/tuesday/b.wav", "anomaly/press/c.wav")
    assert {row[0] for row in rows(scan(tmp_path)).values()} == {"press"}


def test_one_stray_file_does_not_make_one_machine_of_many(tmp_path: Path) -> None:
    make(tmp_path, "normal/press/a.wav", "anomaly/press/b.wav", "normal/intro.wav")
    with pytest.raises(DataError, match="two ways"):
        scan(tmp_path)


def test_what_can_be_read_in_two_ways_is_refused_with_both(tmp_path: Path) -> None:
    make(tmp_path, "plant/train/fan/a.wav", "plant/train/saw/b.wav", "plant/anomaly/c.wav")
    with pytest.raises(DataError, match="two ways: 'fan' is a machine") as error:
        scan(tmp_path / "plant")
    assert "one machine, 'plant'" in str(error.value)
    assert str(tmp_path) in str(error.value)
    # Each remedy works.
    assert {row[0] for row in rows(scan(tmp_path)).values()} == {"plant"}


def test_machines_equal_up_to_unicode_form_are_one(tmp_path: Path) -> None:
    make(tmp_path, "S\u00e4ge/normal/a.wav", "Sa\u0308ge/normal/b.wav")
    assert [str(machine) for machine in scan(tmp_path).manifest.machines()] == ["S\u00e4ge"]


def test_each_folder_is_shown_as_it_was_read(tmp_path: Path) -> None:
    make(tmp_path, "press/train/2024/a.wav", "press/train/2025/b.wav", "press/train/odd/c.wav")
    make(tmp_path, "press/anomaly/belt/d.wav", "press/anomaly/e.wav", "loose.wav")
    shown = [
        (f.folder, f.machine and str(f.machine), f.split, f.label, f.kind, f.clips)
        for f in scan(tmp_path).folders
    ]
    assert shown == [
        (".", None, "", "", "", 1),
        ("press/anomaly", "press", "test", "anomaly", "", 1),
        ("press/anomaly/belt", "press", "test", "anomaly", "belt", 1),
        ("press/train", "press", "train", "normal", "", 2),
        ("press/train/odd", None, "", "", "", 1),
    ]
