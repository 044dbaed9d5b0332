"""Find lines that lie at another frequency than in the healthy clips: the machine's speed changed.

A line's place is read between the bins, by the parabola through its highest three; that tells a
tenth of a bin, 0.2 Hz at 16 kHz. Lines that moved by the same part of their frequency, such as a
shaft's with all its harmonics, are one difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.evened import Healthy, Heard
from rattle.diagnosis.peaks import peak, steady_lines, surroundings
from rattle.diagnosis.resolution import Bins
from rattle.diagnosis.usual import SELDOM, Usual, Values, Yardstick

MOST_LINES = 24  # of the healthy clips, the clearest first
REACH = 0.04  # of its frequency: a line is looked for within
LEAST_REACH_BINS = 2
FLOOR_BINS = 0.1
FLOOR_PERCENT = 0.1
ALIKE_PERCENT = 0.4  # lines of one shaft move by the same
THERE = 0.8  # of the healthy clips have the line
WEAKER_DB = 8.0  # than usual a line may be, and still be taken for it
LEAST_RISE_DB = 4.0  # noise of a clip of 10 s rises above its surroundings by 2 or 3
MOST_WIDTHS = 5.0  # that a healthy line's place is off
LEAST = 0.5


@dataclass(frozen=True)
class Moved:
    """Where the healthy clips have their L clearest lines: at the bins ``at [L]``.

    They are looked for within ``reach [L]`` bins where the spectrum rises by ``rise [L]`` dB.
    ``places [n, L]`` are how far each lies from there in each clip, in percent.
    """

    healthy: Healthy
    at: Bins
    reach: Bins
    rise: Values
    places: Usual
    yardstick: Yardstick

    @classmethod
    def of(cls, healthy: Healthy) -> Moved:
        """Learn where the healthy clips have their lines."""
        middle = np.median(healthy.evened.spectrum_db, axis=0)
        steady = steady_lines(healthy.evened.spectrum_db, healthy.axis)
        clear = np.where(steady, middle - surroundings(middle), 0)
        at = np.sort(np.argsort(-clear)[: min(MOST_LINES, int(np.sum(clear > 0)))])
        reach, rise = _reach(at), np.maximum(clear[at] - WEAKER_DB, LEAST_RISE_DB)
        places = _places(healthy.evened.spectrum_db, at, reach, rise)
        there = np.mean(np.isfinite(places), axis=0) >= THERE
        at, reach, rise = at[there], reach[there], rise[there]
        places = np.nan_to_num(places[:, there])
        usual = Usual(places, np.maximum(FLOOR_PERCENT, 100 * FLOOR_BINS / at))
        among = usual.among_themselves()
        # Where another line is taken for it now and then, its place tells nothing.
        sure = np.quantile(np.abs(among), SELDOM, axis=0) <= MOST_WIDTHS
        floor = np.asarray(usual.floor)[sure]
        return cls(
            healthy,
            at[sure],
            reach[sure],
            rise[sure],
            Usual(places[:, sure], floor),
            Yardstick.of(among[:, sure]),
        )

    def differences(self, heard: Heard) -> list[Difference]:
        """Find lines that moved; those that moved alike are one difference."""
        places = _places(heard.evened.spectrum_db[None], self.at, self.reach, self.rise)[0]
        # A line that is not there has not moved.
        places = np.where(np.isfinite(places), places, self.places.middle)
        unusual = self.yardstick(self.places.deviations(places))
        left = np.argsort(-np.abs(unusual))
        left = left[np.abs(unusual[left]) >= LEAST]
        shifts = places - self.places.middle
        found = []
        while len(left):
            alike = np.abs(shifts[left] - shifts[left[0]]) <= ALIKE_PERCENT
            found.append(self._difference(heard, places, unusual, left[alike]))
            left = left[~alike]
        return found

    def decibels(self, difference: Difference, heard: Heard) -> float:
        """Measure in another clip what ``decibels`` of a difference is in its own."""
        place = round(difference.centre_hz / self.healthy.resolution.bin_hz)
        healthy = self.healthy.evened.spectrum_db[:, place]
        return float(heard.evened.spectrum_db[place] - np.median(healthy))

    def _difference(self, heard: Heard, places: Values, unusual: Values, lines: Bins) -> Difference:
        first, bin_hz = int(lines[0]), self.healthy.resolution.bin_hz
        hz = np.sort(self._hz(places)[lines])
        healthy = self.places.values[:, first]
        farther = healthy >= places[first] if unusual[first] > 0 else healthy <= places[first]
        usual = [float(healthy.min()), float(self.places.middle[first]), float(healthy.max())]
        centre_hz = float(self._hz(places)[first])
        there = self.healthy.evened.spectrum_db[:, round(centre_hz / bin_hz)]
        level = float(heard.evened.spectrum_db[round(centre_hz / bin_hz)])
        return Difference(
            "moved",
            float(abs(unusual[first])),
            float(hz[0]),
            float(hz[-1]),
            decibels=float(level - np.median(there)),
            beyond_db=float(level - there.max()),
            rank=int(farther.sum()),
            centre_hz=centre_hz,
            lines_hz=tuple(hz.tolist()),
            usual_hz=tuple(self.at[first] * bin_hz * (1 + percent / 100) for percent in usual),
        )

    def _hz(self, places: Values) -> Values:
        return np.asarray(self.at * self.healthy.resolution.bin_hz * (1 + places / 100))


def _reach(at: Bins) -> Bins:
    """Say how many bins around each line it is looked for: no farther than half-way to the next."""
    reach = np.maximum(np.ceil(REACH * at).astype(np.int64), LEAST_REACH_BINS)
    apart = np.diff(at, prepend=-(10**9), append=10**9)
    return np.asarray(np.minimum(reach, np.maximum(np.minimum(apart[:-1], apart[1:]) // 2, 1)))


def _places(spectra: Values, at: Bins, reach: Bins, least_rise: Values) -> Values:
    """Find lines in spectra ``[n, F]``: percent from where they are expected, ``[n, L]``.

    Of what rises high enough within reach, the nearest: where a line still is, another one beside
    it does not count. NaN where there is none.
    """
    rising = spectra - surroundings(spectra)
    local = spectra[:, 1:-1] >= np.maximum(spectra[:, :-2], spectra[:, 2:])
    local = np.pad(local, ((0, 0), (1, 1)))
    places = np.full((len(spectra), len(at)), np.nan)
    for line, (middle, around) in enumerate(zip(at.tolist(), reach.tolist(), strict=True)):
        near = np.arange(max(middle - around, 1), min(middle + around, spectra.shape[1] - 2) + 1)
        clear = local[:, near] & (rising[:, near] >= least_rise[line])
        apart = np.where(clear, np.abs(near - middle), np.inf)
        for clip in np.flatnonzero(clear.any(axis=1)).tolist():
            place = peak(spectra[clip], int(near[np.argmin(apart[clip])]))[0]
            places[clip, line] = 100 * (place / middle - 1)
    return places
