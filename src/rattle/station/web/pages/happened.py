"""Say in a sentence what happened in an incident, and how long it lasted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rattle.station.amounts_said import score_said, span_said
from rattle.station.store.reading.views import IncidentView

LEVEL_WORDS = {"alarm": "Alarm", "watch": "Watch", "moment": "Odd moment"}


@dataclass(frozen=True)
class Happened:
    """A sentence around a time: the page shows that in the reader's zone."""

    before: str
    at: datetime
    after: str


def happened(incident: IncidentView, now: datetime) -> Happened:
    """Say what happened, when, for how long, and how far it went."""
    if incident.level == "moment":
        return Happened(
            f"{incident.machine} had one of its oddest moments at",
            incident.opened,
            f", and raised nothing{_height(incident)}",
        )
    if incident.kind == "machine":
        before = f"{incident.machine} sounded anomalous from"
        if incident.state == "open":
            before = f"{incident.machine} has sounded anomalous since"
        return Happened(before, incident.opened, _lasted(incident, now) + _height(incident))
    whose = f"{incident.source} of {incident.machine}"
    reason = f": {incident.reason}" if incident.reason else ""
    if incident.kind == "drift":
        # It began before it was noticed: that is what the reason says.
        over = "" if incident.state == "open" else f"; that was over after {lasted(incident, now)}"
        before = f"As {whose} hears it, the machine was found to sound otherwise on"
        return Happened(before, incident.opened, f"{over}{reason}")
    what = "fit to be scored" if incident.kind == "microphone" else "heard"
    before = f"{whose} was not {what} from"
    if incident.state == "open":
        before = f"{whose} has not been {what} since"
    return Happened(before, incident.opened, f"{_lasted(incident, now)}{reason}")


def title_of(incident: IncidentView) -> str:
    """Name an incident in two or three words."""
    return {
        "machine": f"{LEVEL_WORDS[incident.level]}: {incident.machine}",
        "microphone": f"Microphone: {incident.source}",
        "source": f"No sound: {incident.source}",
        "drift": f"Drift: {incident.source}",
    }[incident.kind]


def lasted(incident: IncidentView, now: datetime) -> str:
    """Say how long it lasted, or has lasted."""
    return span_said(((incident.ended or now) - incident.opened).total_seconds())


def _lasted(incident: IncidentView, now: datetime) -> str:
    match incident.state:
        case "open":
            return f", for {lasted(incident, now)} by now"
        case "interrupted":
            return f" until the station stopped listening after {lasted(incident, now)}"
        case _:
            return f" for {lasted(incident, now)}"


def _height(incident: IncidentView) -> str:
    if incident.peak is None:
        return ""
    said = f". At its highest the score was {score_said(incident.peak)}"
    if incident.threshold is None:
        return said
    level = "watch" if incident.level == "moment" else incident.level
    return f"{said}; the {level} begins at {score_said(incident.threshold)}"
