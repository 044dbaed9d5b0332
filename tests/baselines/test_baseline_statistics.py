"""Statistics and MFCCs by their formulas, by SciPy, and by what a line or a constant must give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import savgol_filter

from rattle.baselines.statistics import deltas, mfcc, mfcc_statistics, over_time
from rattle.errors import RecipeError


@pytest.fixture(scope="module")
def log_mel() -> np.ndarray:
    return np.random.default_rng(0).normal(-40, 10, (50, 32)).astype(np.float32)


def test_mfccs_are_the_orthonormal_cosine_transform_of_the_bands(log_mel) -> None:
    band, order = np.arange(32), np.arange(13)[:, None]
    cosines = np.cos(np.pi * order * (2 * band + 1) / 64) * np.sqrt(2 / 32)
    cosines[0] /= np.sqrt(2)
    expected = log_mel.astype(np.float64) @ cosines.T
    np.testing.assert_allclose(mfcc(log_mel, 13), expected, rtol=1e-10, atol=1e-10)


def test_all_mfccs_keep_the_energy_of_the_frame(log_mel) -> None:
    energy = np.square(log_mel.astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(np.square(mfcc(log_mel, 32)).sum(axis=1), energy, rtol=1e-10)


def test_more_mfccs_than_bands_are_refused(log_mel) -> None:
    with pytest.raises(RecipeError, match=r"baseline.coefficients is 33, but .* 32 mel bands"):
        mfcc(log_mel, 33)


def test_deltas_are_the_slopes_of_fitted_lines(log_mel) -> None:
    values = log_mel.astype(np.float64)
    expected = savgol_filter(values, 5, polyorder=1, deriv=1, axis=0, mode="nearest")
    np.testing.assert_allclose(deltas(values), expected, rtol=1e-10, atol=1e-10)


def test_the_delta_of_a_line_is_its_slope() -> None:
    line = np.outer(np.arange(20), [3.0, -0.5])
    np.testing.assert_allclose(deltas(line)[2:-2], np.tile([3.0, -0.5], (16, 1)), rtol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_a_constant_has_no_deltas_however_short(frames: int) -> None:
    np.testing.assert_array_equal(deltas(np.full((frames, 3), 7.0)), np.zeros((frames, 3)))


def test_statistics_are_mean_then_deviation_of_each_band() -> None:
    values = np.array([[1, 10], [3, 10], [5, 10], [7, 10]], dtype=np.float32)
    np.testing.assert_allclose(over_time(values), [4, 10, np.sqrt(5), 0])


def test_mfcc_statistics_do_not_know_the_length_of_a_repeated_sound(log_mel) -> None:
    once, twice = mfcc_statistics(log_mel, 8), mfcc_statistics(np.tile(log_mel, (2, 1)), 8)
    assert once.shape == (32,)
    # The MFCCs' own; deltas differ where the copies meet.
    np.testing.assert_allclose(twice[:16], once[:16], rtol=1e-10)
