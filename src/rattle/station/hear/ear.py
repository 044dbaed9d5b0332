"""Hear one source: its sound in; minutes, incidents, recordings, normal sound, embeddings out.

    block ── segment ─┬─ second ── does it run? how loud?
              │       └─ window ── fit? ran? ── score ── SourceJudge ── incident
             ring ── recording, once the sound has come ten seconds further; normal sound

No thread and no clock: times come with the sound. What others say, in their threads (reviews, a
tag, another release), is guarded by one lock, and counts from the next window on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from rattle.clips.recorder import Traits
from rattle.listening.source import Block
from rattle.listening.windows import Window
from rattle.runtime.channel import ChannelStream, mean_of, select_channel
from rattle.runtime.stream import WindowScores
from rattle.scoring.budget.ledger import IncidentLevel, Verdict
from rattle.scoring.clip import Embedded
from rattle.station.board import Board, SourceState
from rattle.station.events import Hub
from rattle.station.hear.condition import Condition, fault_in_words
from rattle.station.hear.in_use import InUse
from rattle.station.hear.keeping_sound import NormalSound
from rattle.station.hear.minutes import MinuteOver, Minutes
from rattle.station.hear.moved import Placement
from rattle.station.hear.operating import ByTag, Running
from rattle.station.hear.pieces import Piece, pieces
from rattle.station.hear.recordings import Recordings
from rattle.station.hear.segment import Second, Segment
from rattle.station.hear.showing import Showing
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.records import Record

_log = logging.getLogger(__name__)
# Streams begin with a burst of what was sent before: it dates itself anew, which is no news.
BURST_S = 30.0


@dataclass(frozen=True)
class Outputs:
    """Where an ear's words go: records to the scribe, the moment to the board, news to pages."""

    tell: Callable[[Record], None]
    board: Board
    hub: Hub


