"""What a clip is known by: its decoded sound, whatever the file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from rattle.clips.called import called_as
from rattle.clips.content import content_hash, file_hash, is_of_file
from rattle.clips.cutting import parts_of
from rattle.clips.excerpt import Excerpt
from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine
from rattle.errors import ClipError
from rattle.recipe.parts import Audio

RATE_HZ = 16_000
NOISE = np.random.default_rng(0).integers(-3000, 3000, RATE_HZ).astype(np.int16)


def write(
    path: Path, samples: NDArray[np.generic], subtype: str = "PCM_16", rate: int = RATE_HZ
) -> Path:
    sf.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.flac", "PCM_16"),
        ("a.flac", "PCM_24"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_32"),
        ("a.wav", "FLOAT"),
        ("a.aiff", "PCM_16"),
        ("a.w64", "DOUBLE"),
    ],
)
def test_the_same_samples_are_one_content_in_any_format(
    tmp_path: Path, name: str, subtype: str
) -> None:
    plain = write(tmp_path / "plain.wav", NOISE)
    samples = NOISE / 32768 if subtype in ("FLOAT", "DOUBLE") else NOISE
    assert content_hash(write(tmp_path / name, samples, subtype)) == content_hash(plain)


def test_what_a_header_says_beside_the_sound_changes_nothing(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.wav", NOISE)
    with sf.SoundFile(tmp_path / "titled.wav", "w", RATE_HZ, 1, "PCM_16") as titled:
        titled.title = "press 3"
        titled.write(NOISE)
    assert file_hash(tmp_path / "titled.wav") != file_hash(plain)
    assert content_hash(tmp_path / "titled.wav") == content_hash(plain)


def test_channels_that_are_the_same_count_as_one(tmp_path: Path) -> None:
    plain = content_hash(write(tmp_path / "plain.wav", NOISE))
    assert content_hash(write(tmp_path / "twice.wav", np.stack([NOISE] * 2, axis=1))) == plain
    other = NOISE.copy()
    other[-1] += 1
    assert content_hash(write(tmp_path / "two.wav", np.stack([NOISE, other], axis=1))) != plain


def test_a_step_or_the_rate_makes_another_sound(tmp_path: Path) -> None:
    other = NOISE.copy()
    other[-1] += 1
    hashes = {
        content_hash(write(tmp_path / "a.wav", NOISE)),
        content_hash(write(tmp_path / "b.wav", other)),
        content_hash(write(tmp_path / "c.wav", NOISE, rate=8000)),
        content_hash(write(tmp_path / "d.wav", NOISE[:-1])),
    }
    assert len(hashes) == 4
    assert not any(map(is_of_file, hashes))


def test_negative_zero_is_zero(tmp_path: Path) -> None:
    zeros = np.zeros(100, np.float32)
    zero, negative = (
        content_hash(write(tmp_path / f"{number}.wav", samples, "FLOAT"))
        for number, samples in enumerate([zeros, -zeros])
    )
    assert zero == negative


def test_what_cannot_be_decoded_to_its_end_is_known_by_its_bytes(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.wav", NOISE)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:-100])
    broken = write(tmp_path / "nan.wav", np.full(100, np.nan, np.float32), "FLOAT")
    for path in (cut, broken):
        assert content_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()
        assert is_of_file(content_hash(path))


@pytest.mark.parametrize("hash_of", [content_hash, file_hash])
def test_a_file_that_is_not_there_is_named(hash_of: object, tmp_path: Path) -> None:
    assert callable(hash_of)
    with pytest.raises(ClipError, match=r"none\.wav"):
        hash_of(tmp_path / "none.wav")


def test_clips_are_called_by_their_files_bytes_where_an_older_bundle_knows_these(
    tmp_path: Path,
) -> None:
    old = write(tmp_path / "a.wav", NOISE)
    new = write(tmp_path / "b.wav", NOISE[::-1])
    clips = labelled_clips([old, new], Machine("press", ""), "normal", Audio())
    known, unknown = called_as(clips, ["sound-1", file_hash(old)])
    assert (known.content_hash, unknown.content_hash) == (file_hash(old), content_hash(new))
    assert called_as(clips, ["sound-1"]) == clips


def test_excerpts_of_a_file_that_a_bundle_knows_by_its_bytes_keep_their_place(
    tmp_path: Path,
) -> None:
    (clip,) = labelled_clips(
        [write(tmp_path / "a.wav", NOISE)], Machine("press", ""), "normal", Audio()
    )
    of_file = file_hash(Path(clip.path))
    first, second = parts_of(clip, [Excerpt(0, 8), Excerpt(8, 8)])
    assert [one.content_hash for one in called_as([first, clip], [f"{of_file}@8+8"])] == [
        f"{of_file}@0+8",
        of_file,
    ]
    assert second.content_hash == f"{content_hash(Path(clip.path))}@8+8"
