"""What libsndfile does not read is read by ffmpeg, or refused with the way to get it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from here import needs_ffmpeg
from made_up_wav import RATE_HZ, machine
from rattle.clips import by_ffmpeg
from rattle.clips.check import check
from rattle.clips.examine import examine
from rattle.clips.hearing import hear
from rattle.clips.reading import probe, read_clip
from rattle.errors import ClipError
from rattle.recipe import Recipe

SOUND = machine(4.0)
FLOATS = SOUND / np.float32(32768)
RECIPE = Recipe.load("fleet")
VIDEO = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=4", "-c:v", "mpeg4"]


def convert(path: Path, *how: str, video: bool = False) -> Path:
    """Write the sound as ffmpeg does, beside a picture or alone."""
    wav = path.parent / "source.wav"
    sf.write(wav, SOUND, RATE_HZ)
    picture = VIDEO if video else []
    words = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *picture[:4], "-i", wav]
    subprocess.run([*words, *picture[4:], *how, f"file:{path}"], check=True)
    wav.unlink()
    return path


LOSSLESS = {
    "alac.m4a": ["-c:a", "alac"],
    "a.wv": ["-c:a", "wavpack"],
    "a.tta": ["-c:a", "tta"],
    "pcm.mov": ["-c:a", "pcm_s16be"],
    "pcm.mkv": ["-c:a", "pcm_s16le"],
    "flac.ogg": ["-c:a", "flac"],
}


@needs_ffmpeg
@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_sound_is_read_to_the_last_bit(name: str, tmp_path: Path) -> None:
    path = convert(tmp_path / name, *LOSSLESS[name])
    np.testing.assert_array_equal(read_clip(path), FLOATS)
    heard = hear(path, RECIPE.audio)
    assert (heard.traits.codec, heard.traits.rate_hz, heard.remark) == ("", RATE_HZ, "")


LOSSY = {
    "a.m4a": (["-c:a", "aac"], "AAC"),
    "a.aac": (["-c:a", "aac"], "AAC"),
    "a.3gp": (["-c:a", "aac"], "AAC"),
    "a.mka": (["-c:a", "aac"], "AAC"),
    "a.wma": (["-c:a", "wmav2"], "WMA"),
    "a.webm": (["-c:a", "libopus"], "Opus"),
    "live.webm": (["-f", "webm", "-live", "1", "-c:a", "libopus"], "Opus"),
    "a.m2ts": (["-f", "mpegts", "-c:a", "aac"], "AAC"),
    "g722.wav": (["-c:a", "g722"], "ADPCM_G722"),
}


@needs_ffmpeg
@pytest.mark.parametrize("name", LOSSY)
def test_lossy_sound_keeps_length_level_and_the_name_of_its_codec(
    name: str, tmp_path: Path
) -> None:
    how, codec = LOSSY[name]
    path = convert(tmp_path / name, *how)
    read = read_clip(path)
    # Encoders put a few thousand samples of silence around the sound.
    assert len(read) == pytest.approx(len(SOUND), abs=3000)
    assert read.std() == pytest.approx(FLOATS.std(), rel=0.1)
    assert probe(path).seconds == pytest.approx(4.0, abs=0.2)
    assert hear(path, RECIPE.audio).traits.codec == codec


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_the_sound_of_a_video_is_read(name: str, tmp_path: Path) -> None:
    path = convert(tmp_path / name, "-c:a", "pcm_s16le" if name == "a.avi" else "aac", video=True)
    assert read_clip(path).std() == pytest.approx(FLOATS.std(), rel=0.1)


@needs_ffmpeg
def test_a_video_without_sound_is_told(tmp_path: Path) -> None:
    path = convert(tmp_path / "a.mp4", "-an", video=True)
    with pytest.raises(ClipError, match=r"a\.mp4: this MP4 or M4A file holds no audio track"):
        read_clip(path)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["-i.m4a", "http:x.m4a", "pipe:0.m4a", "a b';$(x)%d\n.m4a"])
def test_a_name_is_a_name_whatever_it_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(tmp_path / name, "-c:a", "alac")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(read_clip(Path(name)), FLOATS)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["list.m4a", "list.mkv"])
def test_a_list_of_other_files_is_no_recording(name: str, tmp_path: Path) -> None:
    """ffmpeg, left to guess, opens what it names."""
    sf.write(tmp_path / "secret.wav", SOUND, RATE_HZ)
    (tmp_path / name).write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(ClipError, match="cannot be read as audio"):
        read_clip(tmp_path / name)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.m4a", ["-c:a", "aac"]),
        ("first.m4a", ["-c:a", "aac", "-movflags", "faststart"]),
        ("a.mka", ["-c:a", "aac"]),
        ("a.wma", ["-c:a", "wmav2"]),
        ("g722.wav", ["-c:a", "g722"]),
    ],
)
def test_a_file_cut_in_half_is_refused(name: str, how: list[str], tmp_path: Path) -> None:
    path = convert(tmp_path / name, *how)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipError, match=r"cut short|cannot be read as audio"):
        read_clip(path)
    assert [found.severity for found in examine(path, RECIPE).findings] == ["error"]


@needs_ffmpeg
def test_an_ffmpeg_that_gives_no_sound_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = convert(tmp_path / "a.m4a", "-c:a", "alac")
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setattr(by_ffmpeg, "program_path", lambda: str(tmp_path / "ffmpeg"))
    monkeypatch.setattr(by_ffmpeg, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(ClipError, match=r"a\.m4a: .*ffmpeg gave no sound for 0\.2 s"):
        read_clip(path)


def test_without_ffmpeg_every_such_file_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "press" / "normal"
    folder.mkdir(parents=True)
    sf.write(folder / "whole.wav", machine(), RATE_HZ)
    first = {
        "a.m4a": b"\0\0\0\x20ftypM4A ",
        "b.wma": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
        "c.amr": b"#!AMR\n",
        "d.webm": b"\x1a\x45\xdf\xa3",
    }
    for name, content in first.items():
        (folder / name).write_bytes(content.ljust(700, b"\0"))
    monkeypatch.setenv("PATH", "")
    found = {f.path.name: f for f in check(tmp_path, RECIPE).findings if f.path}
    assert found.keys() == first.keys()
    for finding in found.values():
        assert (finding.code, finding.severity) == ("unreadable", "error")
        assert "read by ffmpeg with ffprobe, which is not installed; install it" in finding.message
        assert "or convert the recording to WAV or FLAC" in finding.message