class Ear:
    """One source of a machine."""

    def __init__(
        self,
        source_id: str,
        machine_id: str,
        release: InUse,
        judge: SourceJudge,
        running: Running,
        troubles: SourceTroubles,
        out: Outputs,
        *,
        live: bool = True,
    ) -> None:
        """``live`` says whether its sound waits for nobody: only then can some be missing."""
        self._source_id, self._machine_id = source_id, machine_id
        self._running, self._troubles, self._out = running, troubles, out
        self._live = live
        self._condition = Condition(troubles)
        self._minutes = Minutes(source_id, out.tell)
        self._normal = NormalSound(source_id, out.tell, self._is_normal)
        self._placement = Placement()
        self._lock = RLock()
        self._segment: Segment | None = None
        self._recordings: Recordings | None = None
        self._reached: float | None = None  # up to when it was heard, or known to be lost
        self._dropped_s = 0.0
        self._level_db: float | None = None
        self._is_placement_due = False
        self._showing = Showing(source_id, machine_id, out.board, out.hub)
        self._showing.operating(running.state)
        judge.begin()
        self._take(release, judge)

    @property
    def source_id(self) -> str:
        """The id of its source."""
        return self._source_id

    @property
    def name(self) -> str:
        """What its source is called in the plant."""
        return self._showing.name

    def push(self, block: Block, at: datetime, lag_s: float = 0.0) -> None:
        """Hear the next block, whose last sample was at ``at`` (UTC), late by ``lag_s``."""
        with self._lock:
            end = at.timestamp()
            for piece in pieces(block):
                self._push(piece, end - block.seconds + piece.stop_s, lag_s)

    def lost(self, reason: str, at: datetime) -> None:
        """Note that no sound comes, and why; to be said again while it lasts."""
        with self._lock:
            self._break(at.timestamp())
            self._condition.lost(reason, at.timestamp())
            self._hear_nothing("lost", reason, at)

    def failed(self, reason: str, at: datetime) -> None:
        """Begin anew after an error, of the source or of the station; counts as lost."""
        with self._lock:
            if self._segment is not None:
                self._reached = self._segment.end
            # What goes on in it may be what failed.
            self._segment = self._recordings = None
        self.lost(reason, at)

    def ended(self, at: datetime) -> None:
        """Note that the source ended and nothing more will come; what was heard is told."""
        with self._lock:
            self._end_segment()
            self._minutes.tell_so_far()
            self._hear_nothing("ended", "it was heard to its end", at)

    def waiting(self, reason: str, at: datetime) -> None:
        """Note that a source that is not live has nothing at the moment; what it had is told."""
        with self._lock:
            self._end_segment()
            self._minutes.tell_so_far()
            self._condition.sound(at.timestamp())
            self._showing.state("live", reason, at.timestamp())

    def stop(self) -> None:
        """Tell what was heard up to here: the station stops."""
        with self._lock:
            self._end_segment()
            self._minutes.tell_so_far()
            self._judge.tell_so_far()

    def healthy_sound(self, seconds: float) -> NDArray[np.float32] | None:
        """Give the newest sound as the release hears it, ``[T]``; None where it may be no healthy.

        That is where there is not so much without a gap, or the machine did not run all the time,
        or something is wrong or stands out.
        """
        with self._lock:
            segment, recordings = self._segment, self._recordings
            if segment is None or recordings is None or segment.received_s < seconds:
                return None
            is_odd = self._judge.is_open or self._troubles.reason("microphone")
            end_s = segment.received_s
            start, end = segment.time(end_s - seconds), segment.time(end_s)
            if is_odd or not self._running.ran(start, end):
                return None
            samples = recordings.between(end_s - seconds, end_s)
            rate_hz, audio = segment.rate_hz, self._release.scorer.info.recipe.audio
        # Resampling takes a while: the ear goes on meanwhile.
        return ChannelStream(audio, rate_hz).push(samples)

    def review(
        self, level: IncidentLevel, first: int, verdict: Verdict | None, at: datetime
    ) -> None:
        """Let the budget know what a person said of what began with that minute."""
        with self._lock:
            self._judge.review(level, first, verdict, at)
            self._showing.ledger(self._judge.ledger)

    def microphone_reviewed(self, incident_id: str, at: datetime) -> None:
        """Take what a moved microphone hears for usual, where that is what the incident asks."""
        with self._lock:
            if self._troubles.is_of(incident_id, "moved"):
                self._placement.accept()
                self._troubles.over("moved", at)

    def set_running(self, running: bool) -> None:
        """Say that the machine runs from now on, or does not; ``ValueError`` where no tag does."""
        with self._lock:
            if not isinstance(self._running, ByTag):
                raise ValueError("this machine's state does not follow a tag")
            self._running.tag(running, self._reached or 0.0)
            self._show_operating()

    def swap(self, release: InUse, judge: SourceJudge, at: datetime) -> None:
        """Let another release judge from the next window on.

        No window is lost where the encoder hears the machine as the one before did; else windows
        begin anew.
        """
        with self._lock:
            if not release.hears_as(self._release):
                self._end_segment()
            before = self._judge
            self._minutes.another_release()
            judge.begin(before)
            self._take(release, judge)
            before.leave(judge, at)

    def _hear_nothing(self, state: SourceState, reason: str, at: datetime) -> None:
        self._showing.state(state, reason, at.timestamp())
        if not isinstance(self._running, ByTag):  # a tag is known all the same
            self._showing.operating("unknown")

    def _push(self, piece: Piece, at: float, lag_s: float) -> None:
        block = piece.block
        begins = at - block.seconds
        segment = self._segment
        if segment is not None and (
            block.gap
            or (block.sample_rate_hz, block.samples.shape[1]) != (segment.rate_hz, segment.channels)
        ):
            if self._live and block.gap:
                self._dropped_s += max(begins - segment.end, 0.0)
                _log.warning("%s: %s", self._showing.name, block.gap)
            self._break(begins)
        if self._segment is None:
            self._begin(block, at)
        segment, recordings = self._segment, self._recordings
        assert segment is not None and recordings is not None  # noqa: S101, PT018
        recordings.push(block.samples)
        for event in segment.push(block):
            if isinstance(event, Second):
                self._second(segment, event)
            else:
                self._window(segment, event, at, lag_s)
        recordings.cut(segment.received_s)
        if moved_s := segment.dated_anew(at):
            _log.log(
                logging.INFO if segment.received_s < BURST_S else logging.WARNING,
                "%s: clock and sound are %.1f s apart; its times follow the clock from here on",
                self._showing.name,
                moved_s,
            )
            if self._live and moved_s > 0:
                self._over(self._minutes.lost(segment.end - moved_s, segment.end))
        self._reached = segment.end

    def _begin(self, block: Block, at: float) -> None:
        begins = at - block.seconds
        if self._live and self._reached is not None:
            self._over(self._minutes.lost(self._reached, begins))
        self._segment = Segment(self._release.scorer, block, at)
        self._recordings = Recordings(self._source_id, self._segment, self._out.tell)
        self._normal.another_segment()
        self._over(self._minutes.reach(begins))
        self._condition.sound(begins)
        self._showing.connected()
        self._show_heard(begins)
        self._show_operating()

    def _break(self, at: float) -> None:
        """End the segment: sound is missing up to ``at``."""
        self._end_segment()
        if self._reached is None:  # it gave no sound yet, and is missing from now on
            self._reached = at
        elif at > self._reached:
            if self._live:
                self._over(self._minutes.lost(self._reached, at))
            self._reached = at

    def _end_segment(self) -> None:
        segment, recordings = self._segment, self._recordings
        if segment is None or recordings is None:
            return
        end = segment.end
        for event in segment.finish():
            if isinstance(event, Second):
                self._second(segment, event)
            else:
                self._window(segment, event, end, 0.0)
        recordings.cut()
        self._normal.pause(segment, recordings)
        self._reached = segment.end
        self._segment = self._recordings = None

    def _second(self, segment: Segment, second: Second) -> None:
        at = segment.time(second.end_s)
        # It is of the minute that it begins in: windows that end in it are still to come.
        self._over(self._minutes.reach(at - second.seconds))
        self._level_db = second.level_db
        self._running.second(at, second.level_db)
        self._show_operating()
        running_s = second.seconds if self._running.state == "running" else 0.0
        self._minutes.second(second.level_db, running_s)

    def _window(self, segment: Segment, window: Window, at: float, lag_s: float) -> None:
        start, end = segment.time(window.start_s), segment.time(window.end_s)
        self._over(self._minutes.reach(end))
        self._condition.window(start, end, window.fault)
        is_scored = not window.fault and self._running.ran(start, end)
        score = self._score_of(segment, window) if is_scored else None
        when = datetime.fromtimestamp(end, UTC)
        judged = self._judge.window(score, when, window.z)
        self._minutes.window(end, score, judged.y, judged.minute, window.fault, window.z)
        if is_scored:
            self._minutes.embedding(end, window.z)
            self._place(window, when)
        assert self._recordings is not None  # noqa: S101
        self._normal.window(window, score, segment, self._recordings)
        if judged.noted is not None and judged.noted.is_clip_due:
            self._recordings.want(window.end_s, "incident", judged.noted.incident_id, judged.y)
        if judged.minute is not None:
            self._minutes.heard = self._judge.ledger.heard
            self._showing.ledger(self._judge.ledger)
        if window.fault:
            self._showing.state("unfit", fault_in_words(window.fault), end)
        else:
            self._show_heard(end)
        self._showing.window(
            when,
            score,
            judged.y,
            self._level_db,
            lag_s=lag_s,
            dropped_s=self._dropped_s,
            at=at,
        )

    def _show_heard(self, at: float) -> None:
        # The incident of an unfit microphone goes on for 30 s after it is fit again: of what is
        # heard now it is no reason.
        self._showing.state("live", self._troubles.reason("microphone", besides="unfit"), at)

    def _score_of(self, segment: Segment, window: Window) -> float:
        embedded = Embedded(np.array([window.start_s]), window.z[None])
        return self._scores.of(embedded, segment.window_s)[0].score

    def _is_normal(self, score: float) -> bool:
        return self._judge.is_normal(score) and not self._troubles.reason("microphone")

    def _over(self, minutes: list[MinuteOver]) -> None:
        """Offer what was odd in the minutes that are over, while its sound is still there."""
        if not minutes:
            return
        self._is_placement_due = True
        segment, recordings = self._segment, self._recordings
        if segment is None or recordings is None:
            return
        for minute in minutes:
            peak = minute.peak
            if peak is None or (place_s := peak.at - segment.time(0.0)) <= 0:
                continue
            incident_id = self._judge.odd(peak.y, datetime.fromtimestamp(peak.at, UTC), peak.z)
            if incident_id is not None:
                recordings.want(place_s, "moment", incident_id, peak.y)

    def _place(self, window: Window, at: datetime) -> None:
        """Once a minute: does the microphone hear the machine as on the days before?"""
        if not self._is_placement_due:
            return
        self._is_placement_due = False
        assert self._recordings is not None  # noqa: S101
        samples = self._recordings.between(window.start_s, window.end_s)
        heard = mean_of(select_channel(samples, self._release.scorer.info.recipe.audio.channel))
        if question := self._placement.minute(Traits.of(heard)):
            self._troubles.say("moved", question, at)
        else:
            self._troubles.over("moved", at)

    def _take(self, release: InUse, judge: SourceJudge) -> None:
        self._release, self._judge = release, judge
        self._scores = WindowScores(release.scorer)
        self._minutes.release_id = release.id
        self._minutes.encoder = release.scorer.graph.identity
        self._minutes.heard = judge.ledger.heard
        self._showing.ledger(judge.ledger)

    def _show_operating(self) -> None:
        self._minutes.operating = self._running.state
        self._showing.operating(self._running.state)
