"""Choose detuned copies: a machine's own clips played faster or slower, as further machines.

Where a machine is alone, or one of a few, there is little that its encoder has to tell apart, and
it listens to whatever is loudest. A copy whose lines lie some per cent elsewhere can be told only
by the lines (``docs/explanation/hearing.md``). The fewer machines, the more copies; eight machines
need none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Machines and copies that a training has, as far as copies can help.
WANTED = 15
MOST_COPIES = 8
# The smallest stretch, and how far the copies go in multiples of it: first those in the middle.
SMALLEST = 0.015
LADDER = (2.0, -2.0, 1.0, -1.0, 3.3, -3.3, 6.7, -6.7)
# A machine whose lines wander by so many deviations must not sound like its nearest copy.
DEVIATIONS = 4.0
# Where lines are looked for, and how finely: a step is 0.05 % of the frequency.
LOWEST_HZ, STEP = 400.0, 5e-4
WIDEST = 0.1
# A clip has a say where its correlation stands out by so many deviations from what is by chance.
STANDS_OUT = 7.0
# No copy is further away than by half its speed.
FURTHEST = 0.5
# Smoothed over so many steps; what is broader than a line's is taken away.
LINE_STEPS, BROAD_STEPS = 3, 101


def speeds(machines: int, spread: float) -> list[float]:
    """Choose the speeds of a machine's copies, where a training has so many machines.

    ``spread`` is that of its own lines (``line_spread``): the copy nearest in pitch lies four times
    as far, and no nearer than 1.5 %.
    """
    copies = min(max((WANTED - machines) // machines, 0), MOST_COPIES)
    nearest = max(SMALLEST, DEVIATIONS * spread)
    steps = [nearest * step for step in LADDER[:copies]]
    return [1 + max(min(step, FURTHEST), -FURTHEST) for step in steps]


def line_spread(spectra: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> float:
    """Measure how far a machine's lines wander from clip to clip, as a share of their frequency.

    ``spectra`` are one of each clip, ``[bins]``, up to half the sample rate. On a logarithmic axis
    a change of speed is a shift of all lines at once: each clip's is found by correlation with the
    mean of all, and the spread is their deviation (by the median). 0 where there are fewer than
    three clips, and where most have no lines that stand out.
    """
    if len(spectra) < 3:
        return 0.0
    lines = np.stack([_lines(spectrum, sample_rate_hz) for spectrum in spectra])
    shifts, peaks = np.zeros(len(lines), dtype=np.int64), np.zeros(len(lines))
    for _ in range(3):  # against a mean that gets sharper with every turn
        aligned = np.stack([np.roll(line, -s) for line, s in zip(lines, shifts, strict=True)])
        total = aligned.sum(axis=0)
        for clip, (line, own) in enumerate(zip(lines, aligned, strict=True)):
            shifts[clip], peaks[clip] = _shift(line, total - own)
    telling = shifts[peaks >= STANDS_OUT]
    if len(telling) <= len(lines) / 2:
        return 0.0
    return float(1.4826 * np.median(np.abs(telling - np.median(telling))) * STEP)


def _lines(spectrum: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float64]:
    """The lines of a spectrum on a logarithmic axis: what stands above its surroundings."""
    hz_a_bin = sample_rate_hz / 2 / len(spectrum)
    count = int(np.log(sample_rate_hz / 2 / LOWEST_HZ) / STEP)
    edges = LOWEST_HZ * np.exp(STEP * np.arange(count + 1)) / hz_a_bin
    energy = np.concatenate([[0.0], np.cumsum(np.square(spectrum, dtype=np.float64))])
    held = np.interp(edges, np.arange(len(energy)), energy)
    level = np.log(np.diff(held) / np.diff(edges) + 1e-12)
    return _smooth(level, LINE_STEPS) - _smooth(level, BROAD_STEPS)


def _smooth(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    return np.convolve(np.pad(values, steps // 2, mode="edge"), np.full(steps, 1 / steps), "valid")


def _shift(line: NDArray[np.float64], reference: NDArray[np.float64]) -> tuple[int, float]:
    """Find by how many steps a clip's lines lie above the reference's, and how clearly."""
    size = 2 * len(line)
    product = np.fft.rfft(line, size) * np.conj(np.fft.rfft(reference, size))
    correlation = np.fft.irfft(product, size)
    most = int(WIDEST / STEP)
    shifts = np.arange(-most, most + 1)
    near = correlation[shifts]
    return int(shifts[np.argmax(near)]), float(near.max() / (np.std(correlation) or 1.0))
