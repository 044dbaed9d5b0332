"""Find sound that is an exact copy of sound shortly before it: a driver that plays a buffer again.

Comparing every piece with every place before it would cost more than the rest of reading. But a
copy has the peak of the original, to the last bit: where it stands well inside a piece, the block
that holds it in the original holds nothing louder, so that its own peak is equal. Two blocks of
noise have the same peak so seldom that hardly a place is left to be looked at in full.
"""

from __future__ import annotations

from collections.abc import Callable

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
    todo = np.arange(count)
    reach = -(-longest // block) + 1
    for highest, place in ((np.max, np.argmax), (np.min, np.argmin)):
        if not len(todo):
            break
        peaks = highest(blocks, axis=1)
        own = peaks[before:].reshape(count, BLOCKS)[todo]
        at = (own == highest(own, axis=1)[:, None]).argmax(axis=1)
        inside = (at > 0) & (at < BLOCKS - 1)
        rows = before + BLOCKS * todo[inside] + at[inside]
        pieces, todo = todo[inside], todo[~inside]
        for i in _with_equals(blocks, peaks, place, rows, reach):
            row, piece = int(rows[i]), int(pieces[i])
            start = first + piece * length
            peak, lowest = peaks[row], max(row - reach, 0)
            peaked = np.flatnonzero(blocks[row] == peak)
            within = begin + row * block + int(peaked[-1]) - start  # where the peak is in the piece
            equal = lowest + np.flatnonzero(peaks[lowest:row] == peak)
            tops = [begin + int(i) * block + np.flatnonzero(blocks[i] == peak) for i in equal]
            tops.append(begin + row * block + peaked[:-1])
            found[piece] = any(
                _is_copy(sound, start, length, top - within, longest) for top in tops
            )
    for piece in todo.tolist():
        start = first + int(piece) * length
        low = max(start - longest, 0)
        top = int(sound[start : start + length].argmax())
        places = low + np.flatnonzero(sound[low + top : start + top] == sound[start + top])
        found[piece] = _is_copy(sound, start, length, places, longest)
    return found


def _with_equals(
    blocks: Samples,
    peaks: Samples,
    place: Callable[..., NDArray[np.int64]],
    rows: NDArray[np.int64],
    reach: int,
) -> list[int]:
    """Tell for which of the blocks ``rows`` there may be a block before with the same peak.

    A peak that its neighbourhood has once has the same samples around it in a copy. A sound that
    repeats itself within a block has the same peak in the block before.
    """
    padded = np.concatenate([np.full(reach, np.nan, np.float32), peaks])
    is_equal = padded[rows[:, None] + np.arange(reach)] == peaks[rows, None]
    which, back = np.nonzero(is_equal)
    sound, block = blocks.reshape(-1), blocks.shape[1]
    ours, theirs = rows[which], rows[which] + back - reach
    tops = ours * block + place(blocks[ours], axis=1)
    same = theirs * block + place(blocks[theirs], axis=1)
    # That the first sample of all has none before it does no harm: no original has its peak there.
    is_copy = (sound[tops + 1] == sound[same + 1]) & (sound[tops - 1] == sound[same - 1])
    near = blocks[ours[:, None] + np.array([-1, 0, 1])].reshape(len(ours), 3 * block)
    is_copy |= ~_is_once(near == peaks[ours, None])
    return sorted(set(which[is_copy].tolist()))


def _is_once(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which rows hold a single truth: the first is the last; counting takes ten times that."""
    ends = values.argmax(axis=1) + values[:, ::-1].argmax(axis=1)
    is_once: NDArray[np.bool_] = ends == values.shape[1] - 1
    return is_once


def _is_copy(
    sound: Samples, start: int, length: int, places: NDArray[np.int64], longest: int
) -> bool:
    """Tell whether the piece from ``start`` on is the same as at one of ``places`` before it."""
    places = places[(places >= max(start - longest, 0)) & (places < start)]
    offset = 0
    while len(places) and offset < min(PROBE, length):
        places = places[sound[places + offset] == sound[start + offset]]
        offset += 1
    piece = sound[start : start + length]
    return any(np.array_equal(sound[place : place + length], piece) for place in places)
