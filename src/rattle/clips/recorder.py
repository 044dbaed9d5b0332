"""Tell whether a clip was recorded otherwise than the clips that a detector learnt from.

A telephone's 8 kHz, an MP3 or another gain change more of the sound than most faults do, and a
detector calls all of it anomalous. No fault of a machine takes all sound out of a band, though:
there is the noise of the room. So what a recorder cuts off shows in bands that hold far less than
in any training clip.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rattle.recipe.parts import Part

# Bands of equal width up to half the sample rate; each has many bins of a frame.
BANDS = 16
FRAME_SAMPLES = 512
# Frames that the bands are measured in, evenly spread over a clip.
FRAMES = 32
# Below this a band holds what rounding leaves, of which nothing can be told.
FLOOR_DBFS = -110.0
# How far outside the training clips' range a clip must be: so far that no real clip, healthy or
# faulty, is, and what a recorder cuts off is (docs/explanation/unfit.md).
BAND_MARGIN_DB = 15.0
LEVEL_MARGIN_DB = 12.0


@dataclass(frozen=True)
class Traits:
    """How a clip was recorded: rate and lossy codec of its file, level, and level by band.

    ``rate_hz`` is None and ``codec`` empty for sound that is of no file. Levels are medians over
    time, ``bands_dbfs [BANDS]`` too, so that neither a knock nor a pause sets them.
    """

    rate_hz: int | None
    codec: str
    level_dbfs: float
    bands_dbfs: tuple[float, ...]

    @classmethod
    def of(
        cls,
        samples: NDArray[np.float32],
        rate_hz: int | None = None,
        codec: str = "",
    ) -> Traits:
        """Measure ``samples [T]``; ``rate_hz`` and ``codec`` are the file's."""
        return Bands.of(samples).traits(rate_hz, codec)


