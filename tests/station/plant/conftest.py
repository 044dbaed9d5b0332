"""What the tiny detector was trained on, and what it was not."""

from __future__ import annotations

import numpy as np
import pytest
from plant_kit import RATE_HZ

from rattle import Machine, Manifest


@pytest.fixture(scope="session")
def healthy(clips: Manifest) -> np.ndarray:
    """Half a minute of the machine's training clips."""
    import soundfile

    of = list(clips.of(Machine.parse("synth_fan/id_00"), split="train", label="normal"))[:10]
    return np.concatenate([soundfile.read(clip.path, dtype="float32")[0] for clip in of])


@pytest.fixture(scope="session")
def odd() -> np.ndarray:
    """Half a minute of hiss as loud as a leak."""
    return np.random.default_rng(0).normal(0, 0.2, 30 * RATE_HZ).astype(np.float32)
