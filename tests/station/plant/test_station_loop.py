"""The whole loop on a synthetic machine: fault, incident, verdict, head, gate, choice, next fault.

A machine of the demo, heard faster than real time by a real station, judged through its API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from plant_kit import waited_for
from sqlalchemy import func, select

from rattle.listening.source import Block
from rattle.station.config.model import Plant as PlantFile
from rattle.station.demo.kit import unpack
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import RATE_HZ, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store.tables import IncidentRow, MinuteRow, ReleaseRow, ReviewRow
from rattle.station.web.app import build_app
from rattle.station.web.context import Context

VALVE = next(machine for machine in MACHINES if machine.type == "synth_valve")
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
SITE = "http://127.0.0.1:8765"
BLOCK_S = 10
# Two hours are learnt from before anything is an alarm; an incident ends after ten calm minutes.
HEALTHY_S, EVERY_S, FAULT_S = 9_000, 720, 60
# What people there know to be harmless, and what they call a fault.
HARMLESS, REAL = "stuck", "leak"
FIRST, NEXT = (REAL, HARMLESS) * 3, (REAL, HARMLESS)
FAULTS = [
    Fault(kind, 1.0, begins, begins + FAULT_S)
    for number, kind in enumerate((*FIRST, *NEXT))
    for begins in [HEALTHY_S + 60 + number * EVERY_S]
]
REVIEWED_S = HEALTHY_S + len(FIRST) * EVERY_S
END_S = REVIEWED_S + len(NEXT) * EVERY_S


@dataclass
class Tape:
    """A source that gives the machine's sound up to ``until_s``, dated, as fast as it is taken."""

    name: str = "tape"
    until_s: float = 0.0
    heard_s: float = 0.0
    live: bool = False
    sound: MachineSound = field(default_factory=lambda: MachineSound(VALVE.specimen, SEED, FAULTS))
    closed: Event = field(default_factory=Event)

    def connect(self) -> Tape:
        return self

    def close(self) -> None:
        self.closed.set()

    def blocks(self) -> Iterator[Block]:
        while not self.closed.is_set():
            if self.heard_s >= self.until_s:
                self.closed.wait(0.05)
                continue
            samples = self.sound.between(self.heard_s, self.heard_s + BLOCK_S)
            self.heard_s += BLOCK_S
            yield Block(samples[:, None], RATE_HZ, at=self.now())

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.heard_s)


