"""Say what is published of a plant: JSON with ``v: 1``, retained, so that who comes later knows.

rattle/PLANT/status            online or offline; the broker says offline where we vanish
rattle/PLANT/STATION/status    in its place, where stations share a database
rattle/PLANT/MACHINE/state     whether it runs, how far it is learnt, its open incident
rattle/PLANT/MACHINE/score     how odd it sounds, and its thresholds
rattle/PLANT/MACHINE/health    whether it is heard, by each of its sources
rattle/PLANT/MACHINE/model     what judges it
rattle/PLANT/MACHINE/incident  its newest incident
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rattle.station.board import MachineNow
from rattle.station.store.reading.views import IncidentView

ROOT = "rattle"


def status_topic(plant: str, station: str = "") -> str:
    """Where it is said whether a station is there; ``station`` is "" where there is but one."""
    return "/".join([ROOT, plant, *([quote(station, safe=":")] if station else []), "status"])


def topic(plant: str, name: str, what: str) -> str:
    """Where something is said of a machine or source."""
    return f"{ROOT}/{plant}/{name}/{what}"


# What is said of a machine, by the last part of the topic.
OF_MACHINE = ("state", "score", "health", "model", "incident")


def payload(**facts: Any) -> str:
    """Write facts as JSON."""
    return json.dumps({"v": 1, **facts})


def status(online: bool) -> str:
    """Say whether the station is there."""
    return payload(status="online" if online else "offline")


def states_of(machine: MachineNow, identity: str) -> Mapping[str, Mapping[str, Any]]:
    """Say how a machine is, by the last part of the topic.

    ``identity`` is that of the bundle that judges it. Who hears it with several sources is told of
    the highest score.
    """
    heard = [source for source in machine.sources if source.y is not None]
    odd = max(heard, key=lambda source: source.y or 0.0, default=None)
    return {
        "state": {
            "operating": machine.operating,
            "stage": machine.stage,
            "level": machine.level or "none",
            "incident": machine.incident_id,
        },
        "score": {
            "score": None if odd is None else odd.y,
            "alarm": None if odd is None else odd.alarm,
            "watch": None if odd is None else odd.watch,
            "source": None if odd is None else odd.name,
        },
        "health": {
            "heard": any(source.state == "live" for source in machine.sources),
            "sources": [
                {"name": source.name, "state": source.state, "reason": source.reason}
                for source in machine.sources
            ],
        },
        "model": {
            "release": machine.release_id,
            "identity": identity,
            "false_alarms_per_week": machine.budget_per_week,
        },
    }


def facts_of(incident: IncidentView, address: str) -> Mapping[str, Any]:
    """Say what is known of an incident; its id stays the same."""
    return {
        "id": incident.id,
        "machine": incident.machine,
        "source": incident.source,
        "level": incident.level,
        "state": incident.state,
        "opened": incident.opened.isoformat(),
        "ended": None if incident.ended is None else incident.ended.isoformat(),
        "peak": incident.peak,
        "threshold": incident.threshold,
        "verdict": incident.verdict,
        "fault": incident.fault,
        "link": f"{address}/incidents/{incident.id}",
    }
