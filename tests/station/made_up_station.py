"""A made-up plant, without ears: a database with weeks of minutes, incidents, reviews, recordings.

Tests of the page and its API stand on it, and the screenshots of the docs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from made_up_enrolling import MadeUpEnrolling, add_enrolments
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from rattle.errors import BundleError
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.config.model import Machine, Push
from rattle.station.config.model import Plant as PlantFile
from rattle.station.events import Hub
from rattle.station.health import BrokerNow, ChannelNow, Health, Kept, Writing
from rattle.station.ids import new_id
from rattle.station.learn.material import Material
from rattle.station.records import NormalHeard
from rattle.station.store import kept_sound
from rattle.station.store.database import open_database
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    JobRow,
    MachineRow,
    MinuteRow,
    ReleaseRow,
    ReviewRow,
    SourceRow,
    StretchRow,
    ThresholdRow,
)
from rattle.station.web.context import Context

NOW = datetime(2026, 3, 20, 14, 30, 20, tzinfo=UTC)
RATE_HZ = 16_000
ENCODER, OTHER_ENCODER = "e" * 64, "f" * 64
DIMENSIONS = 16
PUSH_TOKEN = "a-token-that-only-the-pump-knows"  # noqa: S105
DATABASE_SECRET = "postgresql://rattle:hunter2hunter2@db.example/plant"  # noqa: S105
TELL_SECRETS = ("hook-token-of-the-shift", "m41lpassword", "br0kerpassword")
CAMERA_URL = "rtsp://camera:s3cretpassword@10.1.2.3/stream?key=abcdefgh"


@dataclass
class MadeUpInbox:
    """Takes pushed bytes until ``room`` is used up."""

    push: Push
    room: int = 10_000_000
    taken: bytearray = field(default_factory=bytearray)

    def offer(self, data: bytes) -> bool:
        if len(self.taken) + len(data) > self.room:
            return False
        self.taken += data
        return True


@dataclass
class MadeUpPlant:
    """Notes what the page asks of the running plant."""

    state: Health
    inboxes: dict[str, MadeUpInbox] = field(default_factory=dict)
    told: list[tuple[str, ...]] = field(default_factory=list)
    running: dict[str, bool] = field(default_factory=dict)
    promoted: list[tuple[str, str, str]] = field(default_factory=list)
    enrolling: MadeUpEnrolling = field(init=False)

    def enrolled(self) -> Sequence[Machine]:
        return []

    def promote(self, release_id: str, who: str, reason: str) -> None:
        self.promoted.append((release_id, who, reason))

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        self.told.append(tuple(incident_ids))

    def set_running(self, machine_id: str, running: bool) -> None:
        self.running[machine_id] = running

    def inbox(self, source_name: str) -> MadeUpInbox | None:
        return self.inboxes.get(source_name)

    def health(self) -> Health:
        return self.state


@dataclass
class MadeUpEncoders:
    """Gives workers one file, and notes what they bring."""

    file: Path
    node: str = "hall"
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    refusal: str = ""

    def material(self, job_id: str) -> Material:
        return Material((), ())

    def file_of(self, job_id: str, name: str) -> Path | None:
        return self.file if name == "base.rattle" else None

    def take(self, job_id: str, worker: str, upload: Path) -> bool:
        if self.refusal:
            raise BundleError(self.refusal)
        self.taken.append((job_id, worker, upload.read_bytes()))
        return True


@dataclass
class MadeUpStation:
    """The plant and the ids of what is in it.

    machines, sources: ids by name. incidents: ids by a word for each: "open alarm", "alarm",
    "watch", "fault", "false", "unsure", "microphone", "source", "old", "moment", "other moment".
    clips: hashes by that word. enrolments, jobs: ids by their states.
    """

    context: Context
    plant: MadeUpPlant
    machines: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    releases: dict[str, str] = field(default_factory=dict)
    incidents: dict[str, str] = field(default_factory=dict)
    clips: dict[str, str] = field(default_factory=dict)
    reviews: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    thresholds: dict[tuple[str, str], str] = field(default_factory=dict)
    enrolments: dict[str, str] = field(default_factory=dict)


def plant_file(folder: Path, **web: Any) -> PlantFile:
    """What ``plant.toml`` of the made-up plant says; ``web`` changes its table of that name."""
    return PlantFile.model_validate(
        {
            "plant": "hall-3",
            "data": folder,
            "database": DATABASE_SECRET,
            "web": {"bind": "127.0.0.1:8765", **web},
            "tell": [
                {"name": "shift", "url": f"https://hooks.example/{TELL_SECRETS[0]}"},
                {
                    "name": "maintenance",
                    "url": f"mailtos://rattle:{TELL_SECRETS[1]}@mail.example?to=ann@plant.example",
                    "quiet": "22:00-06:00",
                    "about": ["alarm", "ended"],
                },
            ],
            "mqtt": {"url": f"mqtt://rattle:{TELL_SECRETS[2]}@broker.example"},
            "machine": [
                {
                    "name": "press-3",
                    "bundle": folder / "press-3.rattle",
                    "running": "by level",
                    "sources": [
                        {"name": "press cam", "url": CAMERA_URL},
                        {"name": "press mic", "device": "USB"},
                    ],
                },
                {
                    "name": "pump 7",
                    "bundle": folder / "pump-7.rattle",
                    "running": "by tag",
                    "false_alarms_per_week": 0.5,
                    "sources": [
                        {
                            "name": "pump plc",
                            "push": {"sample_rate_hz": RATE_HZ, "token": PUSH_TOKEN},
                        }
                    ],
                },
                {
                    "name": "fan-1",
                    "bundle": folder / "fan-1.rattle",
                    "sources": [{"name": "fan mic", "folder": folder / "fan-recordings"}],
                },
            ],
        }
    )


def made_up_station(
    folder: Path, *, weeks: float = 1.0, now: datetime = NOW, url: str = "sqlite", **web: Any
) -> MadeUpStation:
    """Make the plant in that folder; the press has so many weeks of minutes.

    ``url`` is of its database, which is empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    station = _empty(folder, now, url, web)
    dice = np.random.default_rng(14)
    with station.context.database.writing() as session:
        _add_machines(session, station, now)
        _add_thresholds(session, station, now)
        _add_minutes(session, station, "press cam", now, round(weeks * 7 * 1440), dice)
        _add_minutes(session, station, "press mic", now, 300, dice)
        _add_minutes(session, station, "pump plc", now, 1500, dice)
        _add_minutes(session, station, "fan mic", now, 40, dice)
        _add_incidents(session, station, now, dice)
        _add_moments(session, station, now)
        _add_clips(session, station, folder, now, dice)
        _add_normal_sound(station, folder, now, dice)
        _add_reviews(session, station, now)
        station.enrolments = add_enrolments(session, now)
        offered = _offer_head(session, station, "refused", "fan-1")
        station.releases["offered"] = offered
        station.releases["encoder"] = _offer_encoder(session, station, "fan-1")
        _add_jobs(session, station)
        (folder / "base.rattle").write_bytes(b"a bundle")
    _fill_board(station, now)
    return station


