"""Clips that someone names: each content once, of the machine, with the label."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.content import content_hash
from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine
from rattle.errors import ClipError, DataError
from rattle.recipe.parts import Audio

PRESS = Machine("press 3|west", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """monday/b.wav, monday/deep/a.flac, tuesday.wav at 8 kHz with two channels, and a note."""
    rng = np.random.default_rng(0)
    for name, rate_hz, shape in (
        ("monday/b.wav", 16_000, 1600),
        ("monday/deep/a.flac", 16_000, 800),
        ("tuesday.wav", 8_000, (400, 2)),
    ):
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, 0.1 * rng.standard_normal(shape), rate_hz)
    (tmp_path / "given" / "monday" / "note.txt").write_text("a loud knock at 9:30")
    return tmp_path / "given"


def test_files_and_folders_become_clips_of_the_machine_with_the_label(folder: Path) -> None:
    clips = list(
        labelled_clips([folder / "tuesday.wav", folder / "monday"], PRESS, "anomaly", Audio())
    )
    assert [Path(clip.path) for clip in clips] == [
        folder / "monday" / "b.wav",
        folder / "monday" / "deep" / "a.flac",
        folder / "tuesday.wav",
    ]
    assert {(clip.machine, clip.label, clip.split) for clip in clips} == {
        (PRESS, "anomaly", "train")
    }
    last = clips[-1]
    assert (last.channels, last.sample_rate_hz, last.frames) == (2, 8000, 400)
    assert last.content_hash == content_hash(folder / "tuesday.wav")


def test_a_content_counts_once_whatever_it_is_called(folder: Path) -> None:
    shutil.copy(folder / "tuesday.wav", folder / "monday" / "again.wav")
    paths = [folder / "monday" / "b.wav", folder, folder / "tuesday.wav"]
    assert len(labelled_clips(paths, PRESS, "normal", Audio())) == 3


def test_a_file_that_is_named_counts_whatever_its_suffix(folder: Path) -> None:
    odd = folder / "alarm.2024-03-01"
    shutil.copy(folder / "tuesday.wav", odd)
    assert [clip.path for clip in labelled_clips([odd], PRESS, "anomaly", Audio())] == [str(odd)]


def test_paths_are_kept_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (clip,) = labelled_clips([Path("tuesday.wav")], PRESS, "anomaly", Audio())
    assert clip.path == str(folder / "tuesday.wav")


def test_nothing_given_is_no_clips() -> None:
    assert len(labelled_clips([], PRESS, "normal", Audio())) == 0


def test_a_folder_without_recordings_is_refused_by_its_name(folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    (empty / "note.txt").touch()
    with pytest.raises(DataError, match=r"empty holds no recording; give recordings or folders"):
        labelled_clips([folder, empty], PRESS, "anomaly", Audio())


def test_a_file_that_is_no_recording_is_refused_by_its_name(folder: Path) -> None:
    with pytest.raises(ClipError, match=r"note\.txt: cannot be read as audio"):
        labelled_clips([folder / "monday" / "note.txt"], PRESS, "anomaly", Audio())
    with pytest.raises(ClipError, match=r"nosuch\.wav: there is no such file"):
        labelled_clips([folder / "nosuch.wav"], PRESS, "anomaly", Audio())
    broken = folder / "monday" / "broken.wav"
    broken.write_bytes(b"RIFF of nothing")
    with pytest.raises(ClipError, match=r"broken\.wav: cannot be read as audio"):
        labelled_clips([folder], PRESS, "anomaly", Audio())


def test_a_file_without_sound_is_refused_by_its_name(folder: Path) -> None:
    sf.write(folder / "silence.wav", np.zeros(0), 16_000)
    with pytest.raises(ClipError, match=r"silence\.wav: the file holds no sound"):
        labelled_clips([folder], PRESS, "anomaly", Audio())


def test_a_folder_below_the_one_that_is_given_is_the_kind_of_fault(folder: Path) -> None:
    kinds = {
        Path(clip.path).name: clip.attributes
        for clip in labelled_clips([folder], PRESS, "anomaly", Audio())
    }
    assert kinds == {"tuesday.wav": "", "b.wav": "kind=monday", "a.flac": "kind=monday/deep"}


def test_a_file_that_is_given_by_itself_is_of_no_kind(folder: Path) -> None:
    (clip,) = labelled_clips([folder / "monday" / "b.wav"], PRESS, "anomaly", Audio())
    assert clip.attributes == ""


def test_what_a_folder_holds_besides_is_left_out_and_said(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "normal").mkdir()
    shutil.move(folder / "monday" / "b.wav", folder / "normal" / "b.wav")
    clips = labelled_clips([folder], PRESS, "anomaly", Audio())
    assert [Path(clip.path).name for clip in clips] == ["a.flac", "tuesday.wav"]
    said = f"anomaly: 1 of 3 clips are left out: {folder / 'normal' / 'b.wav'} "
    assert f"{said}(called normal by its folder)" in caplog.text
    with pytest.raises(ClipError, match=r"anomaly: 1 of 1 .*called normal by its folder.*others"):
        labelled_clips([folder / "normal"], PRESS, "anomaly", Audio())
    (named,) = labelled_clips([folder / "normal" / "b.wav"], PRESS, "anomaly", Audio())
    assert named.label == "anomaly"


def test_the_sound_of_another_machine_is_left_out_whatever_it_is_called(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    others = {"pump": [content_hash(folder / "tuesday.wav")]}
    clips = labelled_clips([folder], PRESS, "normal", Audio(), others=others)
    assert [Path(clip.path).name for clip in clips] == ["b.wav", "a.flac"]
    assert "tuesday.wav (the same sound as a clip of pump)" in caplog.text


def test_a_recording_of_which_another_machine_has_excerpts_is_left_out(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    others = {"pump": [f"{content_hash(folder / 'tuesday.wav')}@0+800"]}
    clips = labelled_clips([folder], PRESS, "normal", Audio(), others=others)
    assert [Path(clip.path).name for clip in clips] == ["b.wav", "a.flac"]
    assert "1 of 3 clips are left out" in caplog.text


def test_a_recording_of_which_excerpts_were_used_is_those_and_they_are_judged_one_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sound = np.random.default_rng(0).uniform(-0.3, 0.3, 96_000)
    sound[48_000:] = 0
    path = tmp_path / "long.wav"
    sf.write(path, sound, 16_000)
    used = [f"{content_hash(path)}@{start}+32000" for start in (0, 64_000)]
    (clip,) = labelled_clips([path], PRESS, "normal", Audio(), used=used)
    assert clip.content_hash == used[0]
    assert "1 of 2 clips are left out" in caplog.text
    assert "long.wav from 4.0 s (silent" in caplog.text
    with pytest.raises(ClipError, match=r"normal: 1 of 1 clips are left out"):
        labelled_clips([path], PRESS, "normal", Audio(), used=used[1:])
