"""From samples to log-mels, in blocks and normalised."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rattle.clips.amplitude import Amplitude, Moments, amplitude
from rattle.errors import ClipError
from rattle.features import front_end as module
from rattle.features.front_end import FrontEnd
from rattle.features.log_mel import LogMelTransform

UNIT = Amplitude(0.0, 1.0)


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(samples).astype(np.float32)


# One sample, one less than a hop, whole hops and not.
@pytest.mark.parametrize("samples", [1, 127, 128, 1280, 5000])
@pytest.mark.parametrize("block_frames", [1, 7, 10, 40])
def test_blocks_give_what_one_pass_gives(
    monkeypatch, audio, features, samples: int, block_frames: int
) -> None:
    signal = noise(samples)
    whole = LogMelTransform(audio, features)(torch.from_numpy(signal)).numpy()
    monkeypatch.setattr(module, "BLOCK_FRAMES", block_frames)
    blocks = FrontEnd(audio, features).log_mel(signal, UNIT)
    assert blocks.shape == (1 + samples // features.hop_samples, features.mel_bands)
    np.testing.assert_allclose(blocks, whole, atol=1e-4)


def test_gain_and_offset_of_a_machine_are_not_heard(audio, features) -> None:
    signal = noise(6000)
    worn = np.float32(0.01) * signal + np.float32(0.3)
    front_end = FrontEnd(audio, features)
    one, other = (
        front_end.log_mel(samples, amplitude([Moments.of(samples)])) for samples in (signal, worn)
    )
    np.testing.assert_allclose(one, other, atol=0.01)
    assert not np.allclose(one, front_end.log_mel(worn, UNIT), atol=1)


def test_a_clip_is_read_as_the_recipe_says(audio, features, make_clips) -> None:
    (clip,) = make_clips(1)
    at_its_rate = FrontEnd(audio, features).read(clip.path)
    halved = FrontEnd(audio.model_copy(update={"sample_rate_hz": 8000}), features).read(clip.path)
    assert len(at_its_rate) == clip.frames
    assert len(halved) == clip.frames // 2
    with pytest.raises(ClipError, match="no channel 1"):
        FrontEnd(audio.model_copy(update={"channel": 1}), features).read(clip.path)