COPIED = (
    "machines",
    "sources",
    "releases",
    "incidents",
    "clips",
    "reviews",
    "thresholds",
    "enrolments",
    "jobs",
)


def station_again(
    folder: Path, template: MadeUpStation, *, url: str = "sqlite", **web: Any
) -> MadeUpStation:
    """The station whose folder and database were copied, for a test that changes it."""
    now = template.context.now()
    station = _empty(folder, now, url, web)
    for name in COPIED:
        setattr(station, name, dict(getattr(template, name)))
    _fill_board(station, now)
    return station


def dispose(station: MadeUpStation) -> None:
    """Close the connections of the database."""
    station.context.database.close()


def sound(seconds: float, dice: np.random.Generator, *, knocks: bool) -> NDArray[np.float32]:
    """A hum in noise; with knocks, ten a second, in its second half."""
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hum = sum(0.05 / k * np.sin(2 * np.pi * 50 * k * at_s) for k in (1, 2, 3, 5))
    heard = hum + 0.01 * dice.standard_normal(len(at_s))
    if knocks:
        since_s = at_s % 0.1
        ring = 0.3 * np.exp(-since_s * 200) * np.sin(2 * np.pi * 3200 * since_s)
        heard += ring * (at_s > seconds / 2)
    return heard.astype(np.float32)


