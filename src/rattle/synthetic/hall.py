"""Make the sound of the hall around a machine: coloured noise, distant machines, and events."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rattle.randomness import named_stream
from rattle.synthetic.colour import Colour, Peak, Samples, noise_gain, noise_of_gain
from rattle.synthetic.impacts import Mode, ring
from rattle.synthetic.level import amplitude, rms
from rattle.synthetic.wander import wander

DISTANT_MACHINES = 10
RUNNING_AT_ONCE = 3
EVENTS_PER_S = 0.12
BED = Colour(low_cut_hz=40, corner_hz=120, slope_db_per_octave=4)


def background(
    frames: int, sample_rate_hz: int, rng: np.random.Generator, *, seed: int = 0
) -> Samples:
    """Record the hall alone, RMS 1, ``[frames]``.

    ``seed`` names the hall, whose distant machines are the same for every recording made in it;
    which of them run, how loud, and what else happens is drawn from ``rng``.
    """
    power = noise_gain(BED, frames, sample_rate_hz) ** 2
    distant = _distant_machines(seed)
    for index in rng.choice(len(distant), RUNNING_AT_ONCE, replace=False):
        loudness = np.float32(10 ** (rng.uniform(-12, 0) / 10))
        power += loudness * noise_gain(distant[index], frames, sample_rate_hz) ** 2
    sound = noise_of_gain(np.sqrt(power), frames, rng)
    sound *= 1 + wander(frames, sample_rate_hz, rng, deviation=0.15, relaxation_s=1.5)
    sound += _events(frames, sample_rate_hz, rng)
    return sound / np.float32(rms(sound))


@lru_cache(maxsize=4)
def _distant_machines(seed: int) -> tuple[Colour, ...]:
    """Draw muffled machines: lines a little broadened by their wander, over a bed of their own."""
    rng = named_stream(seed, "hall")
    machines = []
    for _ in range(DISTANT_MACHINES):
        pitch_hz = rng.uniform(80, 500)
        lines = tuple(
            Peak(pitch_hz * k, rng.uniform(60, 150), rng.uniform(14, 26) - 2 * k)
            for k in range(1, 6)
        )
        machines.append(Colour(60, rng.uniform(200, 900), 8, lines))
    return tuple(machines)


def _events(frames: int, sample_rate_hz: int, rng: np.random.Generator) -> Samples:
    """Make clanks from afar: metal that rings off over a tenth of a second or so."""
    sound = np.zeros(frames, dtype=np.float32)
    for _ in range(rng.poisson(EVENTS_PER_S * frames / sample_rate_hz)):
        modes = [
            Mode(rng.uniform(250, 3000), rng.uniform(0.02, 0.12), rng.uniform(0.3, 1))
            for _ in range(3)
        ]
        loudness = np.float32(amplitude(rng.uniform(0, 12)))
        start, clank = int(rng.integers(frames)), loudness * ring(modes, sample_rate_hz)
        sound[start : start + len(clank)] += clank[: frames - start]
    return sound
