"""Tell nearly the same sound: one recording at another gain, coded, padded or cut.

A recording is told by the instants of its strongest peaks, once every band is equally loud. What
stays then of a machine's hum is hardly more than of the noise around it, and noise peaks at the
same instants in no two recordings, however alike two machines sound. A gain moves no peak, a codec
few, and what is put before the sound moves all of them alike. Runs of peaks with the same gaps
between them say which recordings to compare in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Instants = NDArray[np.int64]

# Sound that is looked at, from the beginning: enough to tell, however long a recording is.
LOOKED_AT_SECONDS = 120.0
# The band, as shares of the sample rate: 250 to 3000 Hz of 16 kHz, which every codec keeps.
BAND = (1 / 64, 3 / 16)
# The filter that makes every band equally loud, in samples.
TAPS = 512
# A peak is the loudest sample for so long before and after it.
REACH_SECONDS = 0.05
# What a codec or a resampler moves a peak by, in samples.
JITTER = 2
# Gaps of a run of peaks; so many samples are one step of a gap.
GAPS = 3
STEP = 2 * JITTER
# More than any gap has: a run's gaps make one number.
STEPS_OF_A_GAP = 1 << 20
# Nearly the same: this share of the peaks of the shorter recording at the same instants, and no
# fewer than so many (benchmarks/near_copies.py).
SHARE = 0.3
FEWEST = 8


class Near(NamedTuple):
    """Two of some recordings, by their places, and the share of their peaks that agree."""

    first: int
    second: int
    share: float


class Beginning:
    """The beginning of a recording, as far as it is looked at, at another rate than its own."""

    def __init__(self, rate_hz: int, sample_rate_hz: int) -> None:
        self._wanted = round(LOOKED_AT_SECONDS * rate_hz)
        self._rates = rate_hz, sample_rate_hz
        self._pieces: list[Samples] = []

    def push(self, samples: Samples) -> None:
        """Add samples ``[T]`` at the recording's own rate."""
        if self._wanted > 0:
            self._pieces.append(samples[: self._wanted].astype(np.float32, copy=False))
            self._wanted -= len(samples)

    def instants(self) -> tuple[int, ...]:
        """Find the strongest peaks, as ``instants_of``."""
        rate_hz, sample_rate_hz = self._rates
        sound = np.concatenate(self._pieces) if self._pieces else np.empty(0, np.float32)
        if rate_hz != sample_rate_hz:
            sound = soxr.resample(sound, rate_hz, sample_rate_hz, "HQ")
        return instants_of(sound, sample_rate_hz)


def instants_of(samples: Samples, sample_rate_hz: int) -> tuple[int, ...]:
    """Find the strongest peaks of ``samples [T]``: their places, in samples, in order.

    None of sound that is shorter than the filter or that is one value throughout.
    """
    samples = samples[: round(LOOKED_AT_SECONDS * sample_rate_hz)]
    if len(samples) < 2 * TAPS or np.ptp(samples) == 0:
        return ()
    level = np.abs(_evened(samples))
    reach = round(REACH_SECONDS * sample_rate_hz)
    count = len(level) // reach
    blocks = level[: count * reach].reshape(count, reach)
    tops = blocks.argmax(axis=1)
    peaks = blocks[np.arange(count), tops]
    at = tops + reach * np.arange(count)
    # The loudest of a block is a peak where nothing in the blocks beside is as near and louder.
    found = []
    for here, peak in zip(at.tolist(), peaks.tolist(), strict=True):
        around = level[max(here - reach, 0) : here + reach + 1]
        if 0 < peak == around.max():
            found.append(here)
    return tuple(found)


