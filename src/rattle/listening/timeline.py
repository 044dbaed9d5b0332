"""Judge a long recording as listening would have: its windows, minutes, thresholds, incidents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rattle.listening.hops import Gap, hops_of
from rattle.listening.reconnect import Outage
from rattle.listening.source import Block
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.stages import Stage


@dataclass(frozen=True)
class Moment:
    """A window of the timeline.

    score is None where ``fault`` says why it was not scored. y: the K-th largest of the last N
    scores. minute: its number, from 0. alarm and watch are the thresholds that it was held
    against; watch is None while that of clips stands for the budget's.
    """

    start_s: float
    end_s: float
    score: float | None
    y: float
    minute: int
    stage: Stage
    alarm: float
    watch: float | None
    fault: str

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True)
class Stretch:
    """An incident in a recording: from the middle of its first window above to that of its last.

    A window is some seconds long, so both are sure to half of that. ``by_budget`` says whether the
    threshold was the budget's or that of clips.
    """

    number: int
    start_s: float
    end_s: float
    peak: float
    peak_s: float
    by_budget: bool


@dataclass(frozen=True)
class Timeline:
    """A recording, window by window.

    seconds: its length. minutes: M of those that are whole, by number. incidents: in the order of
    time.
    """

    seconds: float
    moments: tuple[Moment, ...]
    minutes: tuple[float, ...]
    incidents: tuple[Stretch, ...]

    def incident_at(self, moment: Moment) -> int | None:
        """The number of the incident that a window is of."""
        for each in self.incidents:
            if each.start_s <= moment.middle_s <= each.end_s:
                return each.number
        return None


def timeline_of(blocks: Iterable[Block], scorer: Scorer, judge: Judge) -> Timeline:
    """Judge a recording's blocks.

    While the judge is learning, the bundle's threshold of clips stands for the budget's, and an
    incident ends after N scored windows without an alarm, in place of ten minutes.
    """
    ledger = judge.ledger
    moments: list[Moment] = []
    minutes: list[float] = []
    stretches = _Stretches(judge.rule.hops)
    clip_threshold = scorer.threshold.value
    # Of before the hop: one that ends a minute may be followed by another threshold.
    thresholds, stage = dict(ledger.thresholds), ledger.stage
    seconds = 0.0

    def measured() -> Iterator[Block]:
        nonlocal seconds
        for block in blocks:
            seconds += block.seconds
            yield block

    for hop in hops_of(measured(), scorer, judge):
        if isinstance(hop, Gap | Outage) or hop.judged is None:
            continue
        alarm, watch = thresholds.get("alarm"), thresholds.get("watch")
        moment = Moment(
            hop.start_s,
            hop.end_s,
            None if hop.score is None else hop.score.score,
            hop.judged.y,
            len(minutes),
            stage,
            clip_threshold if alarm is None else alarm.value,
            None if watch is None else watch.value,
            hop.fault,
        )
        stretches.hop(moment, ("alarm", "ended") in hop.judged.changes, alarm is not None)
        moments.append(moment)
        if hop.judged.minute is not None:
            minutes.append(hop.judged.minute)
        thresholds, stage = dict(ledger.thresholds), ledger.stage
    return Timeline(seconds, tuple(moments), tuple(minutes), stretches.all())


class _Stretches:
    """The stretches of windows above their threshold, joined to incidents."""

    def __init__(self, hops: int) -> None:
        self._hops = hops
        self._last: deque[Moment] = deque(maxlen=hops)
        self._done: list[Stretch] = []
        self._open: Stretch | None = None
        self._calm = 0

    def hop(self, moment: Moment, is_ended: bool, by_budget: bool) -> None:
        """Take the next window; ``is_ended`` is whether the budget's incident ends with it."""
        self._last.append(moment)
        if self._open is not None and by_budget != self._open.by_budget:
            self._end()
        if moment.y > moment.alarm:
            self._calm = 0
            for each in self._last:
                if each.score is not None and each.score > moment.alarm:
                    self._open = _with(self._open, each, each.score, len(self._done), by_budget)
        elif self._open is not None:
            self._calm += moment.score is not None
            if is_ended or (not by_budget and self._calm >= self._hops):
                self._end()

    def all(self) -> tuple[Stretch, ...]:
        """The incidents so far; one that goes on ends with the recording."""
        self._end()
        return tuple(self._done)

    def _end(self) -> None:
        if self._open is not None:
            self._done.append(self._open)
        self._open, self._calm = None, 0


def _with(
    so_far: Stretch | None, moment: Moment, score: float, before: int, by_budget: bool
) -> Stretch:
    """A stretch that reaches to a window above; a new one where there was none so far."""
    at = moment.middle_s
    if so_far is None:
        return Stretch(before + 1, at, at, score, at, by_budget)
    longer = replace(so_far, end_s=max(so_far.end_s, at))
    return replace(longer, peak=score, peak_s=at) if score > so_far.peak else longer
