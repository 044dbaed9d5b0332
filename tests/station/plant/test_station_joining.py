"""Machines join and leave one at a time: none is forgotten though two came at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.config.model import Machine, Plant
from rattle.station.plant.joining import Joining
from rattle.station.plant.roster import Roster
from rattle.station.store.database import Database, open_database
from rattle.station.store.tables import MachineRow

# How long the second request has to be faster than the first.
AHEAD_S = 0.5


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database("sqlite", tmp_path)) as database:
        yield database


def machine(name: str) -> Machine:
    source = {"name": f"{name} mic", "device": ""}
    return Machine.model_validate({"name": name, "bundle": "b", "sources": [source]})


def joining_of(database: Database, roster: Roster) -> Joining:
    shown: Any = SimpleNamespace(show_all=lambda *_: None)
    brought: Any = SimpleNamespace(add=lambda *_: None, remove=lambda *_: None)
    return Joining(database, roster, brought, shown, lambda: datetime.now(UTC))


@pytest.mark.parametrize("second", ["press joins", "saw leaves"])
def test_of_two_requests_at_the_same_moment_both_are_done(database: Database, second: str) -> None:
    roster = Roster(Plant(plant="hall", machine=(machine("fan"),)))
    joining = joining_of(database, roster)
    release: Any = None
    joining.join(machine("saw"), release, lambda _: None)
    if second == "press joins":
        other = Thread(target=joining.join, args=(machine("press"), release, lambda _: None))
    else:
        other = Thread(target=joining.leave, args=("saw", lambda _: None))

    def note(_: Session) -> None:
        other.start()
        other.join(AHEAD_S)

    joining.join(machine("lathe"), release, note)
    other.join()
    with database.reading() as session:
        listed = set(session.scalars(select(MachineRow.name).where(MachineRow.listed)))
    assert listed == {each.name for each in roster.machines}
    assert listed == {"fan", "lathe", *(["saw", "press"] if second == "press joins" else [])}
