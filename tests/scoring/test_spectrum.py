"""The spectrum of a window: lines where they are, and nothing of loudness."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.scoring.spectrum import blocks, folded, spectra, spectra_of_frames

RATE_HZ, LENGTH = 16_000, 4096


def tone(hz: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(LENGTH)
    wave = np.sin(2 * np.pi * hz * np.arange(LENGTH) / RATE_HZ)
    return (wave + 0.01 * noise).astype(np.float32)


def test_a_line_stands_in_the_bin_of_its_frequency() -> None:
    (spectrum,) = spectra(tone(1000)[None])
    assert spectrum.shape == (LENGTH // 2,)
    assert spectrum.dtype == np.float32
    # Bin k of the transform is at k times 16,000 / 4,096 Hz; the first of all is left out.
    assert spectrum.argmax() == 1000 * LENGTH // RATE_HZ - 1


def test_it_is_the_magnitude_of_the_real_transform_at_rms_1() -> None:
    window = tone(777)
    expected = np.abs(np.fft.rfft(window.astype(np.float64)))[1:]
    expected /= np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(spectra(window[None])[0], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (30, 0), (1, 5), (0.5, -0.2)])
def test_neither_loudness_nor_a_constant_counts(gain: float, offset: float) -> None:
    window = tone(500)
    changed = (gain * window + offset).astype(np.float32)
    np.testing.assert_allclose(spectra(changed[None]), spectra(window[None]), atol=2e-3)


@pytest.mark.parametrize("length", [LENGTH, 160 * 512, 224 * 512])
@pytest.mark.parametrize("level", [0.0, 0.3, -1e-4])
def test_silence_has_a_spectrum_of_zeros(length: int, level: float) -> None:
    assert not spectra(np.full((2, length), level, dtype=np.float32)).any()


def test_windows_do_not_depend_on_each_other() -> None:
    windows = np.stack([tone(300), 100 * tone(4000, seed=1)])
    np.testing.assert_array_equal(spectra(windows)[0], spectra(windows[:1])[0])


def test_blocks_begin_where_frames_are_centred_and_end_in_zeros() -> None:
    cut = blocks(np.arange(1, 11, dtype=np.float32), 4)
    assert cut.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 0, 0]]
    assert blocks(np.ones(8, dtype=np.float32), 4).shape == (3, 4)


def test_the_spectra_of_frames_are_those_of_the_samples_that_they_span() -> None:
    samples = tone(900)
    frames = np.arange(8)[None] + np.array([[2], [5]])
    expected = spectra(np.stack([samples[2 * 64 : 10 * 64], samples[5 * 64 : 13 * 64]]))
    np.testing.assert_array_equal(spectra_of_frames(samples, frames, 64, 8), expected)
    one = spectra_of_frames(samples, frames[:1], 64, 8)
    np.testing.assert_array_equal(one, expected[:1])


@pytest.mark.parametrize("more", [1, 900, LENGTH, 2 * LENGTH + 77])
def test_a_longer_window_has_its_own_spectrum_at_the_frequencies_of_a_shorter_one(
    more: int,
) -> None:
    """Whatever its length: zeros behind it make a transform that has those frequencies, too."""
    samples = np.resize(tone(1234.5), LENGTH + more) + np.linspace(0, 1, LENGTH + more)
    centred = samples - samples.mean()
    periods = -(-len(samples) // LENGTH)
    expected = np.abs(np.fft.rfft(centred, periods * LENGTH))[::periods]
    laid = folded(samples[None].astype(np.float32), LENGTH)
    assert laid.shape == (1, LENGTH)
    np.testing.assert_allclose(np.abs(np.fft.rfft(laid[0])), expected, atol=0.02)


def test_a_window_that_is_not_longer_is_left_as_it_is() -> None:
    window = tone(100)[None]
    assert folded(window, LENGTH) is window
    assert folded(window, LENGTH + 1) is window


@pytest.mark.parametrize("level", [0.0, 0.3, -1e-4])
def test_silence_longer_than_a_window_has_a_spectrum_of_zeros(level: float) -> None:
    assert not spectra(folded(np.full((1, LENGTH + 900), level, np.float32), LENGTH)).any()


def test_all_of_a_clip_is_in_its_spectrum_wherever_it_was_cut_out() -> None:
    samples = tone(900)
    frames = np.arange(65)[None]
    whole = spectra_of_frames(samples, frames, 64, 50)
    assert whole.shape == (1, 50 * 64 // 2)
    ended = np.append(samples, np.zeros(64, np.float32))
    np.testing.assert_allclose(whole, spectra(folded(ended[None], 50 * 64)), atol=1e-4)
    later = spectra_of_frames(np.concatenate([tone(50)[:128], samples]), frames + 2, 64, 50)
    np.testing.assert_allclose(later, whole, atol=2e-2)
