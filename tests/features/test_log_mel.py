"""The front end against librosa, and by what must be heard of tones, gain and silence."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from rattle.features.log_mel import LogMelTransform, mel_edges_hz, mel_filters
from rattle.recipe.parts import Audio, Features

AUDIO = Audio()
# Single precision on both sides: librosa sums in another order.
TOLERANCE_DB = 1e-3


def decibels(samples: np.ndarray, features: Features, audio: Audio = AUDIO) -> np.ndarray:
    return LogMelTransform(audio, features)(torch.from_numpy(samples.astype(np.float32))).numpy()


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def tone(frequency_hz: float, samples: int, sample_rate_hz: int = 16000) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(samples) / sample_rate_hz)


@pytest.mark.parametrize(
    ("bands", "fft_samples", "sample_rate_hz"),
    [(128, 1024, 16000), (64, 1024, 32000), (40, 512, 8000), (16, 256, 16000), (16, 512, 1600)],
)
def test_the_mel_filters_are_those_of_librosa(bands, fft_samples, sample_rate_hz) -> None:
    theirs = librosa.filters.mel(sr=sample_rate_hz, n_fft=fft_samples, n_mels=bands)
    ours = mel_filters(bands, fft_samples, sample_rate_hz)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-9)


def test_the_edges_of_the_bands_are_librosas_mel_frequencies() -> None:
    for sample_rate_hz in (1000, 1600, 16000, 48000):
        theirs = librosa.mel_frequencies(34, fmin=0, fmax=sample_rate_hz / 2)
        np.testing.assert_allclose(mel_edges_hz(32, sample_rate_hz), theirs, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("samples", [16000, 16384, 5000])
def test_log_mels_are_those_of_librosa(spectrum: str, samples: int) -> None:
    # Silence, which is at the floor, then a tone some 60 dB above noise. Far more than that below
    # the loudest bin, the rounding of a single-precision transform is all there is to compare.
    signal = noise(samples) * 0.03 + tone(440, samples).astype(np.float32)
    signal[:2500] = 0
    power = 2 if spectrum == "power" else 1
    mel = librosa.feature.melspectrogram(
        y=signal, sr=16000, n_fft=1024, hop_length=512, n_mels=128, power=power, pad_mode="constant"
    )
    theirs = 20 / power * np.log10(np.maximum(mel, 1e-10))
    ours = decibels(signal, Features(spectrum=spectrum))
    assert ours.shape == (1 + samples // 512, 128)
    np.testing.assert_allclose(ours, theirs.T, atol=TOLERANCE_DB)
    if spectrum == "power":
        librosas = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)
        np.testing.assert_allclose(ours, librosas.T, atol=TOLERANCE_DB)


@pytest.mark.parametrize("band", [4, 20, 50, 90, 126])
def test_a_pure_tone_is_loudest_in_the_band_whose_peak_it_hits(band: int) -> None:
    peak_hz = mel_edges_hz(128, 16000)[band + 1]
    frames = decibels(tone(peak_hz, 16000), Features())[3:-3]
    assert (frames.argmax(axis=1) == band).all()
    # A tone stays in its place: an octave and more away it is 40 dB fainter at the least.
    centres_hz = mel_edges_hz(128, 16000)[1:-1]
    far = (centres_hz > 2 * peak_hz) | (centres_hz < peak_hz / 2)
    assert far.any()
    assert frames[:, far].max() < frames[:, band].min() - 40


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
def test_twice_the_amplitude_is_six_decibels_more(spectrum: str) -> None:
    features, signal = Features(spectrum=spectrum), noise(8000)
    gain = decibels(2 * signal, features) - decibels(signal, features)
    np.testing.assert_allclose(gain, 20 * np.log10(2), atol=TOLERANCE_DB)


@pytest.mark.parametrize(("spectrum", "lowest_db"), [("power", -60), ("magnitude", -120)])
def test_silence_is_at_the_floor(spectrum: str, lowest_db: float) -> None:
    features = Features(spectrum=spectrum, floor=1e-6)
    np.testing.assert_allclose(decibels(np.zeros(4000), features), lowest_db, atol=1e-4)


def test_a_click_is_heard_in_the_frames_around_it_only() -> None:
    # Frame t spans 1,024 samples around 512 t: sample 5,120 lies inside frame 10 alone, as the
    # Hann window is 0 at both ends.
    click = np.zeros(16000)
    click[5120] = 1
    heard = decibels(click, Features()).max(axis=1) > -99
    assert np.flatnonzero(heard).tolist() == [10]


def test_clips_of_a_batch_do_not_mix() -> None:
    batch = np.stack([noise(4000, seed) for seed in range(3)])
    together = LogMelTransform(AUDIO, Features())(torch.from_numpy(batch)).numpy()
    assert together.shape == (3, 8, 128)
    for one, signal in zip(together, batch, strict=True):
        np.testing.assert_allclose(one, decibels(signal, Features()), atol=TOLERANCE_DB)


def test_the_front_end_has_nothing_to_train_or_to_store() -> None:
    front_end = LogMelTransform(AUDIO, Features())
    assert list(front_end.parameters()) == []
    assert front_end.state_dict() == {}
