"""Judge whether sound is fit to be learnt from and scored: not silent, frozen, clipped or damaged.

One judge for live sound and for recordings. It is given the channels that a recipe hears, as they
were recorded: resampling would hide what is frozen or clipped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rattle.clips.reading import LOUDEST
from rattle.clips.repeats import BLOCKS, repeated

Samples = NDArray[np.float32]

# Sound is judged in pieces of this length.
PIECE_SECONDS = 0.25
# Silence: the peak stays below three steps of a 16-bit converter (-80 dBFS), which is dither or a
# microphone that is not plugged in. A working one may be that quiet between the strokes of a valve,
# but for no longer than this, and it still hears some noise: a single value throughout is a gap.
SILENT_PEAK = 1e-4
LONGEST_PAUSE_SECONDS = 2.0
# Clipping: more than 1 sample in 10,000 (16 in a 10 s clip at 16 kHz) at full scale. One hard knock
# may touch full scale; a level set too high does so again and again.
CLIPPED_LEVEL = 0.9995
CLIPPED_SHARE = 1e-4
# A driver that hangs plays its buffer again and again; buffers are shorter than this.
LONGEST_REPEAT_SECONDS = 2.0


class Piece(NamedTuple):
    """A judged piece of sound: its fault or none, and how many samples are at full scale.

    ``quiet`` counts the pieces without a break up to this one that are below ``SILENT_PEAK``.
    """

    start_s: float
    end_s: float
    fault: str
    at_full_scale: int
    samples: int
    quiet: int


class Fitness:
    """The judge of the channels that are heard, as the source gives them, before resampling."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._piece = max(round(PIECE_SECONDS * sample_rate_hz / BLOCKS), 1) * BLOCKS
        self._longest_repeat = round(LONGEST_REPEAT_SECONDS * sample_rate_hz)
        self._past: Samples | None = None  # judged, as long as a repeat may be
        self._coming: list[Samples] = []
        self._waiting = self._judged = 0
        self._pieces: deque[Piece] = deque()

    def push(self, samples: Samples) -> None:
        """Judge the next samples ``[T, channels]``; of several channels their mean too."""
        if samples.shape[1] > 1:  # it is what is heard, and what is opposed cancels in it
            with np.errstate(invalid="ignore", over="ignore"):
                samples = np.column_stack([samples, samples.mean(axis=1)])
        self._coming.append(samples)
        self._waiting += len(samples)
        if self._waiting < self._piece:
            return
        past = [] if self._past is None else [self._past]
        every = [*past, *self._coming]
        sound = every[0] if len(every) == 1 else np.concatenate(every)
        first = len(sound) - self._waiting
        count = self._waiting // self._piece
        judged = first + count * self._piece
        self._judge(sound[:judged], first, count)
        self._waiting -= count * self._piece
        self._past = sound[max(judged - self._longest_repeat, 0) : judged].copy()
        self._coming = [sound[judged:].copy()]

    def fault(self, start_s: float, end_s: float) -> str:
        """Say why the sound between is not fit to be scored, or nothing where it is.

        Windows are asked for in time order; what lies before ``start_s`` is forgotten.
        """
        while self._pieces and self._pieces[0].end_s <= start_s:
            self._pieces.popleft()
        return fault_of([piece for piece in self._pieces if piece.end_s <= end_s])

    def finished(self) -> list[Piece]:
        """Judge a recording that ends here: its pieces that were not forgotten, in time order.

        What is left behind the last whole piece is not looked at, unless there is none.
        """
        if not self._pieces and self._waiting >= BLOCKS:
            self._piece = self._waiting // BLOCKS * BLOCKS
            self.push(self._coming[0][:0])
        if all(piece.quiet for piece in self._pieces):  # too short for a pause, and nothing else
            return [piece._replace(fault=piece.fault or "silent") for piece in self._pieces]
        return list(self._pieces)

    def _judge(self, sound: Samples, first: int, count: int) -> None:
        """Judge so many pieces of ``sound``, which begin at its sample ``first``."""
        channels = np.ascontiguousarray(sound.T)
        pieces = channels[:, first:].reshape(len(channels), count, self._piece)
        high, low = pieces.max(axis=2), pieces.min(axis=2)  # [channels, count]
        peak = np.maximum(high, -low)
        is_damaged = ~(peak <= LOUDEST).all(axis=0)  # nor is NaN
        is_quiet = (peak < SILENT_PEAK).any(axis=0)
        is_gap = ((peak < SILENT_PEAK) & (high == low)).any(axis=0)
        is_frozen = np.zeros(count, dtype=np.bool_)
        for channel in channels:
            is_frozen |= repeated(channel, first, self._piece, self._longest_repeat)
        # Peaks beyond 1 are floats in other units: nothing was cut off at full scale there.
        is_loud = (peak >= CLIPPED_LEVEL) & (peak <= 1)
        at_full_scale = np.zeros(count, dtype=np.int64)
        for i in np.flatnonzero(is_loud.any(axis=0)):
            level = np.abs(pieces[is_loud[:, i], i])
            at_full_scale[i] = (level >= CLIPPED_LEVEL).sum(axis=1).max()
        faults = [""] * count
        for word, has_it in (("frozen", is_frozen), ("silent", is_gap), ("damaged", is_damaged)):
            for i in np.flatnonzero(has_it):
                faults[i] = word
        each = zip(faults, at_full_scale.tolist(), is_quiet.tolist(), strict=True)
        for fault, loud, quiet in each:
            start_s = self._judged / self._rate_hz
            self._judged += self._piece
            end_s = self._judged / self._rate_hz
            self._add(Piece(start_s, end_s, fault, loud, self._piece, int(quiet)))

    def _add(self, piece: Piece) -> None:
        """Keep a piece; too long a pause is a silence from its beginning on."""
        if piece.quiet and self._pieces:
            piece = piece._replace(quiet=self._pieces[-1].quiet + 1)
        self._pieces.append(piece)
        if piece.quiet * PIECE_SECONDS >= LONGEST_PAUSE_SECONDS:
            for place in range(-min(piece.quiet, len(self._pieces)), 0):
                quiet = self._pieces[place]
                self._pieces[place] = quiet._replace(fault=quiet.fault or "silent")


def fault_of(pieces: Sequence[Piece]) -> str:
    """Say why the sound of these pieces is not fit to be scored, or nothing where it is."""
    faults = [piece.fault for piece in pieces if piece.fault]
    if faults:
        worst = max(sorted(set(faults)), key=faults.count)
        seconds = sum(piece.end_s - piece.start_s for piece in pieces if piece.fault == worst)
        return f"{worst} for {round(seconds, 2):g} s"
    clipped = sum(piece.at_full_scale for piece in pieces)
    share = clipped / max(sum(piece.samples for piece in pieces), 1)
    return f"clipped: {share:.2%} at full scale" if share > CLIPPED_SHARE else ""
