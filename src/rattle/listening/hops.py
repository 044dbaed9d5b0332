"""Score a source's blocks hop by hop: fit or not, score, incident."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from rattle.listening.reconnect import Outage
from rattle.listening.source import Block
from rattle.listening.windows import WindowStream
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import StreamScore, WindowScores
from rattle.scoring.budget.judge import Judge, Judged
from rattle.scoring.clip import Embedded


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
        self._windows = WindowStream(scorer, sample_rate_hz)
        self._scores = WindowScores(scorer)

    def push(self, block: Block) -> list[tuple[StreamScore, str]]:
        """Score the windows that a block completes, each with what is wrong with its sound."""
        windows = self._windows.push(block)
        if not windows:
            return []
        starts_s = np.array([window.start_s for window in windows])
        embedded = Embedded(starts_s, np.stack([window.z for window in windows]))
        scores = self._scores.of(embedded, self._windows.window_s)
        return [(score, window.fault) for score, window in zip(scores, windows, strict=True)]
