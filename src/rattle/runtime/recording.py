"""Embed a recording window by window, as if it had been listened to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.clips.reading import as_float, open_sound, sound_blocks
from rattle.runtime.embedding_stream import EmbeddingStream
from rattle.runtime.scorer import Scorer


def embed_recording(scorer: Scorer, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
    """Embed the windows of a recording: when each ends, in seconds ``[n]``, and z ``[n, D]``.

    None of one that is shorter than a window. Raises ``ClipError`` where it cannot be read.
    """
    ends = [np.empty(0)]
    embeddings = [np.empty((0, scorer.head.dimensions), np.float16)]
    with open_sound(path) as sound:
        stream = EmbeddingStream(scorer, sample_rate_hz=sound.samplerate)
        for block in sound_blocks(sound):
            for embedded in stream.push(as_float(block)):
                ends.append(embedded.start_s + stream.window_s)
                embeddings.append(embedded.z.astype(np.float16))
    return np.concatenate(ends), np.concatenate(embeddings)
