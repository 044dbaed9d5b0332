"""Draw the course of a source: scores, limits, incidents and gaps over a span of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from rattle.scoring.budget.ledger import IncidentLevel
from rattle.station.amounts_said import score_said
from rattle.station.store.reading.minutes import Timeline
from rattle.station.store.reading.views import IncidentView, ThresholdView
from rattle.station.web.pages.curves import WIDTH, Frame, areas, frame_of, lines, steps

BandKind = Literal["lost", "unfit", "off"]
TICKS_S = (10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
MOST_TICKS = 6
# A gap of so much of a stretch is seen.
SHOWN_SHARE = 0.2
NARROWEST = 4.0


@dataclass(frozen=True)
class Tick:
    """A label at a percentage of the width, or of the height from above."""

    percent: float
    at: datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class Box:
    """A stretch of time, in units of the picture; ``href`` leads to the incident."""

    left: float
    width: float
    kind: str
    href: str = ""
    title: str = ""


@dataclass(frozen=True)
class Course:
    """A picture as its template draws it; ``beyond`` is an alarm's threshold above it."""

    title: str
    lines: list[str]
    areas: list[str]
    alarm: str
    watch: str
    incidents: list[Box]
    bands: list[Box]
    times: list[Tick]
    scores: list[Tick]
    shows_days: bool
    beyond: str

    @property
    def is_empty(self) -> bool:
        """Nothing was scored in this time."""
        return not self.lines


def course(
    title: str,
    begin: datetime,
    end: datetime,
    heard: Timeline,
    thresholds: Sequence[ThresholdView],
    incidents: Sequence[IncidentView],
) -> Course:
    """Draw what was heard from ``begin`` to ``end``; thresholds in time order."""
    kept = [place for place in range(len(heard.at)) if _is_point(heard, place)]
    highest, lowest = heard.highest[kept].tolist(), heard.lowest[kept].tolist()
    limits = {
        level: [
            (each.active_from.timestamp(), each.value) for each in thresholds if each.level == level
        ]
        for level in ("alarm", "watch")
    }
    values = [value for changes in limits.values() for _, value in changes]
    frame = frame_of(begin.timestamp(), end.timestamp(), [*highest, *lowest], values)
    beyond = [value for _, value in limits["alarm"] if value > frame.high]
    middles = [at + heard.step_s / 2 for at in heard.at[kept].tolist()]
    return Course(
        title=title,
        lines=lines(frame, middles, highest),
        areas=areas(frame, middles, lowest, highest),
        alarm=steps(frame, limits["alarm"]),
        watch=steps(frame, limits["watch"]),
        incidents=[_incident_box(frame, each, end) for each in incidents],
        bands=list(_bands(frame, heard)),
        times=_times(frame),
        scores=_scores(frame),
        shows_days=frame.end_s - frame.begin_s > 2 * 86_400,
        beyond=score_said(min(beyond)) if beyond else "",
    )


def _incident_box(frame: Frame, incident: IncidentView, end: datetime) -> Box:
    left = frame.x(incident.opened.timestamp())
    right = frame.x((incident.ended or end).timestamp())
    level: IncidentLevel = incident.level
    title = f"{level}, {incident.opened:%Y-%m-%d %H:%M} UTC"
    return Box(
        min(left, WIDTH - NARROWEST),
        max(right - left, NARROWEST),
        level,
        f"/incidents/{incident.id}",
        title,
    )


def _bands(frame: Frame, heard: Timeline) -> Iterator[Box]:
    """Join stretches in which the machine was not scored, with why.

    Before the first sound and after the last there is nothing to say: it was not listened to yet,
    or its minute is not over.
    """
    known = [place for place, lost in enumerate(heard.lost.tolist()) if not math.isnan(lost)]
    first, last = (known[0], known[-1]) if known else (len(heard.at), 0)
    kinds = [
        _band(heard, place) if first <= place <= last else None for place in range(len(heard.at))
    ]
    start = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[start]:
            kind = kinds[start]
            if kind is not None:
                left = frame.x(float(heard.at[start]))
                right = frame.x(float(heard.at[place - 1]) + heard.step_s)
                yield Box(left, right - left, kind)
            start = place


def _is_point(heard: Timeline, place: int) -> bool:
    """Tell whether a stretch is part of the line: as a value, or as a gap with a reason.

    Windows come every few seconds: a stretch between two of them is no gap.
    """
    return math.isfinite(heard.highest[place]) or _band(heard, place) is not None


def _band(heard: Timeline, place: int) -> BandKind | None:
    lost = float(heard.lost[place])
    if math.isnan(lost) or lost >= SHOWN_SHARE:
        return "lost"
    if heard.fitness[place]:
        return "unfit"
    return "off" if heard.operating[place] in ("off", "idle") else None


def _times(frame: Frame) -> list[Tick]:
    span_s = frame.end_s - frame.begin_s
    apart = next((step for step in TICKS_S if span_s / step <= MOST_TICKS), 4 * TICKS_S[-1])
    first = math.ceil(frame.begin_s / apart) * apart
    ticks = []
    at_s = first
    while at_s <= frame.end_s:
        percent = 100 * (at_s - frame.begin_s) / span_s
        if 3 < percent < 97:
            ticks.append(Tick(round(percent, 2), datetime.fromtimestamp(at_s, UTC)))
        at_s += apart
    return ticks


def _scores(frame: Frame) -> list[Tick]:
    step = 10.0 ** math.floor(math.log10(frame.high - frame.low))
    step = next(
        s for s in (step / 5, step / 2, step, 2 * step) if (frame.high - frame.low) / s <= 5
    )
    first = math.ceil(frame.low / step - 1e-9)
    ticks = []
    for number in range(first, math.floor(frame.high / step) + 1):
        percent = 100 * (1 - (number * step - frame.low) / (frame.high - frame.low))
        ticks.append(Tick(round(percent, 2), None, f"{number * step:.6g}"))
    return ticks
