"""Find sound that is an exact copy of sound shortly before it: a driver that plays a buffer again.

Comparing every piece with every place before it would cost more than the rest of reading. But a
copy has the peak of the original, to the last bit: where it stands well inside a piece, the block
that holds it in the original holds nothing louder, so that its own peak is equal. Two blocks of
noise have the same peak so seldom that hardly a place is left to be looked at in full.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# Blocks that a piece is divided into.
BLOCKS = 8
# Samples that a place is told by, before it is compared in full.
PROBE = 16


def repeated(sound: Samples, first: int, length: int, longest: int) -> NDArray[np.bool_]:
    """Tell which pieces of ``sound [T]`` are exact copies of what was at most ``longest`` before.

    Pieces of ``length`` samples, a multiple of ``BLOCKS``, from sample ``first`` on to the end:
    ``[(T - first) // length]``. A piece that is constant is a copy where the sound before it was
    the same constant.

    >>> tone = np.sin(np.arange(48, dtype=np.float32) ** 2)
    >>> repeated(np.concatenate([tone, tone[:32], -tone[:16]]), 48, 16, 48).tolist()
    [True, True, False]
    """
    count = max((len(sound) - first) // length, 0)
    block = length // BLOCKS
    before = first // block
    begin = first - before * block
    blocks = sound[begin : first + count * length].reshape(-1, block)
    found = np.zeros(count, dtype=np.bool_)
    todo = np.ones(count, dtype=np.bool_)
    reach = -(-longest // block) + 1
    for sign in (1, -1):
        peaks = blocks.max(axis=1) if sign == 1 else blocks.min(axis=1)
        own = peaks[before:].reshape(count, BLOCKS)
        at = own.argmax(axis=1) if sign == 1 else own.argmin(axis=1)
        inside = todo & (at > 0) & (at < BLOCKS - 1)
        todo &= ~inside
        rows = before + BLOCKS * np.arange(count) + at
        for piece in np.flatnonzero(inside & _has_equals(blocks, peaks, rows, reach)):
            row = int(rows[piece])
            equal = np.flatnonzero(peaks[max(row - reach, 0) : row + 1] == peaks[row])
            inside_blocks = [int(i) + max(row - reach, 0) for i in equal]
            places = np.concatenate(
                [begin + i * block + np.flatnonzero(blocks[i] == peaks[row]) for i in inside_blocks]
            )
            start = first + int(piece) * length
            # The last of the places is in the piece itself; a copy's original has one as well.
            found[piece] = _is_copy(sound, start, length, places[:-1] - (places[-1] - start), longest)
    for piece in np.flatnonzero(todo):
        start = first + int(piece) * length
        low = max(start - longest, 0)
        places = low + np.flatnonzero(sound[low:start] == sound[start])
        found[piece] = _is_copy(sound, start, length, places, longest)
    return found


def _has_equals(
    blocks: Samples, peaks: Samples, rows: NDArray[np.int64], reach: int
) -> NDArray[np.bool_]:
    """Tell which of the blocks ``rows`` have their peak twice, or an equal one before them."""
    twice = (blocks[rows] == peaks[rows, None]).sum(axis=1) > 1
    padded = np.concatenate([np.full(reach, np.nan, np.float32), peaks])
    before = np.lib.stride_tricks.sliding_window_view(padded, reach)[rows]
    found: NDArray[np.bool_] = twice | (before == peaks[rows, None]).any(axis=1)
    return found


def _is_copy(
    sound: Samples, start: int, length: int, places: NDArray[np.int64], longest: int
) -> bool:
    """Tell whether the piece from ``start`` on is the same as at one of ``places`` before it."""
    places = places[(places >= max(start - longest, 0)) & (places < start)]
    for offset in range(min(PROBE, length)):
        if not len(places):
            return False
        places = places[sound[places + offset] == sound[start + offset]]
    piece = sound[start : start + length]
    return any(np.array_equal(sound[place : place + length], piece) for place in places)
