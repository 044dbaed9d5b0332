"""A plant of two machines in a database, and records of what is heard there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from rattle.station.config.model import Plant
from rattle.station.ids import new_id
from rattle.station.records import (
    ClipHeard,
    Embeddings,
    IncidentChanged,
    MinuteHeard,
    NormalHeard,
    StretchChanged,
    ThresholdFitted,
)
from rattle.station.store.database import Database
from rattle.station.store.register import BundleFacts, Registered, register

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLANT = Plant.model_validate(
    {
        "plant": "hall",
        "machine": [
            {"name": "fan", "bundle": "f.rattle", "sources": [{"name": "cam", "url": "rtsp://c"}]},
            {"name": "pump", "bundle": "p.rattle", "sources": [{"name": "mic", "device": ""}]},
        ],
    }
)


def bundles(plant: Plant, identity: str = "one") -> dict[str, BundleFacts]:
    """Facts of made-up bundles, one a machine."""
    return {
        machine.name: BundleFacts(
            f"{identity}-{machine.name}", "encoder", f"releases/{identity}-{machine.name}.rattle"
        )
        for machine in plant.machine
    }


@dataclass
class Heard:
    """Makes records of the first machine, unless told otherwise."""

    registered: Registered

    @classmethod
    def of(cls, database: Database, plant: Plant = PLANT) -> Heard:
        with database.writing() as session:
            return cls(register(session, plant, bundles(plant), NOW))

    def __post_init__(self) -> None:
        self.machine_id, self.other_machine_id = list(self.registered.machines.values())[:2]
        self.source_id, self.other_source_id = list(self.registered.sources.values())[:2]
        self.release_id = next(iter(self.registered.releases.values()))
        self._numbers = count()

    def new_id(self) -> str:
        """An id that is later than those before."""
        return new_id(NOW + timedelta(milliseconds=next(self._numbers)))

    def minute(self, place: int = 0, **changes: Any) -> MinuteHeard:
        """The minute of that number after noon, with one M."""
        minute = MinuteHeard(
            source_id=self.source_id,
            release_id=self.release_id,
            at=NOW + place * MINUTE,
            scores=np.linspace(0, 1, 60, dtype=np.float32) + place,
            highest=1.5 + place,
            minutes=(1.0 + place,),
            heard=place + 1,
            level_db=-30.0,
            running_s=60.0,
            lost_s=0.0,
            operating="running",
            fitness="",
        )
        return replace(minute, **changes)

    def incident(self, **changes: Any) -> IncidentChanged:
        """An open watch of the machine."""
        incident = IncidentChanged(
            id=changes.pop("id", None) or self.new_id(),
            machine_id=self.machine_id,
            source_id=self.source_id,
            subject=self.machine_id,
            kind="machine",
            level="watch",
            state="open",
            opened=NOW,
            ended=None,
            peak=2.0,
            peak_at=NOW,
            peak_z=np.arange(4, dtype=np.float16),
            release_id=self.release_id,
            threshold_id=None,
            reason="",
        )
        return replace(incident, **changes)

    def stretch(self, incident: IncidentChanged, **changes: Any) -> StretchChanged:
        """A stretch of one minute."""
        stretch = StretchChanged(
            incident.id, self.source_id, self.release_id, "watch", 3, 3, 2.0, 1.5
        )
        return replace(stretch, **changes)

    def threshold(self, **changes: Any) -> ThresholdFitted:
        """An alarm's threshold."""
        threshold = ThresholdFitted(
            id=changes.pop("id", None) or self.new_id(),
            source_id=self.source_id,
            release_id=self.release_id,
            level="alarm",
            value=1.5,
            expected=0.7,
            upper=2.0,
            margin=0.3,
            peaks=12,
            weeks=0.5,
            minutes=120,
            reason="first threshold, 2 h of running heard",
            active_from=NOW,
        )
        return replace(threshold, **changes)

    def clip(self, incident: IncidentChanged | None = None, **changes: Any) -> ClipHeard:
        """A second of noise of an incident, the same at each call; ``seed`` makes another."""
        rng = np.random.default_rng(changes.pop("seed", 0))
        seconds = changes.pop("seconds", 1.0)
        samples = rng.normal(0, 0.1, (round(16_000 * seconds), 1)).astype(np.float32)
        clip = ClipHeard(
            source_id=self.source_id,
            incident_id=None if incident is None else incident.id,
            use="moment" if incident is None else "incident",
            start=NOW,
            sample_rate_hz=16_000,
            samples=samples,
            peak=2.0,
        )
        return replace(clip, **changes)

    def normal(self, place: int = 0, seconds: float = 1.0) -> NormalHeard:
        """A second of normal sound of that minute."""
        rng = np.random.default_rng(place)
        samples = rng.normal(0, 0.1, (round(16_000 * seconds), 1)).astype(np.float32)
        return NormalHeard(self.source_id, NOW + place * MINUTE, 16_000, samples)

    def embeddings(self, place: int = 0, windows: int = 60) -> Embeddings:
        """A minute's embeddings of 8 numbers."""
        first = (NOW + place * MINUTE).timestamp()
        rng = np.random.default_rng(place)
        z = rng.normal(size=(windows, 8)).astype(np.float16)
        return Embeddings(self.source_id, "encoder", first + 1.0 + np.arange(windows), z)