def _empty(folder: Path, now: datetime, url: str, web: dict[str, Any]) -> MadeUpStation:
    database = open_database(url, folder)
    file = plant_file(folder, **web)
    health = Health(
        started=now - timedelta(days=3, hours=4),
        writing=Writing(waiting=2, written=120_345, dropped_minutes=3, speech_clips=1),
        kept=Kept(
            ran=now - timedelta(minutes=20),
            clip_bytes=1_340_000_000,
            protected_bytes=120_000_000,
            clip_budget_bytes=file.keep.clips,
            embedding_bytes=4_200_000_000,
            normal_pieces=4_310,
            normal_bytes=861_000_000,
            normal_since=now - timedelta(days=30),
            database_bytes=81_000_000,
            free_bytes=220_000_000_000,
            victims=("clips/ab/abcd.flac",),
            removed=12,
        ),
        channels=(
            ChannelNow("shift", "webhook", sent=14, last_sent=now - timedelta(minutes=7)),
            ChannelNow(
                "maintenance",
                "mailtos",
                waiting=3,
                sent=5,
                expired=1,
                last_sent=now - timedelta(days=1, hours=5),
                error="Connection refused",
                failing_since=now - timedelta(hours=2),
            ),
        ),
        broker=BrokerNow(
            "mqtt://broker.example:1883",
            connected=True,
            since=now - timedelta(days=3),
            published=81_234,
            refused=2,
            refusal="whether pump 7 runs: expected true or false, found something else",
        ),
    )
    push = file.machine[1].sources[0].push
    assert push is not None
    plant = MadeUpPlant(health, {"pump plc": MadeUpInbox(push)})
    plant.enrolling = MadeUpEnrolling(database, file, now)
    encoders = MadeUpEncoders(folder / "base.rattle")
    context = Context(file, database, Board(), Hub(), plant, encoders, lambda: now)
    return MadeUpStation(context, plant)


def _add_machines(session: Session, station: MadeUpStation, now: datetime) -> None:
    begin = now - timedelta(days=40)
    for place, machine in enumerate(station.context.file.machine):
        id_ = new_id(begin)
        station.machines[machine.name] = id_
        release = new_id(begin + timedelta(minutes=1))
        station.releases[machine.name] = release
        session.add(
            MachineRow(
                id=id_,
                name=machine.name,
                budget_per_week=machine.false_alarms_per_week,
                running=machine.running,
                live_release_id=release,
                place=place,
                listed=True,
            )
        )
        session.flush()
        for source in machine.sources:
            station.sources[source.name] = new_id(begin)
            session.add(
                SourceRow(
                    id=station.sources[source.name],
                    machine_id=id_,
                    name=source.name,
                    kind=source.kind,
                    place=source.place,
                    listed=True,
                    node=None,
                    node_until=None,
                )
            )
        session.add(
            ReleaseRow(
                id=release,
                machine_id=id_,
                identity=hashlib.sha256(machine.name.encode()).hexdigest(),
                encoder=OTHER_ENCODER if machine.name == "fan-1" else ENCODER,
                path=f"releases/{release}.rattle",
                kind="given",
                parent_id=None,
                state="live",
                report={"method": "bce-mse", "clips": 60},
                created=begin,
            )
        )
        session.flush()


def offer_head(station: MadeUpStation, state: str = "candidate", machine: str = "press-3") -> str:
    """Offer a head that learnt from two of the plant's incidents; gives its id."""
    with station.context.database.writing() as session:
        return _offer_head(session, station, state, machine)


