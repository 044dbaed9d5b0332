"""Show the plant on one wall: every machine a tile, the worst first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.pages.words import counted
from rattle.station.amounts_said import level_said, score_said
from rattle.station.board import MachineNow, SourceNow
from rattle.station.store.enrolments import enrolments
from rattle.station.store.reading.wall import Heard, highest_since, opened_of
from rattle.station.web.pages.curves import Frame, lines
from rattle.station.web.pages.enrol import SAID
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.states import State, state_of_machine, y_now

router = APIRouter()
HOUR = timedelta(hours=1)
FEW, SOME, MANY = 6, 24, 60


@dataclass(frozen=True)
class Spark:
    """The last hour of one source: its curve, and the heights of the thresholds."""

    lines: list[str]
    alarm: float | None
    watch: float | None


@dataclass(frozen=True)
class Tile:
    """A machine on the wall; figures are those of the source that is nearest to its alarm."""

    machine_id: str
    name: str
    state: State
    spark: Spark
    source_id: str
    score: str
    alarm: str
    is_scored: bool
    level: str


@dataclass(frozen=True)
class Wall:
    """All tiles, the worst first, and what they come to in a sentence."""

    tiles: list[Tile]
    sentence: str
    counts: list[str]

    @property
    def size(self) -> str:
        """How many there are, as a word for the style."""
        count = len(self.tiles)
        sizes = {"few": FEW, "some": SOME, "many": MANY}
        return next((size for size, most in sizes.items() if count <= most), "crowd")


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def wall_page(request: Request) -> HTMLResponse:
    """Show the wall."""
    context = context_of(request)
    now = context.now()
    machines = context.board.machines()
    with context.database.reading() as session:
        hour = highest_since(session, now - HOUR, [*context.board.sources()])
        opened = opened_of(session, [m.incident_id for m in machines if m.incident_id])
        begun = [each for each in enrolments(session) if each.state != "accepted"]
    view = wall(machines, hour, opened, now)
    return shown(request, "wall", title="Plant", here="wall", wall=view, enrolling=begun, said=SAID)


def wall(
    machines: Sequence[MachineNow],
    hour: Mapping[str, Sequence[Heard]],
    opened: Mapping[str, datetime],
    now: datetime,
) -> Wall:
    """Make the wall; ``hour`` are the minutes of the last hour by source."""
    tiles = [_tile(machine, hour, opened, now) for machine in machines]
    tiles.sort(key=lambda tile: tile.state.rank)
    return Wall(tiles, _sentence(tiles), _counts(tiles))


def nearest_to_alarm(sources: Sequence[SourceNow]) -> SourceNow | None:
    """Choose the source to show: the one whose score is highest for its threshold."""

    def nearness(source: SourceNow) -> float:
        y = y_now(source)
        if y is None:
            return -math.inf
        return y / source.alarm if source.alarm else y

    return max(sources, key=nearness, default=None)


def spark(source: SourceNow | None, heard: Sequence[Heard], now: datetime) -> Spark:
    """Draw the last hour; the alarm's threshold is at the same height on every tile."""
    scores = [each.highest for each in heard if each.highest is not None]
    alarm = None if source is None else source.alarm
    watch = None if source is None else source.watch
    low = min([0.0, *scores])
    high = alarm if alarm is not None and alarm > low else max([*scores, low + 1e-6])
    frame = Frame((now - HOUR).timestamp(), now.timestamp(), low, low + 1.2 * (high - low))
    at_s, values = _without_gaps(heard)
    return Spark(
        lines(frame, at_s, values),
        None if alarm is None else frame.y(alarm),
        None if watch is None else frame.y(watch),
    )


def _without_gaps(heard: Sequence[Heard]) -> tuple[list[float], list[float]]:
    """Times and values, with a break wherever a minute is missing."""
    at_s: list[float] = []
    values: list[float] = []
    for each in heard:
        begun_s = each.at.timestamp()
        if at_s and begun_s - at_s[-1] > 90:
            at_s.append(begun_s)
            values.append(math.nan)
        at_s.append(begun_s)
        values.append(math.nan if each.highest is None else each.highest)
    return at_s, values


def _tile(
    machine: MachineNow,
    hour: Mapping[str, Sequence[Heard]],
    opened: Mapping[str, datetime],
    now: datetime,
) -> Tile:
    source = nearest_to_alarm(machine.sources)
    y = None if source is None else y_now(source)
    return Tile(
        machine_id=machine.id,
        name=machine.name,
        state=state_of_machine(machine, opened),
        spark=spark(source, hour.get(source.id, ()) if source else (), now),
        source_id=source.id if source else "",
        score=score_said(y),
        alarm=score_said(source.alarm) if source and source.alarm is not None else "",
        is_scored=y is not None,
        level=level_said(source.level_db if source else None),
    )


def _sentence(tiles: Sequence[Tile]) -> str:
    loud = [tile for tile in tiles if tile.state.kind in ("alarm", "watch")]
    alarms = [tile for tile in loud if tile.state.kind == "alarm"]
    if len(alarms) == 1:
        how = "sounded anomalous" if alarms[0].state.is_calm else "sounds anomalous"
        return f"Alarm: {alarms[0].name} {how}."
    if alarms:
        return f"{counted(len(alarms), 'machine')} sound anomalous."
    unheard = [tile for tile in tiles if tile.state.kind in ("lost", "unfit")]
    if unheard:
        one = len(unheard) == 1
        who = unheard[0].name if one else counted(len(unheard), "machine")
        return f"{who} {'is' if one else 'are'} not heard as {'it' if one else 'they'} should be."
    if loud:
        one = len(loud) == 1
        who = loud[0].name if one else counted(len(loud), "machine")
        return f"{who} {'sounds' if one else 'sound'} a little odd."
    if all(tile.state.kind == "learning" for tile in tiles):
        return "Learning what healthy sounds like."
    if not any(tile.state.kind in ("running", "learning") for tile in tiles):
        return "Nothing runs."
    return "All that runs sounds healthy."


def _counts(tiles: Sequence[Tile]) -> list[str]:
    words = {
        "alarm": ("alarm", "alarms"),
        "watch": ("watch", "watches"),
        "lost": ("lost", "lost"),
        "unfit": ("microphone bad", "microphones bad"),
        "learning": ("learning", "learning"),
        "connecting": ("connecting", "connecting"),
        "running": ("running", "running"),
        "unknown": ("listening", "listening"),
        "idle": ("idle", "idle"),
        "off": ("off", "off"),
        "ended": ("heard to the end", "heard to the end"),
    }
    kinds = [tile.state.kind for tile in tiles]
    return [counted(kinds.count(kind), *said) for kind, said in words.items() if kind in kinds]
