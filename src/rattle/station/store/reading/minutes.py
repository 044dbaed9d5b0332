"""Read a source's minutes as a line over time, from weeks down to seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Row, Select, case, func, select, type_coerce
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import LEVELS, Level
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.records import Operating
from rattle.station.store.reading.views import ThresholdView
from rattle.station.store.tables import MinuteRow, ThresholdRow
from rattle.station.store.types import EPOCH

# Below it every window is read, above it only what is kept of each minute.
WINDOWS_BELOW = timedelta(hours=2)
MINUTE_S = 60
ORDER: tuple[Operating, ...] = ("unknown", "off", "idle", "running")

Values = NDArray[np.float64]
_Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Timeline:
    """What a source heard, in stretches of ``step_s`` seconds ``[n]``; NaN where nothing was.

    at: UTC, in seconds since 1970, when each begins. highest, lowest: of Y, the K-th largest of
    the last N scores: of each minute's highest where ``step_s`` is a minute or more, else of each
    window's. level_db: the mean level, dBFS. running, lost: shares of the time in which the machine
    ran, and in which there was no sound. fitness: what was wrong with the sound, or "". operating:
    running where it ran at all.
    """

    step_s: int
    at: Values
    highest: Values
    lowest: Values
    level_db: Values
    running: Values
    lost: Values
    fitness: tuple[str, ...]
    operating: tuple[Operating, ...]


def timeline(
    session: Session,
    source_id: str,
    begin: datetime,
    end: datetime,
    points: int = 600,
    *,
    rule: AlarmRule | None = None,
) -> Timeline:
    """Read what a source heard from ``begin`` to ``end``, in at most about ``points`` stretches.

    ``rule`` is what Y is computed by where windows are read; without it the usual one. The windows
    of a minute are spread evenly over it: only their order is kept.
    """
    span_s = max((end - begin).total_seconds(), 1.0)
    by_window = end - begin < WINDOWS_BELOW
    step_s = max(math.ceil(span_s / points), 1)
    if not by_window:
        step_s = MINUTE_S * math.ceil(step_s / MINUTE_S)
    first = math.floor((begin - EPOCH).total_seconds() / step_s)
    count = max(math.ceil((end - EPOCH).total_seconds() / step_s) - first, 1)
    line = _Line(step_s, first, count)
    if by_window:
        _add_windows(line, session, source_id, begin, end, rule or AlarmRule())
    else:
        _add_minutes(line, session, source_id, begin, end)
    return line.timeline()


def thresholds(
    session: Session, source_id: str, begin: datetime, end: datetime
) -> list[ThresholdView]:
    """List a source's thresholds that held between ``begin`` and ``end``, the oldest first."""
    of_source = select(ThresholdRow).where(
        ThresholdRow.source_id == source_id, ThresholdRow.active_from <= end
    )
    newest_first = (ThresholdRow.active_from.desc(), ThresholdRow.id.desc())
    rows = list(session.scalars(of_source.where(ThresholdRow.active_from > begin)))
    for level in LEVELS:
        before = of_source.where(ThresholdRow.level == level, ThresholdRow.active_from <= begin)
        rows += session.scalars(before.order_by(*newest_first).limit(1))
    return [threshold_view(row) for row in sorted(rows, key=lambda row: (row.active_from, row.id))]


def threshold_view(row: ThresholdRow) -> ThresholdView:
    """Give a row as what is shown of it."""
    return ThresholdView(
        row.id,
        row.source_id,
        row.release_id,
        cast(Level, row.level),
        row.value,
        row.expected,
        row.upper,
        row.margin,
        row.peaks,
        row.weeks,
        row.minutes,
        row.reason,
        row.active_from,
    )


class _Line:
    """The stretches of a timeline, filled in any order."""

    def __init__(self, step_s: int, first: int, count: int) -> None:
        self.step_s, self.first, self.count = step_s, first, count
        self.highest = np.full(count, np.nan)
        self.lowest = np.full(count, np.nan)
        self.level_db = np.full(count, np.nan)
        self.running = np.full(count, np.nan)
        self.lost = np.full(count, np.nan)
        self.fitness = [""] * count
        self.operating: list[Operating] = ["unknown"] * count

    def timeline(self) -> Timeline:
        return Timeline(
            self.step_s,
            self.step_s * np.arange(self.first, self.first + self.count, dtype=np.float64),
            self.highest,
            self.lowest,
            self.level_db,
            self.running,
            self.lost,
            tuple(self.fitness),
            tuple(self.operating),
        )