def _offer_head(session: Session, station: MadeUpStation, state: str, machine: str) -> str:
    fault, false, alarm = (station.incidents[each] for each in ("fault", "false", "alarm"))
    source = station.sources["press cam"]
    now = station.context.now()
    gone = {"source": source, "at": "2026-03-18T04:10:00+00:00", "peak": 1.62, "threshold": 1.31}
    gate = {
        "state": "refused" if state == "refused" else "passed",
        "reasons": ["the test's fault of 2026-03-19 09:12 UTC was found and would be missed"]
        if state == "refused"
        else [],
        "hours": 402.5,
        "auc": [0.91, 0.97],
        "difference": [0.004, 0.116],
        "old": {"expected": 0.7, "upper": 1.9, "alarms": 3, "alarms_a_week": 1.25},
        "new": {"expected": 0.7, "upper": 1.8, "alarms": 1, "alarms_a_week": 0.42},
        "incidents": [
            {
                "id": fault,
                "verdict": "anomaly",
                "fault": "belt slips",
                "test": True,
                "old": "watch",
                "new": "alarm",
            },
            {
                "id": false,
                "verdict": "normal",
                "fault": None,
                "test": False,
                "old": "alarm",
                "new": None,
            },
        ],
        "lost": {"count": 2, "listed": [{**gone, "incident": alarm}, {**gone, "incident": None}]},
        "gained": {"count": 0, "listed": []},
        "curve": [
            {
                "verdicts": verdicts,
                "found": found,
                "faults": 4,
                "silent": silent,
                "rejected": 3,
                "alarms": alarms,
            }
            for verdicts, found, silent, alarms in ((0, 2, 0, 3), (1, 2, 1, 3), (2, 3, 3, 1))
        ],
    }
    id_ = new_id(now)
    row = ReleaseRow(
        id=id_,
        machine_id=station.machines[machine],
        identity=hashlib.sha256(f"head of {machine}, {state}".encode()).hexdigest(),
        kind="head",
        encoder=ENCODER,
        path="releases/head.rattle",
        parent_id=station.releases[machine],
        state=state,
        report={"method": "bce-mse", "clips": 60},
        gate=gate,
        learnt={fault: "anomaly", false: "normal"},
        created=now,
    )
    session.add(row)
    return id_


def _offer_encoder(session: Session, station: MadeUpStation, machine: str) -> str:
    fault, false = station.incidents["fault"], station.incidents["false"]
    now = station.context.now()
    judged = {"expected": None, "upper": None, "alarms": 4, "alarms_a_week": 0.0}
    found = [(fault, "anomaly", True, "watch", "alarm"), (false, "normal", False, "alarm", None)]
    gate = {
        "state": "passed",
        "reasons": [],
        "judged": True,
        "hours": 52.3,
        "pieces": 314,
        "auc": [0.91, 0.99],
        "difference": [0.02, 0.14],
        "old": judged,
        "new": {**judged, "alarms": 1},
        "incidents": [
            {"id": of, "verdict": verdict, "fault": None, "test": is_test, "old": old, "new": new}
            for of, verdict, is_test, old, new in found
        ],
        "lost": {"count": 0, "listed": []},
        "gained": {"count": 0, "listed": []},
        "curve": [],
    }
    id_ = new_id(now)
    session.add(
        ReleaseRow(
            id=id_,
            machine_id=station.machines[machine],
            identity=hashlib.sha256(f"encoder of {machine}".encode()).hexdigest(),
            kind="encoder",
            encoder=OTHER_ENCODER,
            path="releases/encoder.rattle",
            parent_id=station.releases[machine],
            state="candidate",
            report={"method": "bce-mse", "clips": 60},
            gate=gate,
            learnt={fault: "anomaly", false: "normal"},
            created=now,
        )
    )
    return id_


def _add_jobs(session: Session, station: MadeUpStation) -> None:
    for state, machine in (("failed", "fan-1"), ("done", "fan-1"), ("running", "pump 7")):
        station.jobs[state] = add_job(session, station, state, machine)


def add_job(session: Session, station: MadeUpStation, state: str, machine: str) -> str:
    """Add a training in that state, of the worker "hall-2:4711"; gives its id."""
    now = station.context.now()
    said = {
        "running": "training on 3 faults, 2 false alarms and 40 pieces of kept sound",
        "failed": "synth_fan/id_00: the loss is no number any more",
        "done": "an encoder that learnt from 2 verdicts is offered",
    }.get(state, "")
    id_ = new_id(now)
    session.add(
        JobRow(
            id=id_,
            machine_id=station.machines[machine],
            base_id=station.releases[machine],
            node="hall",
            learnt={station.incidents["fault"]: "anomaly", station.incidents["false"]: "normal"},
            state=state,
            worker=None if state == "waiting" else "hall-2:4711",
            lease_until=now + timedelta(minutes=2) if state == "running" else None,
            tries=0 if state == "waiting" else 3 if state == "failed" else 1,
            progress={"running": 0.42, "done": 1.0}.get(state, 0.0),
            said=said,
            log=f"2026-03-20 14:00:00 try 1 of 3, by hall-2:4711\n2026-03-20 14:00:20 {said}\n",
            release_id=station.releases["encoder"] if state == "done" else None,
            created=now - timedelta(minutes=40 - len(station.jobs)),
            started=None if state == "waiting" else now - timedelta(minutes=30),
            ended=now - timedelta(minutes=3) if state in ("done", "failed") else None,
        )
    )
    session.flush()
    return id_


