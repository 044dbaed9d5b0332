"""Amplitude statistics of many clips are those of all their samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rattle.clips.amplitude import Amplitude, Moments, amplitude
from rattle.errors import DataError

CLIP = hnp.arrays(
    np.float32, st.integers(1, 50), elements=st.floats(-1, 1, width=32, allow_subnormal=False)
)


def normalised_by(statistics: Amplitude, samples: np.ndarray) -> np.ndarray:
    normalised = np.empty_like(samples)
    statistics.normalise(samples, out=normalised)
    return normalised


@given(st.lists(CLIP, min_size=1, max_size=6))
def test_moments_add_up_to_those_of_all_samples_together(clips) -> None:
    every = np.concatenate(clips).astype(np.float64)
    total = sum((Moments.of(clip) for clip in clips), start=Moments(0, 0.0, 0.0))
    assert total.count == every.size
    assert total.mean == pytest.approx(every.mean(), abs=1e-12)
    assert total.squares / total.count == pytest.approx(every.var(), abs=1e-12)


@given(CLIP, CLIP)
def test_moments_add_up_in_any_order(first, second) -> None:
    one, other = Moments.of(first), Moments.of(second)
    assert (one + other).mean == pytest.approx((other + one).mean, abs=1e-12)
    assert (one + other).squares == pytest.approx((other + one).squares, abs=1e-12)


def test_a_small_deviation_on_a_large_offset_is_not_lost() -> None:
    # The naive mean of squares minus square of the mean has no digit left here in float32.
    clips = [np.float32([1000.0, 1000.5]), np.float32([999.5, 1000.0])]
    found = amplitude(Moments.of(clip) for clip in clips)
    assert found.mean == 1000
    assert found.deviation == pytest.approx(np.sqrt(0.125), rel=1e-12)


def test_normalised_samples_have_mean_0_and_variance_1() -> None:
    rng = np.random.default_rng(0)
    clips = [rng.normal(0.1, 0.02, n).astype(np.float32) for n in (700, 900)]
    statistics = amplitude(Moments.of(clip) for clip in clips)
    normalised = np.concatenate([normalised_by(statistics, clip) for clip in clips])
    assert normalised.dtype == np.float32
    assert normalised.mean() == pytest.approx(0, abs=1e-5)
    assert normalised.var() == pytest.approx(1, abs=1e-5)


def test_normalising_is_as_it_is_written() -> None:
    samples = np.float32([1.0, 3.0])
    normalised = normalised_by(Amplitude(1.0, 4.0), samples)
    np.testing.assert_array_equal(normalised, np.float32([0, 0.5]))


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_clips_without_any_sound_are_refused(level: float) -> None:
    # A constant is no sound either: a sensor that is not connected.
    silent = Moments.of(np.full(100, level, dtype=np.float32))
    with pytest.raises(DataError, match="silent") as refused:
        amplitude([silent, silent])
    assert refused.value.arguments == ("recordings",)


def test_no_clips_have_no_sound() -> None:
    with pytest.raises(DataError, match="silent"):
        amplitude([])
