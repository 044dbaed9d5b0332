"""Embed a sound while it goes on: every second, the last window.

samples   ──────────────────────────────────────▶ time
frames      |  |  |  |  |  |  |  |  |  |  |  |      each computed once
window 0    [--------------------]
window 1         [--------------------]             starts a hop later
                 kept:  frames    + samples not framed yet

Where the encoder sees the spectrum of a window, all samples of the next one are kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.runtime.channel import ChannelStream
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import Embedded
from rattle.scoring.windows import frame_seconds, timeline_hop

# A push of any length is embedded by so many windows a time: bounded memory in the encoder.
WINDOWS_AT_ONCE = 16


class EmbeddingStream:
    """Embeddings of a sound that is pushed in chunks.

    The k-th is that of the window which starts k hops into the sound, however it is cut into
    chunks. A hop is the recipe's ``scoring.timeline_seconds``, in whole frames. It keeps less than
    a window of frames, and of samples no more than the next window takes.
    """

    def __init__(self, scorer: Scorer, *, sample_rate_hz: int | None = None) -> None:
        """``sample_rate_hz`` is that of the pushed samples; the recipe's where it is not given.

        Raises ``ClipError`` for a rate that is none.
        """
        recipe = scorer.info.recipe
        rate = recipe.audio.sample_rate_hz if sample_rate_hz is None else sample_rate_hz
        self._scorer = scorer
        self._features = recipe.features
        self._sees_spectrum = recipe.sees_spectrum
        self._frame_s = frame_seconds(recipe)
        self._hop = timeline_hop(recipe)
        self._channel = ChannelStream(recipe.audio, rate)
        self._window = 0  # first frame of the next window
        self._frames = np.empty((0, recipe.features.mel_bands), np.float32)  # from there on
        self._chunks: list[NDArray[np.float32]] = []
        self._first = self._received = 0  # samples before those chunks, and up to their end

    @property
    def hop_s(self) -> float:
        """Seconds from one window to the next."""
        return self._hop * self._frame_s

    @property
    def window_s(self) -> float:
        """Seconds of sound in a window."""
        return self._features.window_samples * self._frame_s / self._features.hop_samples

    def push(self, samples: NDArray[np.float32]) -> list[Embedded]:
        """Embed the windows that these samples complete, in time order; often none.

        ``samples`` follow on the last ones; after a gap a new stream is due. They are an array as
        ``Scorer.score`` takes and refuses it: ``[T]``, or ``[T, channels]`` of which the recipe's
        channel is heard, floating-point numbers with full scale at +-1. Raises ``ClipError`` for
        any other.
        """
        heard = self._channel.push(samples)
        self._chunks.append(heard)
        self._received += len(heard)
        due = self._due()
        if not due:
            return []
        pending = np.concatenate(self._chunks)
        embedded: list[Embedded] = []
        while due:
            some = min(due, WINDOWS_AT_ONCE)
            embedded.append(self._embed(pending, some))
            due -= some
        needed = self._piece_begin()
        if self._sees_spectrum:
            needed = min(needed, self._window)
        begin = min(needed * self._features.hop_samples, self._received)
        # A copy: a view would keep the whole push in memory.
        self._chunks = [pending[begin - self._first :].copy()]
        self._first = begin
        return embedded

    def _due(self) -> int:
        """Windows whose last sample has come."""
        reach = self._features.fft_samples // 2
        if self._sees_spectrum:
            reach = max(reach, self._features.hop_samples)
        frames = (self._received - reach) // self._features.hop_samples + 1
        return max((frames - self._window - self._features.window_frames) // self._hop + 1, 0)

    def _piece_begin(self) -> int:
        """The frame that samples are needed from to compute the first one that is not known."""
        known = self._window + len(self._frames)
        # Frames nearer than this to a cut would see it; at 0 the sound itself begins.
        margin = -(-self._features.fft_samples // 2 // self._features.hop_samples)
        return max(known - margin, 0)

    def _embed(self, pending: NDArray[np.float32], windows: int) -> Embedded:
        hop, length = self._features.hop_samples, self._features.window_frames
        starts = self._window + np.arange(windows, dtype=np.int64) * self._hop
        end, following = int(starts[-1]) + length, int(starts[-1]) + self._hop
        begin = self._piece_begin()
        known = self._window + len(self._frames)

        def places(frames: NDArray[np.int64]) -> NDArray[np.int64]:
            """Where the graph has frames of the sound: first those known, then the piece's."""
            of_piece = frames - begin + len(self._frames)
            return np.where(frames < known, frames - self._window, of_piece)

        last_sample = (end - 1) * hop + self._features.fft_samples // 2
        output = self._scorer.graph.run(
            pending[begin * hop - self._first : last_sample - self._first],
            places(starts[:, None] + np.arange(length)),
            self._scorer.info.amplitude,
            self._frames,
            self._spectra(pending, starts, end),
        )
        self._frames = output.features[places(np.arange(following, max(end, following)))]
        self._window = following
        start_s = np.asarray(self._frame_s * starts, np.float64)
        return Embedded(start_s, output.embeddings)

    def _spectra(
        self, pending: NDArray[np.float32], starts: NDArray[np.int64], end: int
    ) -> NDArray[np.float32] | None:
        hop, length = self._features.hop_samples, self._features.window_frames
        heard = pending[self._window * hop - self._first : end * hop - self._first]
        return self._scorer.spectra(heard, starts[:, None] - self._window + np.arange(length))
