"""Garbled sound is told, and no right sound is called so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from made_up_wav import machine
from rattle.clips.garbled import garbled

SOUND = machine(2.0)[:, None]


def louder(factor: float, sound: np.ndarray = SOUND) -> np.ndarray:
    return np.clip(sound * factor, -32768, 32767).astype(np.int16)


def as_8_bit(sound: np.ndarray) -> np.ndarray:
    return ((sound >> 8) / 128).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 4, 16])
def test_bytes_the_wrong_way_round_are_told(factor: float) -> None:
    sound = louder(factor)
    assert "the other way round" in garbled(sound.byteswap(), "PCM_16")
    stereo = np.concatenate([sound, sound // 2], axis=1)
    assert "the other way round" in garbled(stereo.byteswap(), "PCM_16")


def test_24_bits_the_wrong_way_round_are_told() -> None:
    noise = np.random.default_rng(0).integers(-128, 128, SOUND.shape)
    steps = (SOUND.astype(np.int64) * 256 + noise) & 0xFFFFFF
    swapped = (steps & 0xFF) << 16 | steps & 0xFF00 | steps >> 16
    signed = swapped - ((swapped >> 23) << 24)
    assert "the other way round" in garbled((signed / 2**23).astype(np.float32), "PCM_24")


def test_8_bits_with_the_wrong_sign_are_told_either_way() -> None:
    sound = as_8_bit(louder(8))
    wrong = np.where(sound < 0, sound + 1, sound - 1).astype(np.float32)
    assert "as bytes with a sign" in garbled(wrong, "PCM_U8")
    assert "as bytes without a sign" in garbled(wrong, "PCM_S8")


@pytest.mark.parametrize("factor", [0, 1, 4, 30, 60])
def test_right_sound_of_any_level_is_not_garbled(factor: float) -> None:
    sound = louder(factor)
    assert not garbled(sound, "PCM_16")
    assert not garbled(sound >> 8 << 8, "PCM_16")  # of 8 bits, in 16
    assert not garbled(as_8_bit(sound), "PCM_U8")
    assert not garbled((sound / 32768).astype(np.float32), "PCM_24")


def test_loud_noise_and_a_loud_tone_are_not_garbled() -> None:
    noise = np.random.default_rng(0).integers(-32768, 32768, (8000, 1)).astype(np.int16)
    tone = np.rint(32767 * np.sin(np.arange(8000) * 0.15)).astype(np.int16)[:, None]
    for sound in (noise, tone, tone >> 8 << 8):
        assert not garbled(sound, "PCM_16")


def test_channels_that_stand_still_are_not_garbled() -> None:
    still = np.tile(np.array([[32767, -32768]], np.int16), (4000, 1))
    assert not garbled(still, "PCM_16")


@pytest.mark.real
def test_no_real_recording_is_called_garbled_and_each_is_with_its_bytes_swapped(
    real_data: Path,
) -> None:
    paths = sorted((real_data / "dcase2020-subset/dev_data").rglob("*.flac"))[::40]
    assert len(paths) > 10
    for path in paths:
        sound = sf.read(path, dtype="int16", always_2d=True)[0]
        assert not garbled(sound, "PCM_16"), path
        assert garbled(sound.byteswap(), "PCM_16"), path
