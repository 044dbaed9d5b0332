"""Recordings are kept as FLAC, named by their sound."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up_heard import NOW
from rattle.clips.content import content_hash
from rattle.errors import ClipError, StorageError
from rattle.station.records import ClipHeard
from rattle.station.store.clip_files import keep_clip


def clip(samples: np.ndarray, rate_hz: int = 16_000) -> ClipHeard:
    return ClipHeard("s" * 26, "i" * 26, "incident", NOW, rate_hz, samples, 2.0)


def noise(seconds: float = 0.5, channels: int = 1, bits: int | None = None) -> np.ndarray:
    samples = np.random.default_rng(0).normal(0, 0.1, (round(seconds * 16_000), channels))
    if bits is not None:
        samples = np.rint(samples * 2 ** (bits - 1)) / 2 ** (bits - 1)
    return samples.astype(np.float32)


@pytest.mark.parametrize(("bits", "subtype"), [(16, "PCM_16"), (12, "PCM_16"), (24, "PCM_24")])
def test_a_recording_is_read_as_it_was_heard_in_as_few_bits_as_that_takes(
    tmp_path: Path, bits: int, subtype: str
) -> None:
    heard = clip(noise(channels=2, bits=bits), 48_000)
    kept = keep_clip(tmp_path, heard, speech=0.1)
    samples, rate_hz = sf.read(tmp_path / kept.path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(samples, heard.samples)
    assert rate_hz == 48_000
    assert sf.info(tmp_path / kept.path).subtype == subtype
    assert kept.bytes == (tmp_path / kept.path).stat().st_size
    assert kept.seconds == pytest.approx(8000 / 48_000)
    assert (kept.start, kept.incident_id, kept.speech, kept.peak) == (NOW, "i" * 26, 0.1, 2.0)


@given(
    seed=st.integers(0, 1000),
    # A few samples of noise, or noise at full scale, would be taken for garbled sound when read.
    length=st.just(1) | st.integers(50, 300),
    loud=st.sampled_from([1e-6, 0.1, 0.3]),
    channels=st.integers(1, 8),
    rate_hz=st.sampled_from([1000, 16_000, 44_100, 384_000]),
)
@settings(max_examples=40)
def test_the_name_is_what_a_clip_is_known_by(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    length: int,
    loud: float,
    channels: int,
    rate_hz: int,
) -> None:
    folder = tmp_path_factory.mktemp("clips")
    noise = np.random.default_rng(seed).normal(0, loud, (length, channels))
    sound = noise.astype(np.float32)
    kept = keep_clip(folder, clip(sound, rate_hz), speech=None)
    assert kept.path == f"clips/{kept.sha256[:2]}/{kept.sha256}.flac"
    assert content_hash(folder / kept.path) == f"sound-{kept.sha256}"
    read, _ = sf.read(folder / kept.path, dtype="float32", always_2d=True)
    bits = int(sf.info(folder / kept.path).subtype.removeprefix("PCM_"))
    highest = 1 - 2.0 ** (1 - bits)
    np.testing.assert_allclose(read, np.clip(sound, -1, highest), atol=2.0**-23, rtol=0)


@pytest.mark.parametrize(("bits", "highest"), [(16, 1 - 2.0**-15), (None, 1 - 2.0**-23)])
def test_what_is_beyond_full_scale_is_clipped(
    tmp_path: Path, bits: int | None, highest: float
) -> None:
    samples = noise(bits=bits)
    samples[[3, 5, 9]] = [[2.0], [1.0], [-2.0]]
    kept = keep_clip(tmp_path, clip(samples), speech=None)
    read, _ = sf.read(tmp_path / kept.path, dtype="float32")
    assert read[[3, 5, 9]].tolist() == [highest, highest, -1.0]
    np.testing.assert_allclose(read[10:], samples[10:, 0], atol=2.0**-23, rtol=0)


def test_the_same_sound_twice_is_one_file(tmp_path: Path) -> None:
    first = keep_clip(tmp_path, clip(noise()), speech=None)
    again = keep_clip(tmp_path, replace(clip(noise()), incident_id=None), speech=None)
    other = keep_clip(tmp_path, clip(noise() / 2), speech=None)
    assert first.path == again.path != other.path
    assert first.bytes == again.bytes
    assert len([*tmp_path.rglob("*.flac")]) == 2


def test_a_file_that_is_kept_again_is_as_new(tmp_path: Path) -> None:
    path = tmp_path / keep_clip(tmp_path, clip(noise()), speech=None).path
    os.utime(path, (0, 0))
    keep_clip(tmp_path, clip(noise()), speech=None)
    assert path.stat().st_mtime > 0


def test_one_channel_may_come_without_its_axis(tmp_path: Path) -> None:
    samples = noise()
    flat = keep_clip(tmp_path, clip(samples[:, 0]), speech=None)
    assert flat == keep_clip(tmp_path, clip(samples), speech=None)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.empty((0, 1), np.float32), "holds no sound"),
        (np.zeros((100, 9), np.float32), "has 9 channels and FLAC holds 8"),
        (np.full((100, 1), np.nan, np.float32), "holds NaN or infinity"),
    ],
)
def test_what_is_no_recording_is_refused_and_leaves_no_file(
    tmp_path: Path, samples: np.ndarray, message: str
) -> None:
    with pytest.raises(ClipError, match=message):
        keep_clip(tmp_path, clip(samples), speech=None)
    assert [*tmp_path.rglob("*")] == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("in the way")
    with pytest.raises(StorageError, match=r"clips/.*\.flac cannot be written"):
        keep_clip(tmp_path, clip(noise()), speech=None)