class Bands:
    """Takes the frames that a clip's bands are measured in, while it is read block by block.

    ``samples`` is how long the clip is said to be. Where it is shorter, so many frames are missing.
    """

    def __init__(self, samples: int) -> None:
        count = max(samples // FRAME_SAMPLES, 1)
        chosen = np.arange(min(FRAMES, count)) * count // min(FRAMES, count)
        self._frames = np.zeros((len(chosen), FRAME_SAMPLES), np.float32)
        self._starts: list[int] = (chosen * FRAME_SAMPLES).tolist()
        self._heard = 0

    @classmethod
    def of(cls, samples: NDArray[np.float32]) -> Bands:
        """Take the frames of a whole clip ``[T]``; a shorter one than a frame is filled up."""
        bands = cls(len(samples))
        bands.push(samples)
        return bands

    def push(self, block: NDArray[np.float32]) -> None:
        """Take what the next block ``[T]`` holds of the frames."""
        begin, end = self._heard, self._heard + len(block)
        for frame, start in zip(self._frames, self._starts, strict=True):
            low, high = max(start, begin), min(start + FRAME_SAMPLES, end)
            if low < high:
                frame[low - start : high - start] = block[low - begin : high - begin]
        self._heard = end

    def traits(self, rate_hz: int | None = None, codec: str = "") -> Traits:
        """Measure the frames; ``rate_hz`` and ``codec`` are the file's."""
        whole = sum(start + FRAME_SAMPLES <= self._heard for start in self._starts)
        power = _bands(self._frames[: max(whole, 1)])
        bands = np.median(_decibels(power), axis=0)
        level = float(np.median(_decibels(power.sum(axis=1))))
        return Traits(rate_hz, codec, level, tuple(bands.tolist()))


class Recorder(Part):
    """How the training clips were recorded: what occurred, and between which bounds."""

    sample_rate_hz: int
    rates_hz: tuple[int, ...]
    codecs: tuple[str, ...]
    level_dbfs: tuple[float, float]
    bands_dbfs: Annotated[tuple[float, ...], Field(min_length=BANDS, max_length=BANDS)]

    @classmethod
    def of(cls, clips: Iterable[Traits], sample_rate_hz: int) -> Recorder | None:
        """Sum up how clips were recorded; None where there is no clip."""
        traits = list(clips)
        if not traits:
            return None
        levels = [clip.level_dbfs for clip in traits]
        return cls(
            sample_rate_hz=sample_rate_hz,
            rates_hz=tuple(sorted({clip.rate_hz for clip in traits if clip.rate_hz is not None})),
            codecs=tuple(sorted({clip.codec for clip in traits})),
            level_dbfs=(min(levels), max(levels)),
            bands_dbfs=tuple(np.min([clip.bands_dbfs for clip in traits], axis=0).tolist()),
        )

    def joined_by(self, clips: Iterable[Traits]) -> Recorder:
        """Count further clips among those that it was trained on."""
        new = Recorder.of(clips, self.sample_rate_hz)
        if new is None:
            return self
        return Recorder(
            sample_rate_hz=self.sample_rate_hz,
            rates_hz=tuple(sorted({*self.rates_hz, *new.rates_hz})),
            codecs=tuple(sorted({*self.codecs, *new.codecs})),
            level_dbfs=(
                min(self.level_dbfs[0], new.level_dbfs[0]),
                max(self.level_dbfs[1], new.level_dbfs[1]),
            ),
            bands_dbfs=tuple(map(min, self.bands_dbfs, new.bands_dbfs)),
        )

    def otherwise(self, clip: Traits) -> str:
        """Say in what a clip was recorded otherwise, or nothing where it was not."""
        told = [*self._codec(clip), *self._rate(clip), *self._bands(clip), *self._level(clip)]
        return f"recorded otherwise than the training clips: {'; '.join(told)}" if told else ""

    def _codec(self, clip: Traits) -> list[str]:
        if not clip.codec or clip.codec in self.codecs:
            return []
        theirs = " or ".join(codec or "uncompressed" for codec in self.codecs)
        return [f"{clip.codec}, theirs are {theirs}"]

    def _rate(self, clip: Traits) -> list[str]:
        if clip.rate_hz is None or not self.rates_hz or clip.rate_hz in self.rates_hz:
            return []
        theirs = " or ".join(f"{rate}" for rate in self.rates_hz)
        return [f"{clip.rate_hz} Hz, theirs have {theirs} Hz"]

    def _bands(self, clip: Traits) -> list[str]:
        # As loud as they are: another gain is told once, as a level.
        low, high = self.level_dbfs
        gain = min(max(clip.level_dbfs, low), high) - clip.level_dbfs
        least = np.maximum(self.bands_dbfs, FLOOR_DBFS)
        own = np.maximum(np.array(clip.bands_dbfs) + gain, FLOOR_DBFS)
        is_missing = (own < least - BAND_MARGIN_DB).tolist()
        width_khz = self.sample_rate_hz / 2 / BANDS / 1000
        told = []
        for missing, run in groupby(range(BANDS), lambda band: is_missing[band]):
            bands = list(run)
            if not missing:
                continue
            first, end = bands[0] * width_khz, (bands[-1] + 1) * width_khz
            if bands[-1] == BANDS - 1:
                told.append(f"nothing above {first:.1f} kHz, theirs reach {end:.1f} kHz")
            else:
                told.append(f"nothing between {first:.1f} and {end:.1f} kHz, theirs have sound")
        return told

    def _level(self, clip: Traits) -> list[str]:
        low, high = self.level_dbfs
        if low - LEVEL_MARGIN_DB <= clip.level_dbfs <= high + LEVEL_MARGIN_DB:
            return []
        return [f"a level of {clip.level_dbfs:.0f} dBFS, theirs have {low:.0f} to {high:.0f} dBFS"]


def _bands(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the power in each band, ``[frames, FRAME_SAMPLES] -> [frames, BANDS]``."""
    spectrum = np.fft.rfft(frames * _WINDOW, axis=1)[:, 1:]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    # A one-sided spectrum: each bin stands for two.
    bands: NDArray[np.float32] = power.reshape(len(frames), BANDS, -1).sum(axis=2) * _SCALE
    return bands


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float64]:
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-20))
    return decibels


_WINDOW = np.hanning(FRAME_SAMPLES).astype(np.float32)
_SCALE = np.float32(2 / (FRAME_SAMPLES * float(np.square(_WINDOW).sum())))
