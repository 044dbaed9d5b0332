"""Find rates at which high frequencies pulse more than in the healthy clips.

A spall of a bearing is struck some 30 to 300 times a second. Each blow is a click of high
frequencies, of little power, and no line of the spectrum; but the level of the high frequencies
swells with every blow. The spectrum of that level has a line at their rate (the envelope spectrum;
Randall and Antoni, Rolling element bearing diagnostics - a tutorial, Mech. Syst. Signal Process.
25, 2011).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.evened import Healthy, Heard
from rattle.diagnosis.lines import Lines
from rattle.diagnosis.peaks import Axis
from rattle.diagnosis.usual import Yardstick

LOWEST_RATE_HZ = 5.0  # slower ones are heard one by one
SAME_RATE = 0.06  # a carriage's speed changes while it moves, and the rate of its blows with it
MOST_MULTIPLE = 4.5


@dataclass(frozen=True)
class Pulses:
    """The healthy clips' pulses in each of the P highest channels."""

    channels_hz: tuple[tuple[float, float], ...]
    lines: tuple[Lines, ...]

    @classmethod
    def of(cls, healthy: Healthy) -> Pulses:
        """Learn what is usual from the healthy clips."""
        bin_hz = healthy.resolution.pulse_bin_hz
        axis = Axis(bin_hz, int(np.ceil(LOWEST_RATE_HZ / bin_hz)))
        spectra = np.moveaxis(healthy.evened.pulse_db, 1, 0)
        channels = [Lines.of(channel, axis) for channel in spectra]
        # One yardstick for all channels: they are all looked at.
        yardstick = Yardstick(
            max(each.yardstick.above for each in channels),
            max(each.yardstick.below for each in channels),
        )
        alike = tuple(replace(each, yardstick=yardstick) for each in channels)
        return cls(healthy.resolution.pulse_channels_hz, alike)

    def differences(self, heard: Heard) -> list[Difference]:
        """Find unusual rates; of related ones the most unusual is told."""
        found = [
            replace(each, kind="pulse", low_hz=low_hz, high_hz=high_hz)
            for (low_hz, high_hz), lines, spectrum in zip(
                self.channels_hz, self.lines, heard.evened.pulse_db, strict=True
            )
            for each in lines.differences(spectrum)
            if each.is_louder
        ]
        apart: list[Difference] = []
        for each in sorted(found, key=lambda difference: -difference.unusualness):
            if not any(_are_related(each, other) for other in apart):
                apart.append(each)
        return apart

    def decibels(self, difference: Difference, heard: Heard) -> float:
        """Measure in another clip what ``decibels`` of a difference is in its own."""
        channel = self.channels_hz.index((difference.low_hz, difference.high_hz))
        return self.lines[channel].decibels(difference, heard.evened.pulse_db[channel])


def _are_related(one: Difference, other: Difference) -> bool:
    """Tell whether a rate of one is a small multiple of a rate of the other, or the same."""
    rates = np.array(one.lines_hz)[:, None] / np.array(other.lines_hz)
    multiples = np.maximum(rates, 1 / rates)
    off = np.abs(multiples / np.round(multiples) - 1)
    return bool((off < SAME_RATE)[multiples < MOST_MULTIPLE].any())
