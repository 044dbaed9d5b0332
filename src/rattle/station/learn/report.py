"""Write what a gate shows as JSON, for the release's row and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rattle.station.learn.candidate import Point
from rattle.station.learn.gate import Alarm, Gate, Heard, a_week
from rattle.station.learn.incidents import Stood
from rattle.station.learn.replay import utc

# Alarms that are listed; of more the count stands.
MOST_LISTED = 50


def gate_report(gate: Gate, stood: Sequence[Stood], points: Sequence[Point]) -> dict[str, Any]:
    """Give all that the page of a release shows."""
    return {
        "state": gate.state,
        "reasons": list(gate.reasons),
        "judged": gate.old.is_judged and gate.new.is_judged,
        "hours": round(gate.minutes / 60, 1),
        "pieces": gate.pieces,
        "auc": None if gate.auc is None else [round(value, 4) for value in gate.auc],
        "difference": (
            None if gate.difference is None else [round(value, 4) for value in gate.difference]
        ),
        "old": _head(gate.old, gate.minutes),
        "new": _head(gate.new, gate.minutes),
        "incidents": [
            {
                "id": each.id,
                "verdict": each.verdict,
                "fault": each.fault,
                "test": each.is_test,
                "old": gate.old.incidents[each.id].found,
                "new": gate.new.incidents[each.id].found,
            }
            for each in stood
            if each.id in gate.old.incidents and each.id in gate.new.incidents
        ],
        "lost": _alarms(gate.lost, stood),
        "gained": _alarms(gate.gained, stood),
        "curve": [asdict(point) for point in points],
    }


def _head(heard: Heard, minutes: int) -> dict[str, Any]:
    return {
        "expected": None if heard.expected is None else round(heard.expected, 2),
        "upper": None if heard.upper is None else round(heard.upper, 2),
        "alarms": len(heard.alarms),
        "alarms_a_week": round(a_week(len(heard.alarms), minutes), 2),
    }


def _alarms(alarms: Sequence[Alarm], stood: Sequence[Stood]) -> dict[str, Any]:
    """The highest first, each with the incident that it is of, where there was one."""
    highest = sorted(alarms, key=lambda alarm: alarm.threshold - alarm.peak)[:MOST_LISTED]
    return {"count": len(alarms), "listed": [_alarm(alarm, stood) for alarm in highest]}


def _alarm(alarm: Alarm, stood: Sequence[Stood]) -> dict[str, Any]:
    at = utc(alarm.at)
    own = (each for each in stood if each.source_id == alarm.source_id)
    incident = next((each.id for each in own if each.opened <= at <= each.ended), None)
    return {
        "source": alarm.source_id,
        "at": at.isoformat(timespec="seconds"),
        "peak": alarm.peak,
        "threshold": alarm.threshold,
        "incident": incident,
    }
