"""Find what in a clip's sound differs from the machine's healthy clips, most unusual first.

    samples ── measured ── evened (loudness out) ──┬── lines   a line at 1,234 Hz
                                                   ├── moved   the line of 67 Hz lies at 69 Hz
                                                   ├── pulses  pulses 74 times a second
                                                   ├── bands   louder between 2.1 and 3.4 kHz
                                                   ├── times   quiet from 3.2 s to 4.6 s
                                                   └── level   the clip as a whole

It says what differs, not why, and not whether the machine is sick: that is the detector's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rattle.diagnosis.bands import Bands
from rattle.diagnosis.difference import Difference
from rattle.diagnosis.evened import Healthy, Heard
from rattle.diagnosis.lines import Lines
from rattle.diagnosis.measured import Samples, beginning
from rattle.diagnosis.moved import Moved
from rattle.diagnosis.peaks import NEAR
from rattle.diagnosis.pulses import Pulses
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.times import Times
from rattle.diagnosis.usual import Usual, Yardstick

LEVEL_FLOOR_DB = 0.5
LEAST = 0.5  # unusualness below which nothing is worth a look
NARROW = 1.5  # a band that is no more than two thirds of an octave may be due to one line
SILENT = 1e-5  # RMS of a clip in which there is nothing to compare but its level


@dataclass(frozen=True)
class Comparison:
    """A machine's healthy clips, ready to compare others with; making one takes some 0.1 s."""

    healthy: Healthy
    lines: Lines
    moved: Moved
    pulses: Pulses
    bands: Bands
    times: Times
    level: Usual
    level_yardstick: Yardstick

    @classmethod
    def of(cls, reference: Reference) -> Comparison:
        """Learn what is usual from the healthy clips of a reference."""
        healthy = Healthy.of(reference)
        level = Usual(healthy.evened.offset_db[:, None], LEVEL_FLOOR_DB)
        return cls(
            healthy,
            Lines.of(healthy.evened.spectrum_db, healthy.axis),
            Moved.of(healthy),
            Pulses.of(healthy),
            Bands.of(healthy),
            Times.of(healthy),
            level,
            Yardstick.of(level.among_themselves()),
        )

    def heard(self, samples: Samples) -> Heard:
        """Measure a clip's samples ``[T]``, of a longer one the first 30 s."""
        return Heard.of(beginning(samples, self.healthy.resolution), self.healthy)

    def differences(self, samples: Samples) -> tuple[Difference, ...]:
        """Find what differs in a clip, samples float32 ``[T]``, most unusual first."""
        heard = self.heard(samples)
        found = self._level(heard)
        rms = np.sqrt(np.mean(np.square(heard.samples), dtype=np.float64))
        if rms > SILENT:
            found += self.lines.differences(heard.evened.spectrum_db)
            found += self.moved.differences(heard) + self.pulses.differences(heard)
            found += self.bands.differences(heard) + self.times.differences(heard)
        return _told_once(sorted(found, key=lambda each: -each.unusualness))

    def decibels(self, difference: Difference, heard: Heard) -> float:
        """Measure in another clip what ``decibels`` of a difference is in the clip it is of."""
        match difference.kind:
            case "line":
                return self.lines.decibels(difference, heard.evened.spectrum_db)
            case "moved":
                return self.moved.decibels(difference, heard)
            case "pulse":
                return self.pulses.decibels(difference, heard)
            case "band":
                return self.bands.decibels(difference, heard)
            case "time":
                return self.times.decibels(difference, heard)
            case "level":
                return float(heard.evened.offset_db - self.level.middle[0])

    def _level(self, heard: Heard) -> list[Difference]:
        offset = heard.evened.offset_db
        (unusual,) = self.level_yardstick(self.level.deviations(offset[None])).tolist()
        healthy = self.level.values[:, 0]
        farther = healthy >= offset if unusual > 0 else healthy <= offset
        if farther.any() or abs(unusual) < LEAST:
            return []
        edge = healthy.max() if unusual > 0 else healthy.min()
        return [
            Difference(
                "level",
                abs(unusual),
                0.0,
                self.healthy.resolution.sample_rate_hz / 2,
                decibels=float(offset - self.level.middle[0]),
                beyond_db=float(offset - edge),
                rank=0,
            )
        ]


def _told_once(found: list[Difference]) -> tuple[Difference, ...]:
    """Leave out what has been told: lines that moved, and narrow bands that hold a line."""
    moved = [each for each in found if each.kind == "moved"]
    lines = [each for each in found if each.kind in ("line", "moved")]
    told = []
    for each in found:
        is_moved = each.kind == "line" and any(_has_moved(each, other) for other in moved)
        is_line = each.kind == "band" and any(_is_that_of(each, other) for other in lines)
        if not (is_moved or is_line):
            told.append(each)
    return tuple(told)


def _is_that_of(band: Difference, line: Difference) -> bool:
    """Tell whether a band is unusual for the sake of a line that is more so."""
    places = np.array([*line.lines_hz, *line.usual_hz])
    near = (places > band.low_hz * (1 - NEAR)) & (places < band.high_hz * (1 + NEAR))
    is_narrow = band.high_hz < NARROW * band.low_hz
    return is_narrow and line.unusualness > band.unusualness and bool(near.any())


def _has_moved(line: Difference, moved: Difference) -> bool:
    shift = moved.centre_hz / moved.usual_hz[1]
    places = np.array(moved.lines_hz) if line.is_louder else np.array(moved.lines_hz) / shift
    return bool((np.abs(places / line.centre_hz - 1) < NEAR / 2).any())


def differences(samples: Samples, reference: Reference) -> tuple[Difference, ...]:
    """Find what differs in a clip from a machine's healthy clips, most unusual first.

    ``samples`` are float32 ``[T]`` at the reference's sample rate; of a clip longer than 30 s the
    first 30 s are compared. Give clips about as long as the healthy ones: the loudest moment of a
    longer one is louder by chance.
    """
    return comparison(reference).differences(samples)


@lru_cache(maxsize=4)
def comparison(reference: Reference) -> Comparison:
    """Make a reference ready to compare with; kept for the next clip of the machine."""
    return Comparison.of(reference)
