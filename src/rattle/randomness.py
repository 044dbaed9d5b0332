"""Draw random numbers that can be drawn again: a generator for each seed and purpose.

No generator is shared and none has to be stored: what is drawn depends on the seed, on what it is
drawn for, and on a number such as the iteration.
"""

from __future__ import annotations

import hashlib

import numpy as np

from rattle.errors import DataError

# Streams of random numbers that must not repeat each other.
ORDER, CROPS, OUTLIERS, HELD_OUT, PASS, DROPOUT, PRETRAIN = range(7)
SUBSTITUTE, ANOMALIES, REPLAY, BASELINE, MIXUP = range(7, 12)
DRAW = 64


def stream(seed: int, *numbers: int) -> np.random.Generator:
    """Start the generator of one stream of a seed: one of the constants above, then any numbers."""
    return np.random.default_rng([_checked(seed), *numbers])


def named_stream(seed: int, name: str) -> np.random.Generator:
    """Start the generator of a name under a seed; names give independent streams in any order."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([_checked(seed), int.from_bytes(digest[:16], "big")])


def _checked(seed: int) -> int:
    if seed < 0:
        raise DataError(f"the seed is a whole number from 0, not {seed}", argument="seed")
    return seed
