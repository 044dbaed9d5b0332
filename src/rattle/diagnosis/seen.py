"""Give the spectrum of a clip and the range of the healthy clips' spectra, to draw both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.diagnosis.differences import SILENT, comparison
from rattle.diagnosis.measured import Samples
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.usual import Values

LOWEST_HZ = 20.0
POINTS = 360


@dataclass(frozen=True)
class SeenSpectrum:
    """Levels in dB ``[P]`` around P frequencies on a logarithmic axis, loudness taken out.

    That of a silent clip is left as it is.

    Of each clip the loudest bin around a frequency counts, so that a line is seen. ``lowest`` and
    ``highest`` are those of the softest and the loudest healthy clip, ``middle`` their median.
    """

    hz: Values
    clip: Values
    lowest: Values
    middle: Values
    highest: Values


def seen_spectrum(samples: Samples, reference: Reference) -> SeenSpectrum:
    """Compare the spectrum of a clip ``[T]`` with those of the healthy ones, at ``POINTS``."""
    with_healthy = comparison(reference)
    heard = with_healthy.heard(samples)
    clip = heard.evened.spectrum_db
    if np.sqrt(np.mean(np.square(heard.samples), dtype=np.float64)) <= SILENT:
        # Nothing, made as loud as the healthy clips, would stand above them.
        clip = clip + heard.evened.offset_db
    healthy = with_healthy.healthy.evened.spectrum_db
    hz = reference.resolution.frequencies_hz
    first = int(np.searchsorted(hz, LOWEST_HZ))
    edges = np.geomspace(hz[first], hz[-1], POINTS + 1)
    # Far below, points are closer than bins: each has one bin at least.
    starts = np.unique(np.searchsorted(hz, edges[:-1]))
    pooled = _loudest(healthy, starts)
    return SeenSpectrum(
        hz=hz[starts],
        clip=_loudest(clip[None], starts)[0],
        lowest=pooled.min(axis=0),
        middle=np.median(pooled, axis=0),
        highest=pooled.max(axis=0),
    )


def _loudest(spectra: Values, starts: NDArray[np.int64]) -> Values:
    return np.asarray(np.maximum.reduceat(spectra, starts, axis=1))
