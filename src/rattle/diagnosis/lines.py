"""Find lines of the spectrum that are stronger or weaker than in the healthy clips.

A machine's speed differs from clip to clip by a percent or so, and its lines with it. So a line's
level is compared with the highest that a healthy clip has within 1.5 % of its frequency: what only
moved a little is no difference. A band that got louder has no more lines than before; a line is
news only by as much as it also rises farther above its surroundings than the healthy clips do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.peaks import Axis, are_lines, highest_near, peak, steady_lines, surroundings
from rattle.diagnosis.series import series_of
from rattle.diagnosis.usual import Usual, Values, Yardstick, lesser

FLOOR_DB = 1.0
OFF_BINS = 0.75  # by which a line of a series may be measured wrong
MOST_LINES = 60  # looked at, the most unusual first
LEAST = 0.5


@dataclass(frozen=True)
class Lines:
    """The healthy clips' highest level near each bin ``[n, F]``: as it is, and above the floor.

    ``middle [F]`` is the middle of their spectra.
    ``steady [F]`` says at which bins they have a line, which another clip may have lost.
    """

    axis: Axis
    middle: Values
    levels: Usual
    rises: Usual
    steady: NDArray[np.bool_]
    yardstick: Yardstick

    @classmethod
    def of(cls, spectra: Values, axis: Axis) -> Lines:
        """Learn what is usual from healthy clips' spectra ``[n, F]``."""
        rising = spectra - surroundings(spectra)
        levels = Usual(highest_near(spectra, axis), FLOOR_DB)
        rises = Usual(highest_near(rising, axis), FLOOR_DB)
        more = lesser(levels.among_themselves(spectra), rises.among_themselves(rising))
        less = lesser(levels.among_themselves(), rises.among_themselves())
        steady = steady_lines(spectra, axis)
        unusual = _joined(more, are_lines(spectra, axis), less, steady)
        return cls(axis, np.median(spectra, axis=0), levels, rises, steady, Yardstick.of(unusual))

    def differences(self, spectrum: Values) -> list[Difference]:
        """Find lines that are unusually strong or weak; those of one series are one difference."""
        unusual = self.yardstick(self._deviations(spectrum))
        found = []
        for side in (1, -1):
            bins = np.argsort(-side * unusual)[:MOST_LINES]
            bins = bins[side * unusual[bins] >= LEAST]
            while len(bins):
                entry, bins = self._strongest(spectrum, unusual, bins)
                found.append(entry)
        return found

    def decibels(self, difference: Difference, spectrum: Values) -> float:
        """Measure in another clip what ``decibels`` of a difference is in its own."""
        place = round(difference.centre_hz / self.axis.bin_hz)
        near = highest_near(spectrum[None], self.axis)[0, place]
        return float(near - self.levels.middle[place])

    def _deviations(self, spectrum: Values) -> Values:
        rising = spectrum - surroundings(spectrum)
        more = lesser(self.levels.deviations(spectrum), self.rises.deviations(rising))
        level, rise = highest_near(np.stack([spectrum, rising]), self.axis)
        less = lesser(self.levels.deviations(level), self.rises.deviations(rise))
        return _joined(more, are_lines(spectrum, self.axis), less, self.steady)

    def _strongest(
        self, spectrum: Values, unusual: Values, bins: NDArray[np.int64]
    ) -> tuple[Difference, NDArray[np.int64]]:
        """Make a difference of the first of ``bins`` and its series; give the bins left."""
        place = int(bins[0])
        is_louder = unusual[place] > 0
        # A line that is lost is where the healthy clips have it.
        seen = spectrum if is_louder else self.middle
        hz = np.array([peak(seen, each)[0] for each in bins.tolist()]) * self.axis.bin_hz
        series = series_of(hz, 0, OFF_BINS * self.axis.bin_hz)
        members = np.array([0] if series is None else series.members)
        if is_louder:
            level = peak(spectrum, place)[1]
            edge = self.levels.highest[place]
        else:
            level = highest_near(spectrum[None], self.axis)[0, place]
            edge = self.levels.lowest[place]
        entry = Difference(
            "line",
            float(abs(unusual[place])),
            float(hz[members].min()),
            float(hz[members].max()),
            decibels=float(level - self.levels.middle[place]),
            beyond_db=float(level - edge),
            rank=self._rank(spectrum, place, is_louder=is_louder),
            centre_hz=float(hz[0]),
            lines_hz=tuple(np.sort(hz[members]).tolist()),
            harmonics_of_hz=None if series is None else series.harmonics_of_hz,
            spacing_hz=None if series is None else series.spacing_hz,
        )
        return entry, np.delete(bins, members)

    def _rank(self, spectrum: Values, place: int, *, is_louder: bool) -> int:
        """Count the healthy clips that are as far, in level or in how far it rises."""
        rising = spectrum - surroundings(spectrum)
        levels, rises = self.levels.values[:, place], self.rises.values[:, place]
        if is_louder:
            return int(np.sum((levels >= spectrum[place]) | (rises >= rising[place])))
        level, rise = highest_near(np.stack([spectrum, rising]), self.axis)[:, place]
        return int(np.sum((levels <= level) | (rises <= rise)))


def _joined(
    more: Values, at_lines: NDArray[np.bool_], less: Values, at_steady: NDArray[np.bool_]
) -> Values:
    """Keep what is more at a clip's lines, and what is less at the healthy clips' lines."""
    above = np.where(at_lines, np.maximum(more, 0), 0)
    below = np.where(at_steady, np.minimum(less, 0), 0)
    return np.where(above > 0, above, below)
