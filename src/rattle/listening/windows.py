"""Cut sound into windows: the embedding of each, and whether its sound was fit to be scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.clips.fitness import Fitness
from rattle.clips.reading import LOUDEST, holds_samples
from rattle.listening.source import Block
from rattle.runtime.channel import mean_of, select_channel
from rattle.runtime.embedding_stream import EmbeddingStream
from rattle.runtime.scorer import Scorer


@dataclass(frozen=True)
class Window:
    """A window of sound: its embedding ``z [D]``, and what is wrong with the sound, or "".

    Seconds count from the first sample of the stream.
    """

    start_s: float
    end_s: float
    z: NDArray[np.float32]
    fault: str


class WindowStream:
    """Windows of sound without a gap."""

    def __init__(self, scorer: Scorer, sample_rate_hz: int) -> None:
        """``sample_rate_hz`` is the source's; of ``scorer`` the encoder is used, and no head."""
        self._channel = scorer.info.recipe.audio.channel
        self._embeddings = EmbeddingStream(scorer, sample_rate_hz=sample_rate_hz)
        self._fitness = Fitness(sample_rate_hz)

    @property
    def window_s(self) -> float:
        """Seconds of sound in a window."""
        return self._embeddings.window_s

    def heard(self, block: Block) -> NDArray[np.float32]:
        """Select the channels that are heard, ``[T, 1 or all]``; ``ClipError`` without them."""
        return select_channel(block.samples, self._channel)

    def push(self, block: Block) -> list[Window]:
        """Take the next sound and give the windows that it completes, in time order."""
        heard = self.heard(block)
        self._fitness.push(heard)
        if not holds_samples(heard):
            # A window with such samples is not scored; as zeros they do not spread to later ones.
            heard = np.where(np.abs(heard) <= LOUDEST, heard, np.float32(0))
        return [
            Window(start_s, end_s, z, self._fitness.fault(start_s, end_s))
            for embedded in self._embeddings.push(mean_of(heard))
            for start_s, z in zip(embedded.start_s.tolist(), embedded.z, strict=True)
            for end_s in (start_s + self.window_s,)
        ]
