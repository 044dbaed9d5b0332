"""Take the overall loudness out of what was measured, so that a louder copy differs in one thing.

The loudness of a clip against the healthy ones is the median, over third-octave bands, of how far
each is from the healthy clips' middle. Each band's level is the median over time. So neither what
raises less than half of the bands moves it, nor what lasts for less than half of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.diagnosis.measured import Measured, course
from rattle.diagnosis.peaks import Axis
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.resolution import Resolution
from rattle.diagnosis.usual import Values


@dataclass(frozen=True)
class Evened:
    """What was measured of a clip, less its ``offset_db``; of n clips, with an axis n before.

    Shapes as in ``Measured``; ``bands_db [B]`` is the mean level of a third-octave band's bins. In
    dB, so that a line hardly raises it.
    """

    offset_db: Values
    spectrum_db: Values
    bands_db: Values
    loudest_db: Values
    softest_db: Values
    mean_db: Values
    pause_s: Values
    pulse_db: Values


@dataclass(frozen=True)
class Healthy:
    """A machine's healthy clips, evened, and the bands ``[B]`` that they were evened by."""

    resolution: Resolution
    middle_db: Values
    evened: Evened

    @classmethod
    def of(cls, reference: Reference) -> Healthy:
        """Even the clips of a reference."""
        resolution = reference.resolution
        middle = np.median(reference.steady_db.astype(np.float64), axis=0)
        return cls(resolution, middle, _evened(reference, middle, resolution))

    @property
    def axis(self) -> Axis:
        """Say what the bins of their spectra are."""
        return Axis(self.resolution.bin_hz, self.resolution.first_bin)

    def even(self, measured: Measured) -> Evened:
        """Even a clip against them."""
        return _evened(measured, self.middle_db, self.resolution)


@dataclass(frozen=True)
class Heard:
    """A clip to compare: its samples ``[T]``, powers over time ``[C, frames]``, and the rest."""

    samples: NDArray[np.float32]
    powers: NDArray[np.float32]
    evened: Evened

    @classmethod
    def of(cls, samples: NDArray[np.float32], healthy: Healthy) -> Heard:
        """Measure samples that ``measured.beginning`` cut out."""
        powers = course(samples, healthy.resolution)
        measured = Measured.with_course(samples, powers, healthy.resolution)
        return cls(samples, powers, healthy.even(measured))


def bands_db(spectrum_db: Values, resolution: Resolution) -> Values:
    """Average a spectrum in third-octave bands: ``[..., F] -> [..., B]``."""
    bins = resolution.band_bins
    sums = np.add.reduceat(spectrum_db, bins[:-1], axis=-1)
    return np.asarray(sums / np.diff(bins))


def _evened(measured: Measured | Reference, middle: Values, resolution: Resolution) -> Evened:
    spectrum = measured.spectrum_db.astype(np.float64)
    offset = np.median(measured.steady_db - middle, axis=-1, keepdims=True)
    return Evened(
        offset_db=offset[..., 0],
        spectrum_db=spectrum - offset,
        bands_db=bands_db(spectrum, resolution) - offset,
        loudest_db=measured.loudest_db - offset[..., None],
        softest_db=measured.softest_db - offset[..., None],
        mean_db=measured.mean_db - offset,
        pause_s=measured.pause_s.astype(np.float64),
        pulse_db=measured.pulse_db.astype(np.float64),
    )
