from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from made_up_recordings import make
from rattle.clips.content import content_hash
from rattle.clips.layouts import Scan, load_manifest, load_outliers, scan
from rattle.clips.machine import Machine
from rattle.errors import DataError


def rows(found: Scan) -> dict[str, tuple[str, str, str]]:
    """File name -> machine, split, label."""
    return {Path(c.path).name: (str(c.machine), c.split, c.label) for c in found.manifest}


@pytest.fixture
def dcase_2020(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    make(
        root,
        "dev_data/fan/train/normal_id_00_00000000.wav",
        "dev_data/fan/test/normal_id_00_00000000.flac",
        "dev_data/fan/test/anomaly_id_00_00000001.wav",
        "dev_data/ToyCar/train/normal_id_01_00000000.wav",
        "eval_data/fan/train/normal_id_01_00000005.wav",
        "eval_data/fan/test/id_01_00000000.wav",
        "eval_data/fan/test/id_01_00000001.wav",
    )
    return root


LABEL_LIST = """fan
id_01_00000000.wav,normal_id_01_00000100.wav,0
id_01_00000001.wav,anomaly_id_01_00000007.wav,1
pump
id_01_00000000.wav,anomaly_id_01_00000003.wav,1
"""


def test_dcase_2020_sets_side_by_side_are_recognised(dcase_2020: Path) -> None:
    found = scan(dcase_2020)
    assert found.layout == "DCASE"
    assert len(found.manifest) == 7
    assert found.manifest.machines() == [
        Machine("ToyCar", "id_01"),
        Machine("fan", "id_00"),
        Machine("fan", "id_01"),
    ]
    fan = found.manifest.of(Machine("fan", "id_00"))
    assert [(c.split, c.label) for c in fan] == [
        ("test", "anomaly"),
        ("test", "normal"),
        ("train", "normal"),
    ]
    assert set(fan.table["source_set"]) == {"mimii"}
    toy = found.manifest.of(Machine("ToyCar", "id_01"))
    assert set(toy.table["source_set"]) == {"toyadmos"}


def test_without_hashes_the_manifest_is_the_same_but_for_them(dcase_2020: Path) -> None:
    whole, headers = scan(dcase_2020), scan(dcase_2020, hashed=False)
    assert set(headers.manifest.table["content_hash"]) == {""}
    bare = [found.manifest.table.drop("content_hash") for found in (whole, headers)]
    assert bare[0].equals(bare[1])


def test_a_row_says_what_the_file_is(dcase_2020: Path) -> None:
    path = dcase_2020 / "dev_data/fan/train/normal_id_00_00000000.wav"
    clip = next(c for c in scan(dcase_2020).manifest if c.path == str(path))
    assert (clip.channels, clip.sample_rate_hz, clip.frames) == (1, 16_000, 1600)
    assert clip.content_hash == content_hash(path)


@pytest.mark.parametrize("inside", ["dev_data", "dev_data/fan", "dev_data/fan/test"])
def test_the_folder_may_be_any_part_of_the_tree(dcase_2020: Path, inside: str) -> None:
    machine = Machine("fan", "id_00")
    whole = scan(dcase_2020).manifest.of(machine).table.to_dicts()
    part = scan(dcase_2020 / inside).manifest.of(machine).table.to_dicts()
    assert part
    assert all(row in whole for row in part)


def test_a_relative_folder_gives_absolute_paths(
    dcase_2020: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(dcase_2020 / "dev_data" / "fan")
    found = scan(Path())
    assert found.manifest.machines() == [Machine("fan", "id_00")]
    assert all(Path(c.path).is_absolute() for c in found.manifest)


def test_evaluation_clips_have_no_label_without_a_list(dcase_2020: Path) -> None:
    assert len(scan(dcase_2020).manifest.of(label="unknown")) == 2


@pytest.mark.parametrize("place", ["eval_data_list.csv", "elsewhere.csv"])
@pytest.mark.parametrize("inside", [".", "eval_data"])
def test_labels_come_from_the_list(dcase_2020: Path, place: str, inside: str) -> None:
    list_ = dcase_2020 / place
    list_.write_text(LABEL_LIST)
    labels = None if place == "eval_data_list.csv" else list_
    found = rows(scan(dcase_2020 / inside, labels=labels))
    assert found["id_01_00000000.wav"] == ("fan/id_01", "test", "normal")
    assert found["id_01_00000001.wav"] == ("fan/id_01", "test", "anomaly")


def test_a_broken_label_list_names_its_row(dcase_2020: Path) -> None:
    (dcase_2020 / "eval_data_list.csv").write_text("fan\nid_01_00000000.wav,what,2\n")
    with pytest.raises(DataError, match="row 2"):
        scan(dcase_2020)
    with pytest.raises(DataError, match=r"none\.csv"):
        scan(dcase_2020, labels=dcase_2020 / "none.csv")


def test_sections_domains_and_attributes_of_later_years_are_read(tmp_path: Path) -> None:
    root = tmp_path / "dcase2023t2" / "dev_data" / "raw"
    make(
        root,
        "ToyCar/train/section_00_source_train_normal_0000_car_A1_spd_28V.wav",
        "ToyCar/test/section_00_target_test_anomaly_0001_car_B1_spd_31V.wav",
        "ToyCar/test/section_00_0002.wav",
        "ToyCar/supplemental/section_00_machine_0001_.wav",
    )
    (root / "ToyCar" / "attributes_00.csv").write_text(
        "file_name,d1p,d1v,d2p,d2v\n"
        "ToyCar/test/section_00_target_test_anomaly_0001_car_B1_spd_31V.wav,car,B1,spd,31.0V\n"
    )
    found = scan(root)
    source, target, unlabelled = (
        next(c for c in found.manifest if c.domain == domain) for domain in ("source", "target", "")
    )
    assert (target.domain, target.label, target.attributes) == (
        "target",
        "anomaly",
        "car=B1;spd=31.0V",
    )
    assert (unlabelled.domain, unlabelled.label, unlabelled.split) == ("", "unknown", "test")
    assert (source.domain, source.split, source.attributes) == (
        "source",
        "train",
        "car=A1;spd=28V",
    )
    assert {c.source_set for c in found.manifest} == {"dcase2023"}
    assert {c.machine for c in found.manifest} == {Machine("ToyCar", "section_00")}
    assert [s.path.parent.name for s in found.left_out] == ["supplemental"]


def test_2021_is_told_by_its_test_folders(tmp_path: Path) -> None:
    make(
        tmp_path,
        "fan/train/section_00_source_train_normal_0000_strength_1_ambient.wav",
        "fan/source_test/section_03_source_test_0000.wav",
        "pump/train/section_00_source_train_normal_0000.wav",
    )
    sets = {c.machine_type: c.source_set for c in scan(tmp_path).manifest}
    assert sets == {"fan": "dcase2021", "pump": "dcase"}
    assert rows(scan(tmp_path))["section_03_source_test_0000.wav"] == (
        "fan/section_03",
        "test",
        "unknown",
    )


def test_labels_of_later_years_bring_domain_and_attributes(tmp_path: Path) -> None:
    make(tmp_path, "ToyPet/test/section_00_0001.wav")
    (tmp_path / "eval_data_list_2025.csv").write_text(
        "ToyPet\nsection_00_0001.wav,section_00_target_test_anomaly_0001_pow_2_n_B.wav\n"
    )
    (clip,) = scan(tmp_path).manifest
    assert (clip.label, clip.domain, clip.attributes) == ("anomaly", "target", "pow=2;n=B")


def test_plain_folders_give_machines_splits_and_labels(tmp_path: Path) -> None:
    make(
        tmp_path,
        "press-3/normal/a.wav",
        "press-3/Anomaly/b.wav",
        "press-3/test/normal/c.ogg",
        "press-3/test/anomaly/d.mp3",
        "press-3/test/e.aiff",
        "press-3/train/2024-05-02/f.wav",
        "saw/2/abnormal/g.wav",
    )
    found = scan(tmp_path)
    assert found.layout == "plain folder"
    assert rows(found) == {
        "a.wav": ("press-3", "train", "normal"),
        "b.wav": ("press-3", "test", "anomaly"),
        "c.ogg": ("press-3", "test", "normal"),
        "d.mp3": ("press-3", "test", "anomaly"),
        "e.aiff": ("press-3", "test", "unknown"),
        "f.wav": ("press-3", "train", "normal"),
        "g.wav": ("saw/2", "test", "anomaly"),
    }
    assert {c.source_set for c in found.manifest} == {"site"}


@pytest.mark.parametrize("inside", [".", "fan", "fan/id_00"])
def test_original_mimii_is_type_and_id_from_wherever_one_looks(tmp_path: Path, inside: str) -> None:
    make(tmp_path, "fan/id_00/normal/00000000.wav", "fan/id_00/abnormal/00000001.wav")
    assert rows(scan(tmp_path / inside)) == {
        "00000000.wav": ("fan/id_00", "train", "normal"),
        "00000001.wav": ("fan/id_00", "test", "anomaly"),
    }


def test_a_machines_own_folder_is_named_after_it(tmp_path: Path) -> None:
    make(tmp_path, "press-3/normal/a.wav")
    assert scan(tmp_path / "press-3").manifest.machines() == [Machine("press-3", "")]


def test_files_without_a_place_are_left_out_with_a_reason(tmp_path: Path) -> None:
    make(tmp_path, "press/normal/a.wav", "loose.wav", "a/b/c/d/normal/deep.wav")
    found = scan(tmp_path)
    assert sorted(s.path.name for s in found.left_out) == ["deep.wav", "loose.wav"]
    assert len(found.manifest) == 1


def test_hidden_files_and_what_a_mac_adds_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "press/normal/a.wav", "press/normal/._a.wav", "__MACOSX/press/normal/a.wav")
    found = scan(tmp_path)
    assert len(found.manifest) == 1
    assert not found.left_out


def test_a_link_back_to_the_folder_does_not_repeat_its_clips(tmp_path: Path) -> None:
    make(tmp_path, "press/normal/a.wav")
    (tmp_path / "press" / "again").symlink_to(tmp_path)
    assert len(scan(tmp_path).manifest) == 1


def test_an_unreadable_file_does_not_stop_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "press/normal/a.wav")
    (tmp_path / "press/normal/text.wav").write_text("no sound")
    sf.write(tmp_path / "press/normal/empty.wav", np.zeros(0), 16_000)
    found = scan(tmp_path)
    assert len(found.manifest) == 1
    assert [s.path.name for s in found.unreadable] == ["empty.wav", "text.wav"]
    with caplog.at_level(logging.WARNING):
        assert len(load_manifest(tmp_path)) == 1
    assert "2 files left out" in caplog.text


