"""Score stored embeddings as if a head had listened all along.

What a source's encoder made of its sound is kept window by window; a window that was not scored
left a gap. So Y, M and their minutes come out as the ear had them (``scoring.budget``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.runtime.clip_scorer import mix_of
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.minutes import CALM_MINUTES, MINUTE_S
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.scoring.clip import Mix
from rattle.scoring.head import Head, evenly
from rattle.scoring.score import anomaly_score, posterior_gap
from rattle.scoring.windows import frame_seconds, timeline_hop
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A fit looks back so far (``scoring.budget.stages``); of a machine that rests, time goes on.
LONGEST = timedelta(days=28)


@dataclass(frozen=True)
class Voice:
    """What makes a score of an embedding: a head, and how its parts are mixed."""

    head: Head
    mix: Mix

    @classmethod
    def of(cls, scorer: Scorer) -> Voice:
        """Take a bundle's."""
        return cls(scorer.head, mix_of(scorer.info))

    def is_same(self, other: Voice) -> bool:
        """Whether both score alike."""
        own, others = self.head.arrays(), other.head.arrays()
        return (
            self.mix == other.mix
            and own.keys() == others.keys()
            and all(np.array_equal(own[name], others[name]) for name in own)
        )

    def scores(self, z: NDArray[np.floating]) -> Values:
        """Compute s of each window ``[n, D] -> [n]`` (equation 5)."""
        logits, distances = self.head.logits(z), self.head.distances(z)
        gap = None if logits is None else posterior_gap(logits)
        scaled = None if distances is None else self.mix.scale(distances)
        return anomaly_score(gap, scaled, self.mix.alpha)


@dataclass(frozen=True)
class Replayed:
    """M of each minute of a source's stored sound ``[T]``, and when each ended, UTC seconds.

    Of sound of which but a piece was kept now and then (``learn.pieces``), M of each piece instead:
    ``lasts_s`` of sound each, which stands for ``every_s``. picked ``[T]``: those that were kept
    since they stood out, and stand for themselves alone; None where all were kept alike.
    """

    minutes: Values
    ends: Values
    lasts_s: float = MINUTE_S
    every_s: float = MINUTE_S
    picked: NDArray[np.bool_] | None = None

    def within(self, begin: datetime, end: datetime) -> NDArray[np.bool_]:
        """Say which minutes overlap a time ``[T]``."""
        since, until = begin.timestamp(), end.timestamp()
        inside: NDArray[np.bool_] = (self.ends >= since) & (self.ends - self.lasts_s <= until)
        return inside

    @property
    def apart(self) -> int:
        """How many there are in the calm that ends an incident."""
        return max(round(CALM_MINUTES * MINUTE_S / self.every_s), 1)

    @property
    def stands_for(self) -> float:
        """How many minutes each stands for."""
        return self.every_s / MINUTE_S

    @property
    def heard_minutes(self) -> int:
        """How many minutes of running all stand for."""
        picked = 0 if self.picked is None else int(self.picked.sum())
        return round((len(self.minutes) - picked) * self.stands_for)


@dataclass(frozen=True)
class Kept:
    """What is kept of a source by an encoder, the oldest first.

    A month of it is some 600 MB, so it is read a day at a time, each time that it is gone through.
    """

    data: Path
    source_id: str
    encoder: str
    until: datetime

    def __iter__(self) -> Iterator[Embeddings]:
        begin = self.until - LONGEST
        while begin < self.until:
            end = min(begin + DAY, self.until)
            for piece in embedding_files.read(self.data, self.source_id, begin, end):
                if piece.encoder == self.encoder:
                    yield piece
            begin = end

    def hours(self, most: int) -> list[Embeddings]:
        """Read so many hours of it, as evenly spread as they can be."""
        begins = embedding_files.hours(
            self.data, self.source_id, self.encoder, self.until - LONGEST, self.until
        )
        chosen = [begins[place] for place in evenly(len(begins), most)]
        read = (embedding_files.read(self.data, self.source_id, at, at + HOUR) for at in chosen)
        return [piece for pieces in read for piece in pieces if piece.encoder == self.encoder]


def replay(
    pieces: Iterable[Embeddings], voices: Sequence[Voice], hop_s: float, rule: AlarmRule
) -> list[Replayed]:
    """Let heads score stored windows, which follow each other every ``hop_s``, in one go.

    Gives the minutes by each.
    """
    ends = [np.empty(0)]
    scores: list[list[Values]] = [[np.empty(0)] for _ in voices]
    for piece in pieces:
        ends.append(piece.ends)
        for own, voice in zip(scores, voices, strict=True):
            own.append(voice.scores(piece.z))
    at = np.concatenate(ends)
    return [minutes_of(at, np.concatenate(own), hop_s, rule) for own in scores]


def minutes_of(ends: Values, scores: Values, hop_s: float, rule: AlarmRule) -> Replayed:
    """Find M of each minute of sound that was scored, from windows' ends and scores ``[n]``."""
    if not len(ends):
        return Replayed(np.empty(0), np.empty(0))
    # A gap counts among the last N windows, and fills no minute.
    missing = np.rint(np.diff(ends) / hop_s).astype(np.int64) - 1
    missing = np.clip(missing, 0, rule.hops)
    places = np.arange(len(ends)) + np.concatenate([[0], np.cumsum(missing)])
    spaced = np.full(places[-1] + 1, np.nan)
    spaced[places] = scores
    y = rule.statistic(spaced)[places]
    # As the clock of minutes counts: sixty seconds of sound, and what is over goes to the next.
    minute = np.floor(np.arange(1, len(ends) + 1) * hop_s / MINUTE_S + 1e-9).astype(np.int64)
    last = np.flatnonzero(np.diff(minute, prepend=0))
    if not len(last):
        return Replayed(np.empty(0), np.empty(0))
    firsts = np.concatenate([[0], last[:-1] + 1])
    highest = np.maximum.reduceat(y[: last[-1] + 1], firsts)
    heard = np.isfinite(highest)
    return Replayed(highest[heard], ends[last][heard])


def hop_seconds(scorer: Scorer) -> float:
    """Say how long it is from one window to the next where a bundle listens."""
    return timeline_hop(scorer.info.recipe) * frame_seconds(scorer.info.recipe)


def utc(seconds: float) -> datetime:
    """Read UTC seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
