"""Score a sound while it goes on: every second, over the last window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.runtime.embedding_stream import EmbeddingStream
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import Embedded, clip_score


@dataclass(frozen=True)
class StreamScore:
    """One window of a stream, in seconds since its first sample; higher is more anomalous.

    ``posterior`` is the probability p of the normal class, ``distance`` the squared distance d;
    None where the loss has no such part. ``anomalous`` is ``score > threshold``.
    """

    start_s: float
    end_s: float
    score: float
    posterior: float | None
    distance: float | None
    anomalous: bool


class WindowScores:
    """The scores of windows by their embeddings: what a detector's head makes of its encoder's."""

    def __init__(self, scorer: Scorer) -> None:
        self._head = scorer.head
        self._mix, self._decision = scorer.mix(), scorer.decision

    def of(self, embedded: Embedded, window_s: float) -> list[StreamScore]:
        """Score windows of so many seconds, in their order."""
        parts = self._head.parts(embedded.start_s, embedded.z)
        return [
            StreamScore(
                window.start_s,
                window.start_s + window_s,
                window.score,
                window.posterior,
                window.distance,
                window.score > self._decision.threshold.value,
            )
            for window in clip_score("", parts, self._mix, self._decision).windows
        ]


class Stream:
    """Scores of a sound that is pushed in chunks.

    The k-th score is that of the window which starts k hops into the sound, as in an offline
    timeline of the whole recording, however it is cut into chunks (``EmbeddingStream``).

    >>> stream = Stream(scorer, sample_rate_hz=48000)         # doctest: +SKIP
    >>> for chunk in microphone:                               # doctest: +SKIP
    ...     for window in stream.push(chunk):
    ...         print(window.end_s, window.score, window.anomalous)
    """

    def __init__(self, scorer: Scorer, *, sample_rate_hz: int | None = None) -> None:
        """``sample_rate_hz`` is that of the pushed samples; the recipe's where it is not given.

        Raises ``ClipError`` for a rate that is none.
        """
        self._scores = WindowScores(scorer)
        self._embeddings = EmbeddingStream(scorer, sample_rate_hz=sample_rate_hz)

    @property
    def hop_s(self) -> float:
        """Seconds from one score to the next."""
        return self._embeddings.hop_s

    @property
    def window_s(self) -> float:
        """Seconds of sound that a score is made of."""
        return self._embeddings.window_s

    def push(self, samples: NDArray[np.float32]) -> list[StreamScore]:
        """The windows that these samples complete, in time order; often none.

        See ``EmbeddingStream.push`` for what it takes and refuses.
        """
        return [
            window
            for embedded in self._embeddings.push(samples)
            for window in self._scores.of(embedded, self.window_s)
        ]