def _add_thresholds(session: Session, station: MadeUpStation, now: datetime) -> None:
    steps = (
        (20.0, 2.4, 120, "first threshold, 2 h of running heard"),
        (6.0, 1.6, 3000, "fitted anew: a quarter more was heard"),
        (0.5, 1.3, 9000, "reviewed"),
    )
    for source, machine in (("press cam", "press-3"), ("pump plc", "pump 7")):
        for days, value, minutes, reason in steps:
            for level, factor, expected in (("watch", 0.75, 4.9), ("alarm", 1.0, 0.7)):
                active_from = now - timedelta(days=days)
                id_ = new_id(active_from)
                station.thresholds[source, level] = id_
                session.add(
                    ThresholdRow(
                        id=id_,
                        source_id=station.sources[source],
                        release_id=station.releases[machine],
                        level=level,
                        value=value * factor,
                        expected=expected,
                        upper=3 * expected,
                        margin=0.1,
                        peaks=40,
                        weeks=minutes / 10_080,
                        minutes=minutes,
                        reason=reason,
                        active_from=active_from,
                    )
                )
    session.flush()


def _add_minutes(
    session: Session,
    station: MadeUpStation,
    source: str,
    now: datetime,
    count: int,
    dice: np.random.Generator,
) -> None:
    machine = next(
        each.name
        for each in station.context.file.machine
        if source in {one.name for one in each.sources}
    )
    newest = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    rows: list[dict[str, Any]] = []
    heard = 0
    for number in range(count):
        at = newest - timedelta(minutes=count - 1 - number)
        load = 0.5 + 0.2 * np.sin(2 * np.pi * at.hour / 24)
        runs = machine != "press-3" or 5 <= at.hour < 22
        fitness = "the sound is silent" if source == "press mic" and number > 250 else ""
        lost_s = 60.0 if source == "press cam" and 600 <= number < 615 else 0.0
        windows = 0 if lost_s else 60
        scores = load + 0.15 * dice.standard_normal(windows)
        if source == "press cam" and count - number <= 8:
            scores += 1.1
        if not runs or fitness:
            scores[:] = np.nan
        is_scored = windows > 0 and runs and not fitness
        highest = float(np.sort(scores)[-3]) if is_scored else None
        heard += is_scored
        rows.append(
            {
                "source_id": station.sources[source],
                "at": at,
                "release_id": station.releases[machine],
                "scores": scores.astype(np.float32),
                "highest": highest,
                "minutes": np.array([highest] if is_scored else []),
                "heard": heard,
                "level_db": None if lost_s else (-32.0 if runs else -61.0) + float(dice.normal()),
                "running_s": 60.0 if runs and not lost_s else 0.0,
                "lost_s": lost_s,
                "operating": "unknown" if lost_s else "running" if runs else "idle",
                "fitness": fitness,
            }
        )
    session.execute(insert(MinuteRow), rows)


def _explanation() -> dict[str, Any]:
    hz = np.geomspace(20, 8000, 120)
    middle = -50 - 8 * np.log10(hz / 20)
    bump = 14 * np.exp(-(np.log(hz / 3200) ** 2) / 0.02)
    return {
        "sentences": [
            "Pulses 10 times a second between 2.8 and 3.6 kHz, 14 dB above the healthy sound.",
            "Without this band the score would fall from 1.9 to 0.6.",
        ],
        "hz": hz.tolist(),
        "clip": (middle + bump).tolist(),
        "lowest": (middle - 3).tolist(),
        "middle": middle.tolist(),
        "highest": (middle + 3).tolist(),
        "marks": [{"number": 1, "low_hz": 2800.0, "high_hz": 3600.0}],
        "bars": [
            {"low_hz": 1000.0, "high_hz": 2000.0, "fall": 0.1},
            {"low_hz": 2000.0, "high_hz": 4000.0, "fall": 1.3},
        ],
    }


