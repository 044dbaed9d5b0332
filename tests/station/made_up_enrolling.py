"""Made-up machines that are being enrolled: what pages show of each state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.recipe.parts import Audio
from rattle.station.config.model import Machine
from rattle.station.enrol.checks import checked
from rattle.station.enrol.now import Encoder, EnrolmentNow
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.recording import Heard
from rattle.station.enrol.wanted import Wanted, check
from rattle.station.ids import new_id
from rattle.station.store.database import Database
from rattle.station.store.enrolments import Enrolment, begin, change, enrolment, enrolments

ENCODER = "e" * 64
FOUND = {
    "hiss": [0.0, 0.0, 0.17, 0.67, 1.0, 1.0, 1.0],
    "tone": [0.0, 0.17, 0.5, 1.0, 1.0, 1.0, 1.0],
    "knock": [0.0, 0.0, 0.0, 0.33, 0.67, 1.0, 1.0],
}
REPORT: dict[str, Any] = {
    "clips": 110,
    "minutes": 20.2,
    "starts": 3,
    "levels_db": [[-24.0, 1210.0]],
    "threshold": 0.41,
    "scored": 110,
    "healthy": 0.0,
    "rehearsal": {
        "at": "2026-03-20T14:02:00+00:00",
        "sentences": [
            "hiss: half are found from -16 dB on, quieter than the machine by a factor of 6.3.",
            "tone: half are found from -20 dB on, quieter than the machine by a factor of 10.",
            "knock: half are found from -12 dB on, quieter than the machine by a factor of 4.",
        ],
        "levels_db": [-30.0, -25.0, -20.0, -15.0, -10.0, -5.0, 0.0],
        "found": FOUND,
    },
    "limits": ["Without a fault 0 of 6 healthy clips are above the threshold."],
}


@dataclass
class MadeUpEnrolling:
    """Enrols nothing, and notes what it is asked for."""

    database: Database
    file: Any
    now: datetime
    asked: list[tuple[str, ...]] = field(default_factory=list)
    has_encoder: bool = True

    def encoders(self) -> Sequence[Encoder]:
        if not self.has_encoder:
            return []
        bundles = (Path("press-3.rattle"),)
        return [Encoder(ENCODER, ("press-3", "pump 7"), bundles, Audio(), 10.0)]

    def machines(self) -> Sequence[Machine]:
        return []

    def every(self) -> Sequence[EnrolmentNow]:
        with self.database.reading() as session:
            return [self._now(row) for row in enrolments(session)]

    def one(self, id_: str) -> EnrolmentNow | None:
        with self.database.reading() as session:
            row = enrolment(session, id_)
        return None if row is None or row.state == "discarded" else self._now(row)

    def begin(self, wanted: Wanted, who: str) -> str:
        encoders = {each.id: each for each in self.encoders()}
        if wanted.encoder and wanted.encoder not in encoders:
            raise DataError("no machine of this plant has that encoder; choose another one")
        machine = check(self.file, wanted.table, Path("press-3.rattle"), 0)
        row = row_of(machine.name, "recording", self.now, who, wanted)
        with self.database.writing() as session:
            begin(session, row, [source.name for source in machine.sources])
        self.asked.append(("begin", row.name, who))
        return row.id

    def record(self, id_: str, who: str) -> None:
        self._change(id_, "recording", who)

    def fit(self, id_: str, who: str) -> None:
        self._change(id_, "fitting", who)

    def accept(self, id_: str, who: str) -> None:
        self._change(id_, "accepted", who)

    def discard(self, id_: str, who: str) -> None:
        self._change(id_, "discarded", who)

    def _change(self, id_: str, state: Any, who: str) -> None:
        self.asked.append((state, id_, who))
        among: Any = ("recording", "ready", "fitting", "offered", "failed", "accepted")
        with self.database.writing() as session:
            change(session, id_, state, among)

    def _now(self, row: Enrolment) -> EnrolmentNow:
        if row.state == "accepted":
            return EnrolmentNow(row, True)
        pieces = made_up_pieces(row.created)
        table = {**row.config, "bundle": "/x.rattle"}
        try:
            machine = Machine.model_validate(table)
        except ValueError:
            return EnrolmentNow(row, True)
        heard = Heard("live", "", row.created, -23.7) if row.state == "recording" else None
        progress = "Hearing the recordings: 41 of 110." if row.state == "fitting" else ""
        looks = checked(machine, pieces, row.wanted_s, 8.0)
        return EnrolmentNow(row, True, heard, pieces, looks, progress)


def row_of(
    name: str, state: Any, at: datetime, who: str = "ann", wanted: Wanted | None = None
) -> Enrolment:
    """A row as the store has it."""
    table = {
        "name": name,
        "false_alarms_per_week": 1.0,
        "running": "by level",
        "sources": [{"name": f"{name} cam", "url": "env:NEW_CAMERA"}],
    }
    wanted = wanted or Wanted(table, ENCODER, 1200.0, at_once=False)
    return Enrolment(
        id=new_id(at),
        node="hall:/data",
        name=name,
        state=state,
        config=wanted.table,
        encoder=ENCODER,
        wanted_s=wanted.wanted_s,
        at_once=wanted.at_once,
        created=at,
        who=who,
    )


def add_enrolments(session: Session, now: datetime) -> dict[str, str]:
    """One of each state that a page shows by itself; gives ids by state."""
    ids = {}
    names = {
        "recording": "mixer-2",
        "offered": "mill-5",
        "failed": "crane-1",
        "accepted": "grinder-4",
    }
    for hours, (state, name) in enumerate(names.items(), start=1):
        row = row_of(name, "recording", now - timedelta(hours=hours))
        begin(session, row, [f"{name} cam"])
        given: dict[str, Any] = {"state": state}
        if state in ("offered", "accepted"):
            bundle = f"releases/{name}.rattle"
            given |= {"report": REPORT, "config": {**row.config, "bundle": bundle}}
        if state == "failed":
            given["reason"] = "3 of 4 recordings are fit to be learnt from, and 10 are needed"
        change(session, row.id, given.pop("state"), ["recording"], **given)
        ids[state] = row.id
    return ids


def made_up_pieces(begin_: datetime) -> list[Piece]:
    """Twelve minutes of a machine that rests and runs, beside a cable that hums."""
    dice = np.random.default_rng(4)
    pieces = []
    for number in range(72):
        runs = number % 24 >= 6
        levels = dice.normal(-24 if runs else -58, 0.7, 10).round(2)
        pieces.append(
            Piece(
                at=begin_ + timedelta(seconds=10 * number),
                seconds=10.0,
                levels_db=tuple(levels.tolist()),
                peak_db=-9.4 if runs else -41.0,
                clipped=0.0,
                fault="",
                mains_hz=50,
                hum_db=-6.1,
                speech_s=0.0,
                top_khz=8.0,
                file=f"{number}.flac",
            )
        )
    pieces[30] = replace(pieces[30], speech_s=3.2, file="")
    return pieces
