"""Make noise of a colour: a spectrum with a low cut, a slope and resonance peaks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy import fft
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]

DB_PER_OCTAVE_OF_ONE_POLE = 6.02
# Of minutes of sound, 128 gains would be more than a gigabyte.
LONGEST_REMEMBERED = 2**19


@dataclass(frozen=True)
class Peak:
    """A resonance: ``gain_db`` above its surroundings, ``q`` = centre frequency / bandwidth."""

    frequency_hz: float
    q: float
    gain_db: float


@dataclass(frozen=True)
class Colour:
    """Flat between ``low_cut_hz`` and ``corner_hz``, falling above, with peaks on top."""

    low_cut_hz: float
    corner_hz: float
    slope_db_per_octave: float
    peaks: tuple[Peak, ...] = ()

    def magnitude(self, frequency_hz: NDArray[np.floating]) -> Samples:
        """Compute the amplitude response at ``frequency_hz`` ``[F]`` -> ``[F]``; 0 at 0 Hz."""
        f = np.maximum(frequency_hz, 1e-3).astype(np.float32)
        exponent = -self.slope_db_per_octave / DB_PER_OCTAVE_OF_ONE_POLE / 2
        body = (1 + (f / self.corner_hz) ** 2) ** exponent * f**2 / (f**2 + self.low_cut_hz**2)
        power = np.ones_like(f)
        for peak in self.peaks:
            detuning = f / peak.frequency_hz - peak.frequency_hz / f
            power += 10 ** (peak.gain_db / 10) / (1 + (peak.q * detuning) ** 2)
        return np.asarray(body * np.sqrt(power), dtype=np.float32)


def noise_gain(colour: Colour, frames: int, sample_rate_hz: int) -> Samples:
    """Compute gains of bins ``[frames // 2 + 1]`` with which ``noise_of_gain`` has an RMS of 1.

    Those of a clip are remembered.
    """
    of_length = _computed if frames > LONGEST_REMEMBERED else _remembered
    return of_length(colour, frames, sample_rate_hz)


def _computed(colour: Colour, frames: int, sample_rate_hz: int) -> Samples:
    gain = colour.magnitude(fft.rfftfreq(frames, 1 / sample_rate_hz))
    gain *= frames / (2 * np.sqrt(np.sum(gain.astype(np.float64) ** 2)))
    gain.setflags(write=False)
    return gain


_remembered = lru_cache(maxsize=128)(_computed)


def noise_of_gain(gain: Samples, frames: int, rng: np.random.Generator) -> Samples:
    """Make Gaussian noise ``[frames]`` whose spectrum is ``gain`` times that of white noise.

    The bins are drawn uniformly, which is several times cheaper: a sample is a sum over all of
    them and therefore Gaussian all the same.
    """
    draws = rng.random(2 * len(gain), dtype=np.float32)
    draws -= np.float32(0.5)
    spectrum = draws.view(np.complex64)
    spectrum *= gain * np.float32(np.sqrt(12))
    return np.asarray(fft.irfft(spectrum, frames), dtype=np.float32)


def noise(colour: Colour, frames: int, sample_rate_hz: int, rng: np.random.Generator) -> Samples:
    """Make Gaussian noise ``[frames]`` of a colour, expected RMS 1."""
    return noise_of_gain(noise_gain(colour, frames, sample_rate_hz), frames, rng)
