"""Strike damped resonances at chosen moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic.colour import Samples

DECAYS_KEPT = 7  # e^-7 is -61 dB


@dataclass(frozen=True)
class Mode:
    """A resonance that rings off: amplitude ``gain * exp(-t / decay_s)``."""

    frequency_hz: float
    decay_s: float
    gain: float = 1.0


def ring(modes: Sequence[Mode], sample_rate_hz: int) -> Samples:
    """Make the sound of one blow of strength 1 on ``modes``; those above Nyquist are left out."""
    heard = [mode for mode in modes if mode.frequency_hz < 0.48 * sample_rate_hz]
    longest_s = max((mode.decay_s for mode in heard), default=0.0)
    t = np.arange(int(DECAYS_KEPT * longest_s * sample_rate_hz) + 1, dtype=np.float32)
    t /= sample_rate_hz
    sound = np.zeros(len(t), dtype=np.float32)
    for mode in heard:
        sound += mode.gain * np.exp(-t / mode.decay_s) * np.sin(2 * np.pi * mode.frequency_hz * t)
    return sound


def strike(
    frames: int,
    at_samples: NDArray[np.int64],
    strengths: NDArray[np.floating],
    transient: Samples,
) -> Samples:
    """Lay ``transient`` down at each of ``at_samples [K]`` with its strength -> ``[frames]``.

    Blows outside the recording are dropped; the last ones are cut at its end.
    """
    sound = np.zeros(frames + len(transient), dtype=np.float32)
    inside = (at_samples >= 0) & (at_samples < frames)
    blows = zip(at_samples[inside].tolist(), strengths[inside].tolist(), strict=True)
    for start, strength in blows:
        sound[start : start + len(transient)] += np.float32(strength) * transient
    return sound[:frames]