def test_a_set_without_a_usable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "press/normal").mkdir(parents=True)
    (tmp_path / "press/normal/text.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"no usable recording.*text\.wav"):
        load_manifest(tmp_path)


def test_an_unknown_layout_is_an_error_that_shows_the_known_ones(tmp_path: Path) -> None:
    make(tmp_path, "stuff/a.wav")
    with pytest.raises(DataError) as error:
        scan(tmp_path)
    text = str(error.value)
    assert "1 audio files" in text
    assert "stuff/a.wav" in text
    for example in ("normal_id_00_", "section_00_", "press-3/", "fan/id_00/", "path,machine,label"):
        assert example in text


@pytest.mark.parametrize("name", ["empty", "none"])
def test_an_empty_or_missing_folder_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no audio file" if name == "empty" else "no such folder"):
        scan(tmp_path / name)


@pytest.mark.real
def test_the_real_subset_has_the_counts_its_readme_states(real_data: Path) -> None:
    manifest = load_manifest(real_data / "dcase2020-subset" / "dev_data")
    assert len(manifest.machines()) == 12

    def counts(type_: str, id_: str) -> tuple[int, int, int]:
        of = manifest.of(Machine(type_, id_))
        return (
            len(of.of(split="train", label="normal")),
            len(of.of(split="test", label="normal")),
            len(of.of(split="test", label="anomaly")),
        )

    assert counts("slider", "id_00") == (75, 60, 114)
    assert counts("fan", "id_02") == (60, 40, 50)
    assert counts("valve", "id_06") == (7, 3, 5)


def test_outliers_need_no_layout(tmp_path: Path) -> None:
    make(tmp_path / "hall", "a.wav", "b.wav")
    clips = load_outliers(tmp_path / "hall")
    assert [str(clip.machine) for clip in clips] == ["hall", "hall"]
    assert {(clip.split, clip.label) for clip in clips} == {("train", "normal")}


def test_outliers_in_a_layout_keep_their_machines(tmp_path: Path) -> None:
    make(tmp_path, "press/normal/a.wav", "pump/normal/a.wav")
    assert [str(m) for m in load_outliers(tmp_path).machines()] == ["press", "pump"]


def test_an_empty_folder_of_outliers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no audio file"):
        load_outliers(tmp_path)
