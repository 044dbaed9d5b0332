"""The front end as matrix products is the front end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rattle.features.graph_log_mel import GraphLogMel, two_step_transform
from rattle.features.log_mel import LogMelTransform
from rattle.recipe.parts import Audio, Features


@pytest.mark.parametrize("length", [64, 126, 254, 1000, 1024])
def test_the_two_steps_are_the_transform(length: int) -> None:
    """Of lengths with and without a square root, and of twice a prime."""
    rows = max(a for a in range(1, int(length**0.5) + 1) if length % a == 0)
    inner, outer, bins = two_step_transform(length, rows)
    signal = np.random.default_rng(0).normal(size=length)
    first = (inner @ signal.reshape(rows, -1)).reshape(len(outer), 1, -1)
    real, imaginary = np.split((first @ outer)[:, 0], 2, axis=1)
    expected = np.fft.fft(signal)[bins]
    np.testing.assert_allclose(real + 1j * imaginary, expected, atol=1e-4 * length**0.5)


@pytest.mark.parametrize(
    "features",
    [
        Features(),
        Features(spectrum="magnitude"),
        Features(fft_samples=512, hop_samples=160, mel_bands=40),
        Features(fft_samples=400, hop_samples=600, mel_bands=16),
    ],
    ids=["default", "magnitude", "odd hop", "hop beyond the transform"],
)
@pytest.mark.parametrize("samples", [1, 511, 512, 20_011])
def test_it_gives_what_the_front_end_gives(features: Features, samples: int) -> None:
    signal = torch.from_numpy(np.random.default_rng(1).standard_normal(samples, dtype=np.float32))
    expected = LogMelTransform(Audio(), features)(signal)
    found = GraphLogMel(Audio(), features)(signal)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)


def test_silence_is_at_the_floor() -> None:
    found = GraphLogMel(Audio(), Features(floor=1e-8))(torch.zeros(4000))
    torch.testing.assert_close(found, torch.full_like(found, -80.0), rtol=0, atol=1e-3)
