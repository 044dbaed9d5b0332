"""What reading and features are compared with: librosa, a bare transform, and each step plainly."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import soundfile as sf
import torch
from numpy.typing import NDArray

from rattle.clips.amplitude import Amplitude
from rattle.features.log_mel import mel_filters

Samples = NDArray[np.float32]
RATE_HZ, LENGTH, HOP, BANDS = 16_000, 1024, 512, 128
WINDOW = torch.hann_window(LENGTH)
FILTERS = torch.from_numpy(mel_filters(BANDS, LENGTH, RATE_HZ))


def librosa_log_mel(path: Path) -> NDArray[np.float32]:
    """The same log-mel, as librosa's users write it."""
    samples, _ = librosa.load(path, sr=RATE_HZ)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=RATE_HZ, n_fft=LENGTH, hop_length=HOP, n_mels=BANDS, pad_mode="constant"
    )
    return librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)


def plain_decode(path: Path) -> Samples:
    """Decoding and nothing else."""
    return sf.read(path, dtype="float32")[0]


def bare_transform(samples: Samples) -> torch.Tensor:
    """The spectra of a clip's windowed frames and nothing else."""
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (LENGTH // 2, LENGTH // 2))
    return torch.fft.rfft(padded.unfold(0, LENGTH, HOP) * WINDOW)


def plain_read(path: Path) -> Samples:
    """A clip decoded to floats by libsndfile, checked and gathered as bytes."""
    samples = bytearray()
    with sf.SoundFile(path) as sound:
        for block in sound.blocks(1 << 20, dtype="float32", always_2d=True):
            if not np.isfinite(block).all():
                raise ValueError(path)
            samples += block[:, 0].tobytes()
    return np.frombuffer(samples, np.float32)


def plain_moments(samples: Samples) -> tuple[float, float]:
    """Mean and summed squared deviation, an array for each step."""
    values = samples.astype(np.float64)
    mean = values.mean()
    return float(mean), float(np.square(values - mean).sum())


def plain_log_mel(samples: Samples, statistics: Amplitude) -> torch.Tensor:
    """A log-mel in whole-clip steps, with one product by the whole filter matrix."""
    normalised = (samples - np.float32(statistics.mean)) / np.float32(statistics.deviation)
    padded = torch.from_numpy(np.pad(normalised, LENGTH // 2))
    spectrum = torch.stft(padded, LENGTH, HOP, window=WINDOW, center=False, return_complex=True)
    bands = FILTERS @ (spectrum.real.square() + spectrum.imag.square())
    return bands.clamp_min(1e-10).log10().mul(10).T.contiguous()
