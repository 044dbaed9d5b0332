"""Judge whether live sound is fit to be scored: not silent, frozen, clipped or damaged."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.clips.examine import CLIPPED_LEVEL, CLIPPED_SHARE, SILENT_PEAK
from rattle.clips.reading import LOUDEST

Samples = NDArray[np.float32]

# Sound is judged in pieces of this length. No machine is below -80 dBFS for so long before a
# microphone that works: there is noise.
PIECE_SECONDS = 0.25
# A driver that hangs plays its buffer again and again; buffers are shorter than this.
LONGEST_REPEAT_SECONDS = 2.0
# Samples that a repeat is searched by, before it is looked at in full.
PROBE = 16


@dataclass(frozen=True)
class Piece:
    """A judged piece of sound: its fault or none, and how many samples are at full scale."""

    start_s: float
    end_s: float
    fault: str
    at_full_scale: int
    samples: int


class Fitness:
    """The judge of the channels that are heard, as the source gives them, before resampling."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._piece = max(round(PIECE_SECONDS * sample_rate_hz), 1)
        self._remembered = self._piece + round(LONGEST_REPEAT_SECONDS * sample_rate_hz)
        self._past: Samples | None = None  # judged, as long as a repeat may be
        self._coming: list[Samples] = []
        self._waiting = self._judged = 0
        self._pieces: deque[Piece] = deque()

    def push(self, samples: Samples) -> None:
        """Judge the next samples ``[T, channels]``."""
        self._coming.append(samples)
        self._waiting += len(samples)
        if self._waiting < self._piece:
            return
        past = [] if self._past is None else [self._past]
        sound = np.concatenate([*past, *self._coming])
        judged = len(sound) - self._waiting
        while self._waiting >= self._piece:
            start, end = judged, judged + self._piece
            known = sound[max(end - self._remembered, 0) : end]
            self._pieces.append(self._judge(sound[start:end], known))
            self._judged += self._piece
            self._waiting -= self._piece
            judged = end
        self._past = sound[max(judged - self._remembered, 0) : judged].copy()
        self._coming = [sound[judged:].copy()]

    def fault(self, start_s: float, end_s: float) -> str:
        """Say why the sound between is not fit to be scored, or nothing where it is.

        Windows are asked for in time order; what lies before ``start_s`` is forgotten.
        """
        while self._pieces and self._pieces[0].end_s <= start_s:
            self._pieces.popleft()
        within = [piece for piece in self._pieces if piece.end_s <= end_s]
        faults = [piece.fault for piece in within if piece.fault]
        if faults:
            worst = max(set(faults), key=faults.count)
            return f"{worst} for {faults.count(worst) * PIECE_SECONDS:g} s"
        clipped = sum(piece.at_full_scale for piece in within)
        share = clipped / max(sum(piece.samples for piece in within), 1)
        return f"clipped: {share:.2%} at full scale" if share > CLIPPED_SHARE else ""

    def _judge(self, piece: Samples, past: Samples) -> Piece:
        start_s, end_s = self._judged / self._rate_hz, (self._judged + len(piece)) / self._rate_hz
        level = np.abs(piece)
        peak = level.max(axis=0)
        if not (peak <= LOUDEST).all():  # nor is NaN
            fault = "damaged"
        elif (peak < SILENT_PEAK).any():
            fault = "silent"
        elif any(_repeats(past[:, i], len(piece)) for i in range(piece.shape[1])):
            fault = "frozen"
        else:
            fault = ""
        # Peaks beyond 1 are floats in other units: nothing was cut off at full scale there.
        loud = level[:, (peak >= CLIPPED_LEVEL) & (peak <= 1)]
        at_full_scale = int((loud >= CLIPPED_LEVEL).sum(axis=0).max(initial=0))
        return Piece(start_s, end_s, fault, at_full_scale, len(piece))


def _repeats(sound: Samples, length: int) -> bool:
    """Tell whether the last ``length`` samples are an exact copy of earlier ones, or constant.

    A microphone's noise never repeats itself to the last bit.
    """
    last = sound[-length:]
    places = np.flatnonzero(sound[: len(sound) - length] == last[0])
    for offset in range(1, min(PROBE, length)):
        places = places[sound[places + offset] == last[offset]]
    return any(np.array_equal(sound[place : place + length], last) for place in places)
