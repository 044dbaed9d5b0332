from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from rattle.clips.reading import read_clip
from rattle.clips.writing import write_wav

NOISE = np.random.default_rng(0).normal(0, 0.5, 5_000).astype(np.float32)


def test_float_samples_are_kept_as_they_are_beyond_full_scale(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", NOISE, 16_000)
    assert np.abs(NOISE).max() > 1
    np.testing.assert_array_equal(read_clip(tmp_path / "a.wav"), NOISE)


def test_16_bit_samples_are_kept_as_they_are(tmp_path: Path) -> None:
    pcm = np.arange(-3000, 3000, dtype=np.int16)
    write_wav(tmp_path / "a.wav", pcm, 8_000)
    found, rate_hz = sf.read(tmp_path / "a.wav", dtype="int16")
    np.testing.assert_array_equal(found, pcm)
    assert rate_hz == 8_000


def test_a_file_does_not_tell_when_it_was_written(tmp_path: Path) -> None:
    """libsndfile writes the second; the same sound then had another hash in the next one."""
    write_wav(tmp_path / "a.wav", NOISE, 16_000)
    content = (tmp_path / "a.wav").read_bytes()
    version_and_time = content[content.index(b"PEAK") + 8 :][:8]
    assert version_and_time == (1).to_bytes(4, "little") + bytes(4)