@dataclass
class Station:
    """A station that hears the tape, and someone at its page."""

    plant: Plant
    tape: Tape
    client: TestClient

    def hear(self, until_s: float) -> None:
        """Hear the tape up to then, and write it but for its last minutes."""
        self.tape.until_s = until_s
        last = BEGIN + timedelta(seconds=until_s - 400)
        newest = select(func.max(MinuteRow.at))
        waited_for(lambda: (at := self.all_of(newest)[0]) is not None and at >= last, within_s=900)

    def all_of(self, query: Any) -> list[Any]:
        with self.plant.database.reading() as session:
            return list(session.scalars(query))

    def api(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def text(self, path: str) -> str:
        """What a page says, without its marks."""
        page = self.client.get(path).text
        return " ".join(re.sub(r"<[^>]+>", " ", page).split())

    def raised(self, fault: Fault) -> list[IncidentRow]:
        """The watches and alarms in whose time there was a fault."""
        begins, ends = (BEGIN + timedelta(seconds=at) for at in (fault.start_s, fault.end_s + 20))
        query = select(IncidentRow).where(IncidentRow.level.in_(["watch", "alarm"]))
        return [row for row in self.all_of(query) if begins <= row.opened <= ends]


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    # Ids are drawn: which incident would be the test's is chance. Here none is.
    monkeypatch.setattr("rattle.station.learn.incidents.TEST_SHARE", 10**12)
    bundle = tmp_path / "valve.rattle"
    unpack(VALVE.name, bundle)
    source = {"name": "tape", "url": "synthetic://"}
    machine = {"name": VALVE.name, "bundle": bundle, "sources": [source]}
    file = PlantFile.model_validate(
        {"plant": "hall", "data": tmp_path / "data", "machine": [machine]}
    )
    tape = Tape()
    plant = Plant(file, opens=lambda *_: tape, now=tape.now)
    plant.start()
    context = Context(file, plant.database, plant.board, plant.hub, plant, plant.encoders, tape.now)
    with TestClient(
        build_app(context),
        base_url=SITE,
        client=("127.0.0.1", 50_000),
        headers={"origin": SITE},
    ) as client:
        yield Station(plant, tape, client)
    plant.stop()


def review(station: Station) -> dict[str, str]:
    """Say of everything what it was; gives the verdicts by incident."""
    said = {}
    kinds = {row.id: fault.kind for fault in FAULTS for row in station.raised(fault)}
    for row in station.all_of(select(IncidentRow).where(IncidentRow.kind == "machine")):
        is_fault = kinds.get(row.id) == REAL
        verdict = {"verdict": "anomaly", "fault": REAL} if is_fault else {"verdict": "normal"}
        answer = station.client.post("/api/v1/reviews", json={"incidents": [row.id], **verdict})
        assert answer.status_code in (200, 201), answer.text
        said[row.id] = verdict["verdict"]
    return said


def offered(station: Station, learnt: dict[str, str]) -> ReleaseRow | None:
    query = select(ReleaseRow).where(ReleaseRow.state.in_(["candidate", "refused"]))
    return next((row for row in station.all_of(query) if row.gate and row.learnt == learnt), None)


def test_after_verdicts_the_next_fault_is_found_and_what_was_rejected_is_silent(
    station: Station,
) -> None:
    station.hear(REVIEWED_S)
    for fault in FAULTS[: len(FIRST)]:
        assert station.raised(fault), fault
    said = review(station)
    release = waited_for(lambda: offered(station, said), within_s=300)
    the_gate_shows_what_changes(station, release)
    answer = station.client.post(f"/api/v1/releases/{release.id}/promote", json={"reason": "ok"})
    assert answer.status_code in (200, 202), answer.text
    waited_for(lambda: station.plant.board.machines()[0].release_id == release.id)

    station.hear(END_S)
    found, silent = FAULTS[len(FIRST) :]
    (incident,) = station.raised(found)
    assert incident.release_id == release.id
    # Of what people rejected three times nobody is told any more; at most it waits in the queue.
    assert [row.level for row in station.raised(silent) if row.level == "alarm"] == []
    figures_agree(station, said)


def the_gate_shows_what_changes(station: Station, release: ReleaseRow) -> None:
    """Of what was reviewed the new head finds as many faults, and less of the rejected kind."""
    gate = release.gate
    assert gate["state"] == "not shown"  # three hours are stored, of 24 needed
    by_id = {each["id"]: each for each in gate["incidents"]}
    kinds = {row.id: fault.kind for fault in FAULTS for row in station.raised(fault)}
    heard = {
        (kind, head): sum(by_id[id_][head] is not None for id_ in kinds if kinds[id_] == kind)
        for kind in (REAL, HARMLESS)
        for head in ("old", "new")
    }
    assert heard[REAL, "new"] >= heard[REAL, "old"] > 0
    assert heard[HARMLESS, "new"] < heard[HARMLESS, "old"]
    page = station.text(f"/releases/{release.id}")
    for name in ("old", "new"):
        assert f"{gate[name]['expected']:.1f}, at most {gate[name]['upper']:.1f}" in page
    for words, name in (("would be gone", "lost"), ("would be new", "gained")):
        assert f"Alarms that {words}: {gate[name]['count']}" in page
    faults = [each for each in gate["incidents"] if each["verdict"] == "anomaly"]
    count = sum(each["new"] is not None for each in faults)
    assert f"{count} of {len(faults)}" in page


def figures_agree(station: Station, said: dict[str, str]) -> None:
    """What pages and API say of the machine is what the database holds."""
    stored = station.all_of(select(IncidentRow).where(IncidentRow.level.in_(["watch", "alarm"])))
    told = {each["id"]: each for each in station.api("incidents?limit=100")["incidents"]}
    assert {row.id for row in stored} == told.keys()
    for row in stored:
        assert told[row.id]["verdict"] == row.verdict == said.get(row.id)
        assert told[row.id]["peak"] == pytest.approx(row.peak)
    assert len(station.all_of(select(ReviewRow))) == len(said)
    releases = station.all_of(select(ReleaseRow))
    (live,) = [row for row in releases if row.state == "live"]
    (machine,) = station.api("machines")["machines"]
    assert machine["release_id"] == live.id
    faults = sum(verdict == "anomaly" for verdict in said.values())
    page = station.text(f"/machines/{VALVE.name}")
    assert f"{faults} faults and {len(said) - faults} false alarms" in page
    waiting = sum(row.verdict is None for row in stored)
    assert f"Review {waiting}" in page
