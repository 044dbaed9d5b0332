"""Spectrogram images: the right way up, comparable, with ticks where the values are."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rattle.pages.spectrogram import Spectrogram, spectrograms


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
    five_s = next(tick for tick in image.time_ticks if tick.label == "5")
    assert five_s.percent == pytest.approx(100 * 5 / (313 * 0.032))


def test_without_frequencies_the_axis_counts_bands() -> None:
    image = spectrograms({"a": np.zeros((10, 128))}, 0.032, None)["a"]
    assert image.band_unit == "mel band"
    assert [tick.label for tick in image.band_ticks] == ["0", "32", "64", "96", "128"]
