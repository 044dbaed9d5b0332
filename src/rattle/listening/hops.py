"""Score a source's blocks hop by hop: fit or not, score, incident."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from rattle.clips.fitness import Fitness
from rattle.clips.reading import LOUDEST, holds_samples
from rattle.listening.reconnect import Outage
from rattle.listening.source import Block
from rattle.runtime.channel import mean_of, select_channel
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream, StreamScore
from rattle.scoring.budget.judge import Judge, Judged


@dataclass(frozen=True)
class Hop:
    """One window of the sound; ``score`` is None where ``fault`` says why it was not scored.

    Seconds count from the first sample since the source was connected or sound was missing.
    ``judged`` is what it came to, None where nobody judges.
    """

    start_s: float
    end_s: float
    score: StreamScore | None
    fault: str
    judged: Judged | None


@dataclass(frozen=True)
class Gap:
    """Sound is missing; the next window begins after it."""

    reason: str


def hops_of(
    blocks: Iterable[Block | Outage], scorer: Scorer, judge: Judge | None = None
) -> Generator[Hop | Gap | Outage, None, None]:
    """Score the sound of ``blocks``: a ``Hop`` for each window, and the outages and gaps between.

    No window spans an outage or a gap; an incident may.
    """
    stream: JudgedStream | None = None
    for block in blocks:
        if isinstance(block, Outage):
            stream = None
            yield block
            continue
        if block.gap:
            stream = None
            yield Gap(block.gap)
        if stream is None:
            stream = JudgedStream(scorer, block.sample_rate_hz)
        for window, fault in stream.push(block):
            score = None if fault else window
            judged = None if judge is None else judge.hop(None if score is None else score.score)
            yield Hop(window.start_s, window.end_s, score, fault, judged)


class JudgedStream:
    """Scores of sound without a gap, and whether that sound was fit to be scored."""

    def __init__(self, scorer: Scorer, sample_rate_hz: int) -> None:
        self._channel = scorer.info.recipe.audio.channel
        self._stream = Stream(scorer, sample_rate_hz=sample_rate_hz)
        self._fitness = Fitness(sample_rate_hz)

    def push(self, block: Block) -> list[tuple[StreamScore, str]]:
        """Score the windows that a block completes, each with what is wrong with its sound."""
        heard = select_channel(block.samples, self._channel)
        self._fitness.push(heard)
        if not holds_samples(heard):
            # A window with such samples is not scored; as zeros they do not spread to later ones.
            heard = np.where(np.abs(heard) <= LOUDEST, heard, np.float32(0))
        windows = self._stream.push(mean_of(heard))
        return [(window, self._fitness.fault(window.start_s, window.end_s)) for window in windows]
