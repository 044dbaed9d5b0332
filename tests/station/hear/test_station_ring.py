"""The last 90 s of sound, as it was but for 16 bits, in a bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.station.hear.ring import RING_SECONDS, Ring

RATE_HZ = 1000


@pytest.mark.parametrize("length", [100, 250, 999, 1000, 7000, 200_000])
def test_it_gives_what_was_pushed_however_it_was_cut(length: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, (200_000, 2)).astype(np.float32)
    ring = Ring(RATE_HZ, 2)
    for start in range(0, len(sound), length):
        ring.push(sound[start : start + length])
    start_s, heard = ring.between(150.0, 180.0)
    assert start_s == 150.0
    assert heard == pytest.approx(sound[150_000:180_000], abs=2e-5)


def test_what_is_older_than_90_s_is_gone_and_what_did_not_come_is_not_there() -> None:
    ring = Ring(RATE_HZ, 1)
    ring.push(np.zeros((100 * RATE_HZ, 1), np.float32))
    start_s, heard = ring.between(0.0, 1000.0)
    assert start_s == 100 - RING_SECONDS
    assert len(heard) == RING_SECONDS * RATE_HZ
    assert len(ring.between(200.0, 300.0)[1]) == 0
    assert len(ring.between(0.0, 5.0)[1]) == 0


def test_what_is_beyond_full_scale_is_clipped_and_what_is_no_number_is_0() -> None:
    ring = Ring(RATE_HZ, 1)
    ring.push(np.array([[2.0], [-2.0], [np.nan], [np.inf], [1e20], [0.5]], np.float32))
    heard = ring.between(0.0, 1.0)[1][:, 0]
    assert heard == pytest.approx([1.0, -1.0, 0.0, 0.0, 0.0, 0.5], abs=1e-4)
