"""Pseudo-anomalies and pseudo-outliers out of an arbitrary recording."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rattle.errors import ClipError
from rattle.synthetic import FAULT_KINDS, overlay_fault, transform
from rattle.synthetic.colour import Colour, noise
from rattle.synthetic.level import rms

RATE_HZ = 16_000
RECORDING = 0.05 * noise(Colour(80, 800, 6), 3 * RATE_HZ, RATE_HZ, np.random.default_rng(0))


def laid_over(kind: str, level_db: float, seed: int = 1, samples: np.ndarray = RECORDING):
    return overlay_fault(
        samples,
        kind=kind,
        level_db=level_db,
        sample_rate_hz=RATE_HZ,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("kind", FAULT_KINDS)
@pytest.mark.parametrize("level_db", [-15.0, 3.0])
def test_what_is_laid_over_has_the_level_asked_for(kind, level_db):
    for seed in range(3):
        added = laid_over(kind, level_db, seed) - RECORDING
        assert 20 * np.log10(rms(added) / rms(RECORDING)) == pytest.approx(level_db, abs=0.05)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_overlays_repeat_with_the_generator_and_vary_with_it(kind):
    assert_array_equal(laid_over(kind, 0, 1), laid_over(kind, 0, 1))
    assert not np.array_equal(laid_over(kind, 0, 1), laid_over(kind, 0, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_length_and_type_are_kept_and_the_recording_is_not_touched(dtype):
    samples = RECORDING.astype(dtype)
    before = samples.copy()
    for changed in (
        laid_over("hum", 0, samples=samples),
        transform(samples, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(2)),
    ):
        assert changed.shape == samples.shape
        assert changed.dtype == dtype
    assert_array_equal(samples, before)


def test_hiss_lies_high_and_impacts_are_spikier_than_noise():
    hiss = laid_over("hiss", 0) - RECORDING
    spectrum = np.abs(np.fft.rfft(hiss)) ** 2
    assert spectrum[: 1000 * 3].sum() < 0.05 * spectrum.sum()
    impacts = laid_over("impacts", 0) - RECORDING
    assert np.mean(impacts**4) / np.mean(impacts**2) ** 2 > 5


def test_a_silent_recording_stays_silent():
    silence = np.zeros(RATE_HZ, np.float32)
    assert not np.any(laid_over("hiss", 0, samples=silence))
    assert not np.any(transform(silence, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(3)))


def test_an_unknown_kind_and_more_than_one_channel_are_refused():
    with pytest.raises(ClipError, match="choose from hiss"):
        laid_over("squeak", 0)
    with pytest.raises(ClipError, match="one channel"):
        laid_over("hiss", 0, samples=np.zeros((2, 100), np.float32))
    with pytest.raises(ClipError, match="one channel"):
        transform(np.zeros((2, 9)), sample_rate_hz=RATE_HZ, rng=np.random.default_rng(4))


def test_a_transformed_tone_moves_by_6_to_35_percent_and_keeps_its_level():
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE_HZ) / RATE_HZ)
    ratios = []
    for seed in range(12):
        changed = transform(tone, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(seed))
        assert rms(changed) == pytest.approx(rms(tone), rel=1e-3)
        spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
        ratios.append(np.argmax(spectrum) / 2 / 1000)
    shift = np.abs(np.log(ratios))
    assert shift.min() > 0.055
    assert shift.max() < 0.305
    assert min(ratios) < 1 < max(ratios)


def test_a_slowed_recording_has_no_empty_band_that_gives_it_away():
    white = np.random.default_rng(5).standard_normal(4 * RATE_HZ)
    top_db = []
    for seed in range(12):
        changed = transform(white, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(seed))
        spectrum = np.abs(np.fft.rfft(changed)) ** 2
        top_db.append(10 * np.log10(spectrum[-1000:].mean() / spectrum.mean()))
    assert min(top_db) > -25
