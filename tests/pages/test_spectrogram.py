"""Spectrogram images: the right way up, comparable, with ticks where the values are."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from rattle.pages.palette import COLOURS, PALETTE
from rattle.pages.spectrogram import Spectrogram, spectrograms, time_ticks_s


def brightness(spectrogram: Spectrogram) -> NDArray[np.float64]:
    data = base64.b64decode(spectrogram.image.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float)


def test_time_goes_right_and_frequency_up() -> None:
    log_mel = np.full((100, 64), -80.0)
    log_mel[80:, 10] = 0.0
    shown = brightness(spectrograms({"a": log_mel}, 0.032, None)["a"])
    assert shown.shape == (64, 100)
    assert np.argwhere(shown > 128)[:, 0].tolist() == [63 - 10] * 20
    assert np.argwhere(shown > 128)[:, 1].tolist() == list(range(80, 100))


def test_a_knock_of_one_frame_stays_visible_in_a_long_clip() -> None:
    log_mel = np.full((5000, 32), -80.0)
    log_mel[3210] = 0.0
    # Another clip of the machine is loud throughout, and sets the top of the colours.
    loud = np.zeros((5000, 32))
    shown = brightness(spectrograms({"a": log_mel, "b": loud}, 0.032, None)["a"])
    assert shown.shape[1] == 160
    assert (shown.max(axis=0) > 128).sum() == 1


def test_clips_of_a_machine_share_their_colours() -> None:
    quiet, loud = np.full((10, 8), -60.0), np.full((10, 8), -20.0)
    images = spectrograms({"quiet": quiet, "loud": loud}, 0.032, None)
    assert brightness(images["quiet"]).max() < brightness(images["loud"]).min()


def test_ticks_stand_at_the_seconds_and_at_the_band_of_their_frequency() -> None:
    band_hz = np.linspace(0, 8000, 81)
    image = spectrograms({"a": np.zeros((313, 81))}, 0.032, band_hz)["a"]
    assert image.band_unit == "kHz"
    two_khz = next(tick for tick in image.band_ticks if tick.label == "2")
    assert two_khz.percent == pytest.approx(100 * 20.5 / 81)
    four_s = next(tick for tick in image.time_ticks if tick.label == "4")
    assert four_s.percent == pytest.approx(100 * 4 / (313 * 0.032))


@given(st.floats(1e-3, 1e5))
def test_seconds_are_few_and_round_and_reach_to_the_end(duration_s: float) -> None:
    ticks = np.array(time_ticks_s(duration_s))
    step = ticks[1]
    assert 3 <= len(ticks) <= 6
    assert f"{step:e}"[0] in "125"
    np.testing.assert_allclose(np.diff(ticks), step)
    assert 0 <= duration_s - ticks[-1] + 1e-6 * step < 1.001 * step


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 5.0, 8.0, 10.0, 25.0, 100.0])
def test_seconds_are_those_that_matplotlib_takes(duration_s: float) -> None:
    theirs = MaxNLocator(nbins=5).tick_values(0, duration_s)
    np.testing.assert_allclose(time_ticks_s(duration_s), theirs, atol=1e-12)


def test_the_colours_are_those_of_magma() -> None:
    ours = np.frombuffer(PALETTE, np.uint8).reshape(COLOURS, 3)
    theirs = 255 * matplotlib.colormaps["magma"](np.linspace(0, 1, COLOURS))[:, :3]
    np.testing.assert_allclose(ours, theirs, atol=1)


def test_without_frequencies_the_axis_counts_bands() -> None:
    image = spectrograms({"a": np.zeros((10, 128))}, 0.032, None)["a"]
    assert image.band_unit == "mel band"
    assert [tick.label for tick in image.band_ticks] == ["0", "32", "64", "96", "128"]