# word: (machine, source, kind, level, state, hours ago, minutes long, peak, reason)
INCIDENTS: dict[str, tuple[str, str, str, str, str, float, float, float | None, str]] = {
    "open alarm": ("press-3", "press cam", "machine", "alarm", "open", 0.13, 0, 1.9, ""),
    "alarm": ("press-3", "press cam", "machine", "alarm", "ended", 20, 14, 1.7, ""),
    "watch": ("pump 7", "pump plc", "machine", "watch", "ended", 9, 3, 1.1, ""),
    "fault": ("press-3", "press cam", "machine", "alarm", "ended", 50, 45, 2.6, ""),
    "false": ("press-3", "press cam", "machine", "alarm", "ended", 76, 4, 1.5, ""),
    "unsure": ("pump 7", "pump plc", "machine", "watch", "interrupted", 90, 6, 1.2, ""),
    "microphone": (
        "press-3",
        "press mic",
        "microphone",
        "alarm",
        "open",
        0.8,
        0,
        None,
        "the sound is silent: is the microphone connected?",
    ),
    "source": (
        "press-3",
        "press cam",
        "source",
        "alarm",
        "ended",
        158,
        15,
        None,
        "no sound for 60 s: the camera does not answer",
    ),
    "old": ("press-3", "press cam", "machine", "watch", "ended", 300, 5, 1.4, ""),
}


def _add_incidents(
    session: Session, station: MadeUpStation, now: datetime, dice: np.random.Generator
) -> None:
    for place, (word, facts) in enumerate(INCIDENTS.items()):
        machine, source, kind, level, state, hours, minutes, peak, reason = facts
        opened = now - timedelta(hours=hours)
        id_ = new_id(opened)
        station.incidents[word] = id_
        is_heard = kind == "machine"
        z = 0.1 * dice.standard_normal(DIMENSIONS) + (place % 2)
        session.add(
            IncidentRow(
                id=id_,
                machine_id=station.machines[machine],
                source_id=station.sources[source],
                subject=station.machines[machine] if is_heard else station.sources[source],
                kind=kind,
                level=level,
                state=state,
                opened=opened,
                ended=None if state == "open" else opened + timedelta(minutes=minutes),
                peak=peak,
                peak_at=opened + timedelta(minutes=1) if is_heard else None,
                peak_z=z.astype("<f2").tobytes() if is_heard else None,
                release_id=station.releases[machine] if is_heard else None,
                threshold_id=station.thresholds[source, level] if is_heard else None,
                reason=reason,
                recording_dropped=None,
                explanation=_explanation() if word in ("open alarm", "fault") else None,
                verdict=None,
                fault=None,
                comment=None,
            )
        )
        session.flush()
        if is_heard:
            session.add(
                StretchRow(
                    source_id=station.sources[source],
                    release_id=station.releases[machine],
                    level=level,
                    first=1000 + 100 * place,
                    incident_id=id_,
                    last=1003 + 100 * place,
                    peak=peak,
                    threshold=1.3,
                )
            )


MOMENTS = {"moment": (0.5, 0.9), "other moment": (0.3, 0.7)}  # hours ago, peak


def _add_moments(session: Session, station: MadeUpStation, now: datetime) -> None:
    """The fan is still being learnt, and raised nothing yet."""
    for place, (word, (hours, peak)) in enumerate(MOMENTS.items()):
        opened = now - timedelta(hours=hours)
        station.incidents[word] = new_id(opened)
        session.add(
            IncidentRow(
                id=station.incidents[word],
                machine_id=station.machines["fan-1"],
                source_id=station.sources["fan mic"],
                subject=station.machines["fan-1"],
                kind="machine",
                level="moment",
                state="ended",
                opened=opened,
                ended=opened,
                peak=peak,
                peak_at=opened,
                peak_z=np.full(DIMENSIONS, 3.0 * place, "<f2").tobytes(),
                release_id=station.releases["fan-1"],
                threshold_id=None,
                reason="",
                recording_dropped=None,
                explanation=None,
                verdict=None,
                fault=None,
                comment=None,
            )
        )
        session.flush()
        session.add(
            StretchRow(
                source_id=station.sources["fan mic"],
                release_id=station.releases["fan-1"],
                level="moment",
                first=10 + place,
                incident_id=station.incidents[word],
                last=10 + place,
                peak=peak,
                threshold=peak,
            )
        )


def _add_normal_sound(
    station: MadeUpStation, folder: Path, now: datetime, dice: np.random.Generator
) -> None:
    samples = sound(10.0, dice, knocks=False)
    for hours in (1, 3, 40):
        for source in ("press cam", "pump plc"):
            heard = NormalHeard(
                station.sources[source], now - timedelta(hours=hours), RATE_HZ, samples
            )
            kept_sound.keep(folder, heard)


