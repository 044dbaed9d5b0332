"""Put a machine in a room: a few early reflections and a decay, as an impulse response."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy import fft
from numpy.typing import NDArray

from rattle.synthetic.colour import Samples
from rattle.synthetic.dice import Dice

EARLY_S = 0.03
AIR_HZ = 3500.0  # walls and air take the late sound above this sooner


@dataclass(frozen=True)
class Room:
    """Delays and gains of early reflections, and the late decay (60 dB in ``decay_60_s``)."""

    early_s: tuple[float, ...]
    early_gain: tuple[float, ...]
    decay_60_s: float
    late_gain: float
    seed: int

    @classmethod
    def draw(cls, dice: Dice) -> Room:
        early_s = np.sort(dice.of_machine.uniform(0.002, EARLY_S, 7))
        gain = dice.of_machine.uniform(0.25, 0.7, 7) * dice.of_machine.choice([-1, 1], 7)
        return cls(
            early_s=tuple(early_s.tolist()),
            early_gain=tuple((gain * np.exp(-early_s / EARLY_S)).tolist()),
            decay_60_s=dice.between(0.25, 0.8),
            late_gain=dice.between(0.3, 0.7),
            seed=int(dice.of_machine.integers(2**31)),
        )

    def impulse_response(self, sample_rate_hz: int) -> Samples:
        """Make the response ``[decay_60_s * sample_rate_hz]``, direct sound first with gain 1."""
        frames = int(self.decay_60_s * sample_rate_hz)
        t = np.arange(frames) / sample_rate_hz
        late = np.random.default_rng(self.seed).standard_normal(frames)
        late *= 10 ** (-3 * t / self.decay_60_s) * (t > EARLY_S / 3)
        spectrum = fft.rfft(late)
        spectrum /= 1 + (fft.rfftfreq(frames, 1 / sample_rate_hz) / AIR_HZ) ** 2
        late = fft.irfft(spectrum, frames)
        response = late * self.late_gain / np.sqrt(np.sum(late**2))
        response[0] += 1
        for delay_s, gain in zip(self.early_s, self.early_gain, strict=True):
            response[int(delay_s * sample_rate_hz)] += gain
        return np.asarray(response, dtype=np.float32)


def heard_in(room: Room, samples: Samples, sample_rate_hz: int) -> Samples:
    """Play ``samples [frames]`` in the room.

    The decay past the end is laid over the beginning: the machine ran before the recording
    began, and a recording that starts in silence would tell what is synthetic.
    """
    frames = len(samples)
    spectrum = fft.rfft(samples)
    spectrum *= _response(room, frames, sample_rate_hz)
    return np.asarray(fft.irfft(spectrum, frames), dtype=np.float32)


@lru_cache(maxsize=64)
def _response(room: Room, frames: int, sample_rate_hz: int) -> NDArray[np.complex64]:
    response = room.impulse_response(sample_rate_hz)
    folded = np.pad(response, (0, -len(response) % frames)).reshape(-1, frames).sum(axis=0)
    return np.asarray(fft.rfft(folded), dtype=np.complex64)
