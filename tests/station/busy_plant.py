"""Fill the made-up plant up: many machines in every state, long names, a full queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from made_up_station import MadeUpStation
from sqlalchemy import insert
from sqlalchemy.orm import Session

from rattle.station.board import MachineNow, SourceNow
from rattle.station.ids import new_id
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MachineRow,
    MinuteRow,
    ReleaseRow,
    SourceRow,
    ThresholdRow,
)

LONG = "Spindle drive of the five-axis machining centre by the door"
NAMES = (
    "compressor-1",
    "compressor-2",
    "conveyor north",
    "conveyor south",
    "extruder A",
    "extruder B",
    "gearbox-12",
    "lathe-4",
    LONG,
    "mill-2",
    "oven fan",
    "packer-9",
    "pump 1",
    "pump 2",
    "pump 3",
    "robot-5",
    "saw-1",
    "vacuum pump",
)
ODD: dict[str, dict[str, Any]] = {
    "conveyor south": {"state": "lost", "reason": "no sound for 60 s: the camera does not answer"},
    "extruder B": {"operating": "idle"},
    "lathe-4": {"operating": "off"},
    "mill-2": {"stage": "learning", "minutes": 71, "alarm": None, "watch": None},
    "oven fan": {"state": "connecting"},
    "saw-1": {"operating": "idle"},
}


def fill_up(station: MadeUpStation, names: tuple[str, ...] = NAMES, incidents: int = 40) -> None:
    """Add machines of these names, and so many incidents that nobody has reviewed."""
    dice = np.random.default_rng(7)
    with station.context.database.writing() as session:
        for place, name in enumerate(names):
            _add_machine(session, station, name, place, dice)
        for number in range(incidents):
            _add_incident(session, station, names[number % len(names)], 0.4 + 2.9 * number, number)
    _raise_watch(station, LONG if LONG in names else names[0])


def _raise_watch(station: MadeUpStation, name: str) -> None:
    with station.context.database.writing() as session:
        incident_id = _add_incident(session, station, name, 4 / 60, 0, state="open")
    board = station.context.board
    board.set_machine(station.machines[name], level="watch", incident_id=incident_id)
    board.set_source(station.sources[name], y=1.1, score=1.14)


def _add_machine(
    session: Session,
    station: MadeUpStation,
    name: str,
    place: int,
    dice: np.random.Generator,
) -> None:
    now = station.context.now()
    machine, source, release = (new_id(now - timedelta(days=9)) for _ in range(3))
    station.machines[name], station.sources[name], station.releases[name] = machine, source, release
    row = MachineRow(
        id=machine,
        name=name,
        budget_per_week=1.0,
        running="always",
        live_release_id=release,
        place=10 + place,
        listed=True,
    )
    session.add(row)
    session.flush()
    listened = SourceRow(
        id=source,
        machine_id=machine,
        name=f"{name} mic",
        kind="device",
        place="USB",
        listed=True,
        node=None,
        node_until=None,
    )
    bundle = ReleaseRow(
        id=release,
        machine_id=machine,
        identity=f"{place:064x}",
        encoder="e" * 64,
        path=f"releases/{release}.rattle",
        parent_id=None,
        state="live",
        report={"alike": {"within": 1.0}},
        created=now - timedelta(days=9),
    )
    session.add_all([listened, bundle])
    session.flush()
    odd = ODD.get(name, {})
    says = {
        "state": "live",
        "operating": "running",
        "score": 0.5,
        "y": 0.45 + 0.02 * place,
        "level_db": -30.0 - place,
        "stage": "settled",
        "minutes": 14_000,
        "alarm": 1.3,
        "watch": 0.98,
        "expected": 0.7,
        "upper": 1.9,
        **odd,
    }
    if says["operating"] != "running" or says["state"] != "live":
        says |= {"y": None, "score": None}
    _add_thresholds(session, station, name)
    _add_hour(session, station, name, dice, is_scored=says["y"] is not None)
    heard = SourceNow(
        source, f"{name} mic", machine, "device", "USB", since=now - timedelta(minutes=23), **says
    )
    station.context.board.add(MachineNow(machine, name, 1.0, "always", release, (heard,)))


def _add_thresholds(session: Session, station: MadeUpStation, name: str) -> None:
    active_from = station.context.now() - timedelta(days=2)
    for level, value, expected in (("watch", 0.98, 4.9), ("alarm", 1.3, 0.7)):
        id_ = station.thresholds[f"{name} mic", level] = new_id(active_from)
        row = ThresholdRow(
            id=id_,
            source_id=station.sources[name],
            release_id=station.releases[name],
            level=level,
            value=value,
            expected=expected,
            upper=2.7 * expected,
            margin=0.12,
            peaks=31,
            weeks=1.4,
            minutes=14_000,
            reason="fitted anew at 03:00: a quarter more was heard",
            active_from=active_from,
        )
        session.add(row)
    session.flush()


def _add_hour(
    session: Session,
    station: MadeUpStation,
    name: str,
    dice: np.random.Generator,
    *,
    is_scored: bool,
) -> None:
    newest = station.context.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    rows = []
    for number in range(60):
        scores = 0.5 + 0.12 * dice.standard_normal(60)
        if name == LONG and number > 54:
            scores += 0.6
        keeps = is_scored or number < 37
        highest = float(np.sort(scores)[-3]) if keeps else None
        rows.append(
            {
                "source_id": station.sources[name],
                "at": newest - timedelta(minutes=59 - number),
                "release_id": station.releases[name],
                "scores": (scores if keeps else np.full(60, np.nan)).astype(np.float32),
                "highest": highest,
                "minutes": np.array([highest] if keeps else []),
                "heard": 14_000 + number,
                "level_db": -33.0,
                "running_s": 60.0 if keeps else 0.0,
                "lost_s": 0.0,
                "operating": "running" if keeps else "idle",
                "fitness": "",
            }
        )
    session.execute(insert(MinuteRow), rows)


def _heard_at_peak(name: str, number: int) -> bytes:
    """Most incidents of a machine sound alike; one in four has a sound of its own."""
    place = 3 * NAMES.index(name) if name in NAMES else 0
    z = 0.05 * np.random.default_rng(number).standard_normal(16) + place + 5 * (number % 4 == 3)
    return z.astype("<f2").tobytes()


def _add_incident(
    session: Session,
    station: MadeUpStation,
    name: str,
    hours: float,
    number: int,
    *,
    state: str = "ended",
) -> str:
    opened = station.context.now() - timedelta(hours=hours)
    level = "watch" if number % 3 or state == "open" else "alarm"
    incident_id = new_id(opened)
    row = IncidentRow(
        id=incident_id,
        machine_id=station.machines[name],
        source_id=station.sources[name],
        subject=station.machines[name],
        kind="machine",
        level=level,
        state=state,
        opened=opened,
        ended=None if state == "open" else opened + timedelta(minutes=2 + number % 9),
        peak=1.0 + 0.05 * (number % 12),
        peak_at=opened + timedelta(seconds=40),
        peak_z=_heard_at_peak(name, number),
        release_id=station.releases[name],
        threshold_id=station.thresholds[f"{name} mic", level],
        reason="",
        explanation=None,
        verdict=None,
        fault=None,
        comment=None,
    )
    session.add(row)
    session.flush()
    sha256 = station.clips["watch"]
    clip = ClipRow(
        sha256=sha256,
        source_id=station.sources[name],
        incident_id=incident_id,
        path=f"clips/{sha256[:2]}/{sha256}.flac",
        start=opened - timedelta(seconds=20),
        seconds=30.0,
        sample_rate_hz=16_000,
        bytes=400_000,
        speech=0.0,
        use="incident",
        peak=1.1,
        protected=False,
    )
    session.add(clip)
    return incident_id
