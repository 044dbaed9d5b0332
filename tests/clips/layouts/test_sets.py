"""Sets as they were published, and several of them under one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_up_recordings import make
from rattle.clips.layouts import Scan, scan
from rattle.errors import DataError

LABELS_2021 = "fan\nsection_03_source_test_0000.wav,section_03_source_test_normal_0000.wav\n"
LABELS_2022 = "fan\nsection_03_test_0000.wav,section_03_target_test_anomaly_0000_m-n_W.wav\n"


def machines(found: Scan) -> dict[str, int]:
    return {str(m): len(found.manifest.of(m)) for m in found.manifest.machines()}


def years(root: Path) -> None:
    for year, name in ((2021, "section_03_source_test_0000"), (2022, "section_03_test_0000")):
        data = f"dcase{year}t2"
        folder = "source_test" if year == 2021 else "test"
        make(
            root,
            f"{data}/dev_data/fan/train/section_00_source_train_normal_0000_a_1.wav",
            f"{data}/eval_data/fan/train/section_03_source_train_normal_0000_a_1.wav",
            f"{data}/eval_data/fan/{folder}/{name}.wav",
        )


def test_two_years_of_dcase_are_two_sets_of_machines(tmp_path: Path) -> None:
    years(tmp_path)
    found = scan(tmp_path)
    assert machines(found) == {
        "fan@dcase2021/section_00": 1,
        "fan@dcase2021/section_03": 2,
        "fan@dcase2022/section_00": 1,
        "fan@dcase2022/section_03": 2,
    }
    # Each has the machines of its own year for outliers.
    for machine in found.manifest.machines():
        outliers = found.manifest.outliers_for(machine).machines()
        assert [str(m).split("/")[0] for m in outliers] == [machine.type]


@pytest.mark.parametrize("year", [2021, 2022])
def test_a_year_alone_needs_no_name(tmp_path: Path, year: int) -> None:
    years(tmp_path)
    assert set(machines(scan(tmp_path / f"dcase{year}t2"))) == {"fan/section_00", "fan/section_03"}


def test_label_lists_are_told_apart_by_the_year_of_the_set(tmp_path: Path) -> None:
    years(tmp_path)
    (tmp_path / "eval_data_list_2021.csv").write_text(LABELS_2021)
    (tmp_path / "eval_data_list_2022.csv").write_text(LABELS_2022)
    tests = scan(tmp_path).manifest.of(split="test")
    assert [(clip.source_set, clip.label) for clip in tests] == [
        ("dcase2021", "normal"),
        ("dcase2022", "anomaly"),
    ]
    alone = scan(tmp_path / "dcase2022t2").manifest.of(split="test")
    assert [clip.label for clip in alone] == ["anomaly"]


def test_a_label_list_beside_its_set_goes_before_those_above(tmp_path: Path) -> None:
    years(tmp_path)
    for year, labels in ((2021, LABELS_2021), (2022, LABELS_2022)):
        (tmp_path / f"dcase{year}t2" / "eval_data_list.csv").write_text(labels)
    (tmp_path / "eval_data_list.csv").write_text("fan\nsection_09_test_0000.wav,odd\n")
    tests = scan(tmp_path).manifest.of(split="test")
    assert [clip.label for clip in tests] == ["normal", "anomaly"]


def test_label_lists_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "fan/test/section_03_test_0000.wav")
    (tmp_path / "eval_data_list_a.csv").write_text(LABELS_2022)
    (tmp_path / "eval_data_list_b.csv").write_text(LABELS_2022)
    with pytest.raises(DataError, match=r"several label lists \(eval_data_list_a\.csv, ") as error:
        scan(tmp_path)
    assert error.value.arguments == ("labels",)
    assert len(scan(tmp_path, labels=tmp_path / "eval_data_list_a.csv").manifest) == 1


def test_the_list_of_2020_is_the_one_without_a_year(tmp_path: Path) -> None:
    make(tmp_path, "eval_data/fan/test/id_01_00000000.wav")
    row = "fan\nid_01_00000000.wav,anomaly_id_01_00000007.wav,1\n"
    (tmp_path / "eval_data_list.csv").write_text(row)
    (tmp_path / "eval_data_list_2022.csv").write_text(LABELS_2022)
    (clip,) = scan(tmp_path).manifest
    assert clip.label == "anomaly"


@pytest.mark.parametrize("inner", ["fan/", ""])
def test_mimii_has_each_machine_at_several_ratios(tmp_path: Path, inner: str) -> None:
    for ratio in ("-6_dB", "0_dB"):
        make(tmp_path, f"{ratio}_fan/{inner}id_00/normal/00000000.wav")
        make(tmp_path, f"{ratio}_fan/{inner}id_00/abnormal/00000001.wav")
    make(tmp_path, "-6_dB_pump/pump/id_02/normal/00000000.wav")
    found = scan(tmp_path)
    assert found.layout == "MIMII"
    assert machines(found) == {
        "fan@mimii-6_dB/id_00": 2,
        "fan@mimii0_dB/id_00": 2,
        "pump/id_02": 1,
    }
    noisy, quiet, pump = found.manifest.machines()
    assert noisy.is_namesake(quiet)
    assert not noisy.is_namesake(pump)
    assert found.manifest.outliers_for(noisy).machines() == [pump]
    assert len(found.manifest.outliers_for(quiet)) == 0


def test_mimii_alone_is_called_as_published(tmp_path: Path) -> None:
    make(tmp_path, "-6_dB_fan/fan/id_00/normal/00000000.wav")
    for root in (tmp_path, tmp_path / "-6_dB_fan", tmp_path / "-6_dB_fan" / "fan" / "id_00"):
        assert machines(scan(root)) == {"fan/id_00": 1}


def test_toyadmos_as_published(tmp_path: Path) -> None:
    make(
        tmp_path,
        "ToyCar/case1/NormalSound_IND/1100010001_ToyCar_case1_normal_IND_ch1_0001.wav",
        "ToyCar/case1/NormalSound_CNT/1100110001_ToyCar_case1_normal_CNT_ch2_0001.wav",
        "ToyCar/case1/AnomalousSound_IND/1101010001_ToyCar_case1_ab01_IND_ch1_0001.wav",
        "ToyCar/EnvironmentalNoise_CNT/1200010001_ToyCar_N1_CNT_ch1_0001.wav",
    )
    found = scan(tmp_path)
    assert found.layout == "ToyADMOS"
    assert [(str(c.machine), c.split, c.label, c.attributes) for c in found.manifest] == [
        ("ToyCar/case1", "test", "anomaly", "channel=1;kind=ab01"),
        ("ToyCar/case1", "train", "normal", "channel=2"),
        ("ToyCar/case1", "train", "normal", "channel=1"),
    ]
    assert "no machine runs" in found.left_out[0].reason


def test_two_sites_with_the_same_machine_names(tmp_path: Path) -> None:
    make(tmp_path, "north/pump/1/normal/a.wav", "south/pump/1/good/b.wav", "south/fan/2/ok/c.wav")
    assert machines(scan(tmp_path)) == {"fan/2": 1, "pump@north/1": 1, "pump@south/1": 1}
    assert machines(scan(tmp_path / "south")) == {"fan/2": 1, "pump/1": 1}


def test_two_copies_of_the_dcase_folder_of_2020_are_told_apart(tmp_path: Path) -> None:
    for folder in ("old/dev_data", "new/dev_data", "new/eval_data"):
        make(tmp_path, f"{folder}/fan/train/normal_id_00_0000000{len(folder)}.wav")
    assert machines(scan(tmp_path)) == {"fan@new/id_00": 2, "fan@old/id_00": 1}


@pytest.mark.parametrize("split", ["test", "val"])
def test_names_of_mimii_do_not_override_a_split_above(tmp_path: Path, split: str) -> None:
    make(tmp_path, f"{split}/fan/id_00/normal/00000000.wav", "train/fan/id_00/normal/00000001.wav")
    splits = {clip.split for clip in scan(tmp_path).manifest if "00000000" in clip.path}
    assert splits == {"validation" if split == "val" else split}
    make(tmp_path, "bad/fan/id_00/normal/00000002.wav")
    assert [s.path.name for s in scan(tmp_path).left_out] == ["00000002.wav"]


def test_two_sites_with_machines_as_mimii_has_them(tmp_path: Path) -> None:
    for site in ("north", "south"):
        make(tmp_path, f"{site}/fan/id_00/normal/00000000.wav")
        make(tmp_path, f"{site}/fan/id_00/test/normal/00000001.wav")
    assert machines(scan(tmp_path)) == {"fan@north/id_00": 2, "fan@south/id_00": 2}


def test_a_toyadmos_name_that_contradicts_its_folder_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "ToyCar/case1/anomaly/1100010001_ToyCar_case1_normal_IND_ch1_0001.wav")
    make(tmp_path, "ToyCar/case1/normal/1101010001_ToyCar_case1_ab01_IND_ch1_0001.wav")
    make(tmp_path, "ToyCar/case1/normal/1100010002_ToyCar_case1_normal_IND_ch1_0001.wav")
    found = scan(tmp_path)
    assert len(found.manifest) == 1
    assert len(found.left_out) == 2


def test_dcase_names_keep_their_ids_below_train_in_capitals(tmp_path: Path) -> None:
    make(tmp_path, "fan/Train/normal_id_00_00000000.wav", "fan/TEST/anomaly_id_02_00000000.wav")
    make(tmp_path, "fan/val/normal_id_00_00000001.wav")
    assert [(str(c.machine), c.split, c.label) for c in scan(tmp_path).manifest] == [
        ("fan/id_02", "test", "anomaly"),
        ("fan/id_00", "train", "normal"),
        ("fan/id_00", "validation", "normal"),
    ]


def test_a_label_list_of_another_year_says_nothing(tmp_path: Path) -> None:
    make(tmp_path, "dcase2024t2/fan/test/section_03_test_0000.wav")
    (tmp_path / "eval_data_list_2022.csv").write_text(LABELS_2022)
    (clip,) = scan(tmp_path).manifest
    assert clip.label == "unknown"
