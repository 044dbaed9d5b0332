"""Exact copies are found wherever they lie, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rattle.clips.repeats import BLOCKS, repeated

Samples = NDArray[np.float32]


def compared(sound: Samples, first: int, length: int, longest: int) -> list[bool]:
    """Compare every piece with every place before it."""
    return [
        any(
            np.array_equal(sound[place : place + length], sound[start : start + length])
            for place in range(max(start - longest, 0), start)
        )
        for start in range(first, len(sound) - length + 1, length)
    ]


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    blocks=st.integers(1, 6),
    pieces=st.integers(1, 9),
    steps=st.integers(1, 40),
    period=st.integers(1, 60),
    longest=st.integers(1, 150),
    begin=st.floats(0, 1),
    first=st.floats(0, 1),
)
def test_it_finds_what_comparing_every_place_finds(
    seed: int,
    blocks: int,
    pieces: int,
    steps: int,
    period: int,
    longest: int,
    begin: float,
    first: float,
) -> None:
    """Of few steps many samples are equal, so that peaks are too and decide nothing."""
    length, rng = blocks * BLOCKS, np.random.default_rng(seed)
    sound = rng.integers(-steps, steps + 1, pieces * length + seed % 5).astype(np.float32)
    start = round(begin * (len(sound) - 1))
    sound[start:] = np.resize(sound[start : start + period], len(sound) - start)
    where = round(first * len(sound))
    found = repeated(sound, where, length, longest).tolist()
    assert found == compared(sound, where, length, longest)


@pytest.mark.parametrize("lag", [1, 7, 499, 500, 501, 4000, 31_999, 32_000, 32_001])
def test_a_copy_counts_up_to_the_longest_lag(lag: int) -> None:
    sound = np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    sound[40_000:] = np.resize(sound[40_000 - lag : 40_000], 8000)
    assert repeated(sound, 40_000, 4000, 32_000).tolist() == [lag <= 32_000] * 2


def test_one_other_sample_makes_it_another_sound() -> None:
    sound = np.tile(np.random.default_rng(0).standard_normal(4000).astype(np.float32), 3)
    sound[9000] += 1e-6
    assert repeated(sound, 4000, 4000, 32_000).tolist() == [True, False]


def test_nothing_is_found_in_less_than_a_piece() -> None:
    assert repeated(np.zeros(7, np.float32), 0, 8, 16).tolist() == []
