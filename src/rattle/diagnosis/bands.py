"""Find the bands of frequencies in which a clip is louder or softer than the healthy clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.evened import Healthy, Heard
from rattle.diagnosis.measured import course_between, decibels, moving_mean
from rattle.diagnosis.usual import Usual, Values, Yardstick

FLOOR_DB = 0.5
ALIKE = 0.5  # of the most unusual band's unusualness: its neighbours with as much belong to it
LEAST = 0.5  # unusualness below which nothing is worth a look
BURST_S = 0.25
BURST_DB = 4.0  # a band's loudest moment stands out by so much from its middle
BURST_SHARE = 0.3  # and lasts no longer than this part of the clip


@dataclass(frozen=True)
class Bands:
    """The healthy clips' third-octave bands, and the yardstick for them."""

    healthy: Healthy
    usual: Usual
    yardstick: Yardstick

    @classmethod
    def of(cls, healthy: Healthy) -> Bands:
        """Learn what is usual from the healthy clips."""
        usual = Usual(healthy.evened.bands_db, FLOOR_DB)
        return cls(healthy, usual, Yardstick.of(usual.among_themselves()))

    def differences(self, heard: Heard) -> list[Difference]:
        """Find unusual bands; neighbours that are so on the same side are one difference."""
        unusual = self.yardstick(self.usual.deviations(heard.evened.bands_db))
        return [self._difference(heard, unusual, *run) for run in _runs(unusual)]

    def decibels(self, difference: Difference, heard: Heard) -> float:
        """Measure in another clip what ``decibels`` of a difference is in its own."""
        first, end = self._span(difference)
        return _over(heard.evened.bands_db, first, end) - _middle(self.usual, first, end)

    def _span(self, difference: Difference) -> tuple[int, int]:
        edges = self._edges_hz
        first = int(np.argmin(np.abs(edges - difference.low_hz)))
        return first, int(np.argmin(np.abs(edges - difference.high_hz)))

    @property
    def _edges_hz(self) -> Values:
        return np.asarray(self.healthy.resolution.band_bins * self.healthy.resolution.bin_hz)

    def _difference(self, heard: Heard, unusual: Values, first: int, end: int) -> Difference:
        level = _over(heard.evened.bands_db, first, end)
        healthy = self.usual.values[:, first:end].mean(axis=1)
        is_louder = unusual[first] > 0
        edge = healthy.max() if is_louder else healthy.min()
        low_hz, high_hz = self._edges_hz[[first, end]].tolist()
        when = _burst(heard, low_hz, high_hz, self.healthy) if is_louder else (None, None)
        return Difference(
            "band",
            float(np.abs(unusual[first:end]).max()),
            low_hz,
            high_hz,
            decibels=level - _middle(self.usual, first, end),
            beyond_db=float(level - edge),
            rank=int(np.sum(healthy >= level if is_louder else healthy <= level)),
            start_s=when[0],
            end_s=when[1],
        )


def _over(bands_db: Values, first: int, end: int) -> float:
    return float(bands_db[first:end].mean())


def _middle(usual: Usual, first: int, end: int) -> float:
    return float(np.median(usual.values[:, first:end].mean(axis=1)))


def _runs(unusual: Values) -> Iterator[tuple[int, int]]:
    """Give runs of bands, first and end, around the most unusual one, then around the next."""
    left = unusual.copy()
    while True:
        peak = int(np.argmax(np.abs(left)))
        if abs(left[peak]) < LEAST:
            return
        alike = left * np.sign(left[peak]) >= max(ALIKE * abs(left[peak]), LEAST)
        first = end = peak
        while first > 0 and alike[first - 1]:
            first -= 1
        while end < len(left) and alike[end]:
            end += 1
        yield first, end
        left[first:end] = 0


def _burst(
    heard: Heard, low_hz: float, high_hz: float, healthy: Healthy
) -> tuple[float | None, float | None]:
    """Find when a band is loudest, in seconds; None twice if it is so most of the time."""
    resolution = healthy.resolution
    length = max(round(BURST_S / resolution.frame_s) - 1, 1)
    powers = course_between(heard.samples, low_hz, high_hz, resolution)
    levels = decibels(moving_mean(powers, length))
    peak = int(np.argmax(levels))
    half_up = (levels[peak] + np.median(levels)) / 2
    soft = levels < half_up
    first = peak - int(np.argmax(soft[peak::-1])) + 1 if soft[:peak].any() else 0
    end = peak + int(np.argmax(soft[peak:])) if soft[peak:].any() else len(levels)
    stands_out = levels[peak] - np.median(levels) >= BURST_DB
    if not stands_out or end - first > BURST_SHARE * len(levels):
        return None, None
    return first * resolution.frame_s, (end + length) * resolution.frame_s