def _add_clips(
    session: Session, station: MadeUpStation, folder: Path, now: datetime, dice: np.random.Generator
) -> None:
    heard = [word for word, facts in INCIDENTS.items() if facts[2] == "machine"]
    for word in [*heard, "moment", "other moment"]:
        is_moment = "moment" in word
        samples = sound(10.0 if is_moment else 30.0, dice, knocks=not is_moment)
        sha256 = hashlib.sha256(samples.tobytes()).hexdigest()
        path = f"clips/{sha256[:2]}/{sha256}.flac"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / path, samples, RATE_HZ, subtype="PCM_16")
        station.clips[word] = sha256
        source = "fan mic" if is_moment else INCIDENTS[word][1]
        opened = now - timedelta(hours=MOMENTS[word][0] if is_moment else INCIDENTS[word][5])
        session.add(
            ClipRow(
                sha256=sha256,
                source_id=station.sources[source],
                incident_id=station.incidents[word],
                path=path,
                start=opened - timedelta(seconds=5 if is_moment else 20),
                seconds=len(samples) / RATE_HZ,
                sample_rate_hz=RATE_HZ,
                bytes=(folder / path).stat().st_size,
                speech=0.0,
                use="moment" if is_moment else "incident",
                peak=MOMENTS[word][1] if is_moment else INCIDENTS[word][7],
                protected=word in ("fault", "false", "unsure"),
            )
        )


def _add_reviews(session: Session, station: MadeUpStation, now: datetime) -> None:
    said = {
        "fault": ("anomaly", "bearing", "Outer race, changed on Monday."),
        "false": ("normal", None, "A crane went by."),
        "unsure": ("unsure", None, None),
    }
    for word, (verdict, fault, comment) in said.items():
        at = now - timedelta(hours=INCIDENTS[word][5] - 3)
        id_ = new_id(at)
        station.reviews[word] = id_
        session.add(
            ReviewRow(
                id=id_,
                incident_id=station.incidents[word],
                at=at,
                who="ada",
                verdict=verdict,
                fault=fault,
                comment=comment,
                undoes=None,
            )
        )
        incident = session.get(IncidentRow, station.incidents[word])
        assert incident is not None
        incident.verdict, incident.fault, incident.comment = verdict, fault, comment
    session.flush()


def _fill_board(station: MadeUpStation, now: datetime) -> None:
    live: dict[str, dict[str, Any]] = {
        "press cam": {
            "state": "live",
            "operating": "running",
            "score": 1.62,
            "y": 1.55,
            "level_db": -31.8,
            "lag_s": 0.2,
            "dropped_s": 10.0,
            "connections": 2,
            "stage": "settled",
            "minutes": 20_400,
            "alarm": 1.3,
            "watch": 0.98,
            "expected": 0.7,
            "upper": 2.1,
        },
        "press mic": {
            "state": "unfit",
            "reason": "the sound is silent: is the microphone connected?",
            "operating": "unknown",
            "connections": 1,
            "stage": "provisional",
            "minutes": 251,
        },
        "pump plc": {
            "state": "live",
            "operating": "running",
            "score": 0.44,
            "y": 0.52,
            "level_db": -29.4,
            "stage": "provisional",
            "minutes": 1500,
            "alarm": 1.3,
            "watch": 0.98,
            "expected": 0.4,
            "upper": 1.6,
        },
        "fan mic": {
            "state": "live",
            "operating": "running",
            "score": 0.5,
            "y": 0.6,
            "level_db": -35.0,
            "stage": "learning",
            "minutes": 40,
        },
    }
    for machine in station.context.file.machine:
        sources = tuple(
            SourceNow(
                id=station.sources[source.name],
                name=source.name,
                machine_id=station.machines[machine.name],
                kind=source.kind,
                place=source.place,
                since=now - timedelta(hours=2),
                heard_at=now,
                **live[source.name],
            )
            for source in machine.sources
        )
        now_of = MachineNow(
            station.machines[machine.name],
            machine.name,
            machine.false_alarms_per_week,
            machine.running,
            station.releases[machine.name],
            sources,
        )
        if machine.name == "press-3":
            opened = station.incidents["open alarm"]
            now_of = replace(now_of, level="alarm", incident_id=opened)
        station.context.board.add(now_of)
