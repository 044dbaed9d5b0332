"""Draw slow random change of speed, level or contact, as an Ornstein-Uhlenbeck process."""

from __future__ import annotations

from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic.colour import Samples

STEP_S = 0.02

Float = TypeVar("Float", np.float32, np.float64)


def wander(
    frames: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
    *,
    deviation: float,
    relaxation_s: float,
) -> Samples:
    """Draw a stationary path ``[frames]`` around 0 with this standard deviation.

    The process is drawn exactly at steps of 20 ms, so ``relaxation_s`` should be well above
    that, and is joined by straight lines between them.
    """
    path = wander_steps(frames, sample_rate_hz, rng, deviation=deviation, relaxation_s=relaxation_s)
    return join(path.astype(np.float32), frames, sample_rate_hz)


def wander_steps(
    frames: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
    *,
    deviation: float,
    relaxation_s: float,
) -> NDArray[np.float64]:
    """Draw the process at the steps alone, ``[steps]``: enough of them to cover ``frames``."""
    block = step_samples(sample_rate_hz)
    keep = float(np.exp(-block / sample_rate_hz / relaxation_s))
    kicks = rng.standard_normal(-(-frames // block) + 1)
    kicks[1:] *= np.sqrt(1 - keep**2)
    path = accumulate(kicks.tolist(), lambda before, kick: kick + keep * before)
    return deviation * np.array(list(path))


def join(path: NDArray[Float], frames: int, sample_rate_hz: int) -> NDArray[Float]:
    """Draw straight lines between values at the steps: ``[steps] -> [frames]``, dtype kept."""
    block = step_samples(sample_rate_hz)
    ramp = np.arange(block, dtype=path.dtype) / path.dtype.type(block)
    lines: NDArray[Float] = path[:-1, None] + np.diff(path)[:, None] * ramp
    return lines.reshape(-1)[:frames]


def step_samples(sample_rate_hz: int) -> int:
    return max(1, round(STEP_S * sample_rate_hz))
