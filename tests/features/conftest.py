"""Short recordings of noise and their manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.recipe.parts import Audio, Features

MakeClips = Callable[..., Manifest]


@pytest.fixture(scope="session")
def audio() -> Audio:
    return Audio()


@pytest.fixture(scope="session")
def features() -> Features:
    return Features(fft_samples=256, hop_samples=128, mel_bands=16, window_frames=32)


@pytest.fixture
def make_clips(tmp_path: Path) -> MakeClips:
    """A function that writes noisy clips of fan/id_00, each of its own length and level."""

    def make(count: int = 3, *, seed: int = 0, folder: str = "recordings") -> Manifest:
        rng = np.random.default_rng(seed)
        train = tmp_path / folder / "dev_data" / "fan" / "train"
        train.mkdir(parents=True)
        for number in range(count):
            samples = 0.05 * (number + 1) * rng.standard_normal(3000 + 500 * number)
            name = f"normal_id_00_{number:08d}.wav"
            sf.write(train / name, samples, 16000, subtype="FLOAT")
        return load_manifest(tmp_path / folder)

    return make
