"""Tell whether someone speaks in a recording: what people said is none of the station's business.

By Silero's detector (``silero/``, MIT licence), which says of each 32 ms how likely speech is. It
sees the 64 samples before each window too, and remembers in a state what it heard.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray

MODEL = Path(__file__).parent / "silero" / "silero_vad_16k_op15.onnx"
RATE_HZ = 16_000
WINDOW, BEFORE = 512, 64  # samples
STATE = 128
LIKELY = 0.5
# A shorter sound is no syllable: machines have clicks that are like speech for a window or two.
SHORTEST_RUN = 4  # windows
# A recording with more is one in which someone speaks.
SPEECH_FROM_S = 0.25


def seconds_of_speech(samples: NDArray[np.float32], sample_rate_hz: int) -> float:
    """Measure how long someone speaks in ``samples [T]`` or ``[T, channels]``, on any channel.

    In steps of 32 ms; a shorter run than four of them is taken for no speech.
    """
    channels = samples[:, None] if samples.ndim == 1 else samples
    if sample_rate_hz != RATE_HZ:
        channels = soxr.resample(channels, sample_rate_hz, RATE_HZ, "HQ")
    is_speech = _likelihoods(channels.T).max(axis=1, initial=0.0) > LIKELY
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_speech.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= SHORTEST_RUN].sum() * WINDOW / RATE_HZ)


def _likelihoods(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely there is speech in each window of ``channels [C, T]``: ``[windows, C]``."""
    count, length = channels.shape
    windows = -(-length // WINDOW)
    padded = np.zeros((count, BEFORE + windows * WINDOW), np.float32)
    padded[:, BEFORE : BEFORE + length] = channels
    state = np.zeros((2, count, STATE), np.float32)
    rate = np.array(RATE_HZ, np.int64)
    likely = np.empty((windows, count), np.float32)
    for window in range(windows):
        begin = window * WINDOW
        heard = padded[:, begin : begin + BEFORE + WINDOW]
        output, state = _session().run(None, {"input": heard, "state": state, "sr": rate})
        likely[window] = output[:, 0]
    return likely


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