def _of_source(query: _Query, source_id: str, begin: datetime, end: datetime) -> _Query:
    return query.where(MinuteRow.source_id == source_id, MinuteRow.at >= begin, MinuteRow.at < end)


def _add_minutes(
    line: _Line, session: Session, source_id: str, begin: datetime, end: datetime
) -> None:
    """Let the database add up the minutes: a year has half a million."""
    stretch = type_coerce(MinuteRow.at, BigInteger) // (line.step_s * 1_000_000)
    rank = case(
        *((MinuteRow.operating == state, place) for place, state in enumerate(ORDER)), else_=0
    )
    query = select(
        stretch.label("stretch"),
        func.max(MinuteRow.highest),
        func.min(MinuteRow.highest),
        func.avg(MinuteRow.level_db),
        func.sum(MinuteRow.running_s),
        func.sum(MinuteRow.lost_s),
        func.count(),
        func.max(MinuteRow.fitness),
        func.max(rank),
    ).group_by(stretch)
    for row in session.execute(_of_source(query, source_id, begin, end)):
        number, highest, lowest, level_db, running_s, lost_s, minutes, fitness, operating = row
        place = number - line.first
        if not 0 <= place < line.count:
            continue
        line.highest[place], line.lowest[place] = _value(highest), _value(lowest)
        line.level_db[place] = _value(level_db)
        heard_s = minutes * MINUTE_S
        line.running[place], line.lost[place] = running_s / heard_s, lost_s / heard_s
        line.fitness[place], line.operating[place] = fitness, ORDER[operating]


def _add_windows(
    line: _Line,
    session: Session,
    source_id: str,
    begin: datetime,
    end: datetime,
    rule: AlarmRule,
) -> None:
    query = select(
        MinuteRow.at,
        MinuteRow.scores,
        MinuteRow.level_db,
        MinuteRow.running_s,
        MinuteRow.lost_s,
        MinuteRow.fitness,
        MinuteRow.operating,
    ).order_by(MinuteRow.at)
    # Y of the first window looks back at those before it.
    earlier = begin - timedelta(seconds=2 * MINUTE_S)
    rows = session.execute(_of_source(query, source_id, earlier, end)).all()
    if not rows:
        return
    scores = np.concatenate([row.scores for row in rows]).astype(np.float64)
    ys = rule.statistic(scores)
    ys[np.isnan(scores)] = -np.inf
    at_s = np.concatenate([_spread(row) for row in rows])
    places = np.floor(at_s / line.step_s).astype(int) - line.first
    for place, y in zip(places.tolist(), ys.tolist(), strict=True):
        if 0 <= place < line.count and np.isfinite(y):
            line.highest[place] = np.fmax(line.highest[place], y)
            line.lowest[place] = np.fmin(line.lowest[place], y)
    for row in rows:
        start_s = (row.at - EPOCH).total_seconds()
        from_place = max(math.floor(start_s / line.step_s) - line.first, 0)
        to_place = max(math.ceil((start_s + MINUTE_S) / line.step_s) - line.first, 0)
        held = slice(from_place, to_place)
        line.level_db[held] = _value(row.level_db)
        line.running[held], line.lost[held] = row.running_s / MINUTE_S, row.lost_s / MINUTE_S
        for place in range(from_place, min(to_place, line.count)):
            line.fitness[place], line.operating[place] = row.fitness, row.operating


def _spread(row: Row[Any]) -> Values:
    """When each window of a minute ended, nearly: seconds since 1970 ``[n]``."""
    count = len(row.scores)
    start_s: float = (row.at - EPOCH).total_seconds()
    return start_s + MINUTE_S * (np.arange(count, dtype=np.float64) + 0.5) / max(count, 1)


def _value(number: float | None) -> float:
    return math.nan if number is None else float(number)
