"""Samples as 16-bit steps and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rattle.clips.pcm16 import from_16_bit, to_16_bit


def test_every_16_bit_sample_comes_back_as_it_was() -> None:
    steps = np.arange(-32768, 32768, dtype=np.int16)
    np.testing.assert_array_equal(to_16_bit(from_16_bit(steps)), steps)


@given(st.floats(-1, 32767 / 32768, width=32))
def test_rounding_moves_a_sample_by_half_a_step_at_most(sample: float) -> None:
    back = from_16_bit(to_16_bit(np.array([sample], np.float32)))
    assert abs(back[0] - sample) <= 0.5 / 32768


def test_what_is_beyond_full_scale_is_clipped_and_does_not_wrap() -> None:
    loud = np.array([-2.0, -1.0, 1.0, 1e10], np.float32)
    assert to_16_bit(loud).tolist() == [-32768, -32768, 32767, 32767]