def near_pairs(recordings: Sequence[Sequence[int]]) -> Iterator[Near]:
    """Find the recordings that are nearly the same sound, by their ``instants_of`` at one rate.

    Of many that are the same each is found with the first of them or with one before it. A sound
    that repeats itself, such as a tone, is like itself at other instants too and is in no pair.
    """
    instants = [np.asarray(of, dtype=np.int64) for of in recordings]
    is_periodic: dict[int, bool] = {}
    for first, second in sorted(_candidates(instants)):
        agree = agreeing(instants[first], instants[second])
        share = agree / min(len(instants[first]), len(instants[second]))
        if agree < FEWEST or share < SHARE:
            continue
        for place in (first, second):
            if place not in is_periodic:
                is_periodic[place] = _repeats_itself(instants[place])
        if not (is_periodic[first] or is_periodic[second]):
            yield Near(first, second, share)


def _candidates(instants: Sequence[Instants]) -> set[tuple[int, int]]:
    """List the pairs that have a run of peaks in common: each with the first, and with the last.

    Two gaps that differ by ``JITTER`` are in the same step of one of two grids, half a step apart.
    """
    each = [_runs(of) for of in instants]
    owners = np.repeat(np.arange(len(each)), [len(of) for of in each])
    runs = np.concatenate([_runs(np.empty(0, np.int64)), *each])
    pairs: set[tuple[int, int]] = set()
    for grid in np.ndindex(*[2] * GAPS):
        steps = (runs + JITTER * np.array(grid)) // STEP
        keys = steps @ STEPS_OF_A_GAP ** np.arange(GAPS)
        order = np.argsort(keys, kind="stable")  # the owners of a key stay in order
        keys, of = keys[order], owners[order]
        is_new = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        first = of[np.maximum.accumulate(np.where(is_new, np.arange(len(of)), 0))]
        for others in (first, np.roll(of, 1)):
            is_pair = ~is_new & (others != of)
            pairs |= set(zip(others[is_pair].tolist(), of[is_pair].tolist(), strict=True))
    return pairs


def _runs(instants: Instants) -> Instants:
    """Give the gaps of each run of peaks, ``[runs, GAPS]``."""
    if len(instants) <= GAPS:
        return np.empty((0, GAPS), np.int64)
    return np.lib.stride_tricks.sliding_window_view(np.diff(instants), GAPS)


def agreeing(one: Instants, other: Instants, *, beyond: int = -1) -> int:
    """Count the peaks at the same instants where the sounds lie best over each other.

    With ``beyond`` only where they are shifted by more than that.
    """
    shifts = (other[:, None] - one[None, :]).ravel()
    shifts = np.sort(shifts[np.abs(shifts) > beyond])
    ends = np.searchsorted(shifts, shifts + JITTER, side="right")
    return int((ends - np.arange(len(shifts))).max(initial=0))


def _repeats_itself(instants: Instants) -> bool:
    return agreeing(instants, instants, beyond=STEP) >= SHARE * len(instants)


def _evened(samples: Samples) -> Samples:
    """Filter the sound so that all frequencies of the band are equally loud, and no other is."""
    count = len(samples) // TAPS
    spectrum = np.fft.rfft(samples[: count * TAPS].reshape(count, TAPS) * _WINDOW, axis=1)
    power = np.mean(np.square(np.abs(spectrum)), axis=0)
    frequency = np.arange(len(power)) / TAPS
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    gain = np.zeros(len(power), np.float32)
    gain[inside] = 1 / np.sqrt(power[inside] + 1e-6 * power[inside].max() + 1e-20)
    taps = np.roll(np.fft.irfft(gain), TAPS // 2) * _WINDOW
    return _convolved(samples, taps.astype(np.float32))


def _convolved(samples: Samples, taps: Samples) -> Samples:
    """Filter in blocks (overlap-save), with the delay taken out: same length."""
    size = 8 * len(taps)
    step = size - len(taps)
    blocks = -(-len(samples) // step)
    padded = np.zeros(blocks * step + len(taps), np.float32)
    padded[len(taps) // 2 : len(taps) // 2 + len(samples)] = samples
    framed = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    filtered = np.fft.irfft(np.fft.rfft(framed, axis=1) * np.fft.rfft(taps, size), axis=1)
    sound: Samples = filtered[:, len(taps) :].ravel()[: len(samples)].astype(np.float32)
    return sound


_WINDOW = np.hanning(TAPS).astype(np.float32)
