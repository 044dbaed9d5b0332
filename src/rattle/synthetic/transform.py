"""Make another machine out of a recording of this one: other speed, other body, other beat.

A normal clip so changed serves as an outlier where the recordings of no other machine are at
hand. It is a weaker outlier than a real one.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy import fft
from numpy.typing import NDArray

from rattle.errors import ClipError
from rattle.synthetic.level import rms
from rattle.synthetic.shaft import cosine_turn, read_around, turns_at

Float = TypeVar("Float", np.float32, np.float64)

LEAST_SHIFT, MOST_SHIFT = 0.06, 0.3  # of the speed, in its natural logarithm, up or down
BODY_DB = 5.0  # standard deviation of the response at each of the nodes
BODY_NODES_PER_OCTAVE = 0.75
LOWEST_NODE_HZ = 60.0
SLOWEST_BEAT_HZ, FASTEST_BEAT_HZ = 1.0, 30.0
DEEPEST_BEAT = 0.4
SEAM_S = 0.02


def transform(
    samples: NDArray[Float], *, sample_rate_hz: int, rng: np.random.Generator
) -> NDArray[Float]:
    """Change ``samples [frames]`` as if another machine had made them, at the same RMS.

    Resampled by 6 to 30 % up or down, passed through a random smooth body response and beaten
    at 1 to 30 Hz. ``ClipError`` for samples that are not one channel.
    """
    if samples.ndim != 1 or not len(samples):
        raise ClipError(f"samples have shape {samples.shape}; expected one channel, [frames]")
    frames = len(samples)
    speed = float(np.exp(rng.choice([-1, 1]) * rng.uniform(LEAST_SHIFT, MOST_SHIFT)))
    spectrum = _detuned_spectrum(samples, speed, sample_rate_hz)
    frequency_hz = fft.rfftfreq(frames, 1 / sample_rate_hz)
    changed = fft.irfft(spectrum * _body(frequency_hz, rng), frames)

    beat_hz = SLOWEST_BEAT_HZ * (FASTEST_BEAT_HZ / SLOWEST_BEAT_HZ) ** rng.random()
    turns = turns_at(beat_hz, frames, sample_rate_hz, rng, deviation=0.02)
    changed *= 1 + rng.uniform(0, DEEPEST_BEAT) * read_around(cosine_turn(1), turns)
    changed *= rms(samples) / (rms(changed) or 1)
    return np.asarray(changed, dtype=samples.dtype)


def detuned(samples: NDArray[Float], speed: float, *, sample_rate_hz: int) -> NDArray[Float]:
    """Play ``samples [frames]`` at ``speed``, which moves every line to that multiple of itself."""
    spectrum = _detuned_spectrum(samples, speed, sample_rate_hz)
    return np.asarray(fft.irfft(spectrum, len(samples)), dtype=samples.dtype)


def _detuned_spectrum(
    samples: NDArray[Float], speed: float, sample_rate_hz: int
) -> NDArray[np.complexfloating]:
    spectrum = fft.rfft(_at_speed(samples, speed, sample_rate_hz))
    if speed < 1:
        # A slowed recording has nothing above speed * Nyquist. Left empty, that band would tell
        # every outlier from every normal clip, so it keeps what the recording had there.
        frequency_hz = fft.rfftfreq(len(samples), 1 / sample_rate_hz)
        emptied = frequency_hz > 0.98 * speed * sample_rate_hz / 2
        spectrum[emptied] = fft.rfft(samples)[emptied]
    return np.asarray(spectrum)


def _at_speed(samples: NDArray[Float], speed: float, sample_rate_hz: int) -> NDArray[Float]:
    """Play ``speed`` times as fast; a clip too short for that begins anew behind a seam."""
    frames = len(samples)
    wanted = max(1, round(frames / speed))
    spectrum = fft.rfft(samples)
    bins = wanted // 2 + 1
    resized = np.zeros(bins, dtype=spectrum.dtype)
    resized[: min(bins, len(spectrum))] = spectrum[:bins]
    played = fft.irfft(resized, wanted) * (wanted / frames)
    if wanted >= frames:
        return np.asarray(played[:frames], dtype=samples.dtype)
    seam = min(round(SEAM_S * sample_rate_hz), wanted // 2)
    fade = np.sin(np.linspace(0, np.pi / 2, seam)).astype(samples.dtype)  # keeps the power
    out = np.concatenate([played, played[seam:]])[:frames]
    out[wanted - seam : wanted] *= fade[::-1]
    out[wanted - seam : wanted] += fade * played[:seam]
    return np.asarray(out, dtype=samples.dtype)


def _body(frequency_hz: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a random response, smooth over log frequency: ``[F] -> [F]`` amplitudes."""
    octaves = np.log2(np.maximum(frequency_hz, LOWEST_NODE_HZ) / LOWEST_NODE_HZ)
    nodes = np.arange(0, octaves[-1] + 1 / BODY_NODES_PER_OCTAVE, 1 / BODY_NODES_PER_OCTAVE)
    level_db = np.interp(octaves, nodes, BODY_DB * rng.standard_normal(len(nodes)))
    return np.asarray(10 ** (level_db / 20), dtype=np.float32)
