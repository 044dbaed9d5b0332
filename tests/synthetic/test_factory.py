"""Folders of synthetic recordings."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.cli.synthesize import synthesize
from rattle.clips.layouts import load_manifest
from rattle.errors import DataError
from rattle.synthetic import FAULTS_OF_TYPE, write_factory

SMALL = {
    "types": ("synth_fan", "synth_valve"),
    "ids_per_type": 2,
    "train_clips": 2,
    "test_normal": 1,
    "test_anomaly": 3,
    "seconds": 1.0,
}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def factory(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("factory")
    write_factory(folder, seed=5, workers=1, **SMALL)
    return folder


def test_the_layout_is_that_of_the_dcase_2020_development_set(factory):
    names = set(contents(factory)) - {"factory.json"}
    assert len(names) == 2 * 2 * (2 + 1 + 3)
    assert "dev_data/synth_fan/train/normal_id_00_00000000.wav" in names
    assert "dev_data/synth_fan/test/normal_id_01_00000002.wav" in names
    assert "dev_data/synth_valve/test/anomaly_id_01_00000002.wav" in names


def test_clips_are_16_bit_mono_of_the_length_and_rate_asked_for(factory):
    for path in factory.rglob("*.wav"):
        info = sf.info(path)
        assert (info.channels, info.samplerate, info.frames) == (1, 16_000, 16_000)
        assert info.subtype == "PCM_16"


def test_every_anomaly_is_explained_and_the_folder_says_it_is_synthetic(factory):
    told = json.loads((factory / "factory.json").read_text())
    assert "Synthetic" in told["notice"]
    anomalies = {name for name in contents(factory) if "/anomaly_" in name}
    assert told["anomalies"].keys() == anomalies
    for name, fault in told["anomalies"].items():
        assert fault["fault"] in FAULTS_OF_TYPE[name.split("/")[1]]
        assert 0.2 <= fault["severity"] <= 1


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(factory, tmp_path):
    write_factory(tmp_path / "again", seed=5, workers=3, **SMALL)
    assert contents(tmp_path / "again") == contents(factory)


def test_a_clip_does_not_depend_on_what_else_is_written(factory, tmp_path):
    fewer = SMALL | {"types": ("synth_valve",), "ids_per_type": 1, "train_clips": 1}
    write_factory(tmp_path, seed=5, **fewer)
    name = "dev_data/synth_valve/train/normal_id_00_00000000.wav"
    assert contents(tmp_path)[name] == contents(factory)[name]


def test_another_seed_gives_other_sounds_and_no_two_clips_are_alike(factory, tmp_path):
    write_factory(tmp_path, seed=6, **SMALL)
    ours, others = contents(factory), contents(tmp_path)
    sounds = [data for files in (ours, others) for n, data in files.items() if n.endswith(".wav")]
    assert len(set(sounds)) == len(sounds)


def test_a_folder_with_recordings_is_left_alone(factory):
    before = contents(factory)
    with pytest.raises(DataError, match="exists already; name another folder"):
        write_factory(factory, seed=9, **SMALL)
    assert contents(factory) == before


def test_what_a_killed_run_left_is_no_recording_and_keeps_nothing_from_being_written(
    tmp_path, factory
):
    shutil.copytree(factory / "dev_data", tmp_path / ".filling-killed")
    write_factory(tmp_path, seed=5, **SMALL)
    assert contents(tmp_path / "dev_data") == contents(factory / "dev_data")
    assert len(load_manifest(tmp_path)) == len(load_manifest(factory))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"types": ("fan",)}, "no synthetic machine type fan"),
        ({"types": ()}, "none given"),
        ({"severity": (0.0, 1.0)}, "within"),
        ({"severity": (0.9, 0.1)}, "lower end first"),
        ({"ids_per_type": 0}, "give 1 to 100"),
        ({"seconds": 0.1}, "at least 1 second"),
        ({"train_clips": 0, "test_normal": 0, "test_anomaly": 0}, "at least one clip"),
        ({"workers": 0}, "one worker"),
    ],
)
def test_arguments_out_of_range_are_refused_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises(DataError, match=message):
        write_factory(tmp_path / "new", **(SMALL | wrong))
    assert not (tmp_path / "new").exists()


def test_the_command_writes_and_says_what_it_wrote(tmp_path, capsys):
    options = SMALL | {"types": ["synth_pump"]}
    assert synthesize(to=tmp_path, seed=1, **options) == 0
    said = capsys.readouterr().out
    assert "12 synthetic clips of 1 s from 2 machines" in said
    assert len(list(tmp_path.rglob("*.wav"))) == 12
    peak = max(np.abs(sf.read(path)[0]).max() for path in tmp_path.rglob("*.wav"))
    assert 0.01 < peak < 1
