"""What is recalled of some machines is theirs, however many others go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from made_up_heard import NOW, Heard
from rattle.station.config.model import Plant
from rattle.station.plant.beginning import Taken, recall
from rattle.station.store.database import Database, open_database
from rattle.station.store.history import interrupt
from rattle.station.store.writing import write

MACHINES = [f"fan {number}" for number in range(12)]
PLANT = Plant.model_validate(
    {
        "plant": "hall",
        "machine": [
            {"name": name, "bundle": "f", "sources": [{"name": f"{name} mic", "device": ""}]}
            for name in MACHINES
        ],
    }
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database("sqlite", tmp_path)) as opened:
        yield opened


def test_of_a_group_of_machines_its_own_incidents_are_read_and_no_others(
    database: Database,
) -> None:
    heard = Heard.of(database, PLANT)
    ids = heard.registered
    first, *others = PLANT.machine
    taken = Taken(ids, {})
    statements: list[int] = []
    engine = database.engine
    event.listen(engine, "before_cursor_execute", lambda *_: statements.append(1))

    def begun(*names: str) -> int:
        """With so many more incidents: how many statements it takes to recall the first machine."""
        for name in names:
            machine, source = ids.machines[name], ids.sources[f"{name} mic"]
            incident = heard.incident(machine_id=machine, source_id=source, subject=machine)
            with database.writing() as session:
                write(session, incident)
        statements.clear()
        going = recall(database, [first], taken, NOW).going
        assert [each.incident.subject for each in going] == [ids.machines[first.name]]
        with database.writing() as session:
            assert interrupt(session, NOW, [ids.sources[f"{first.name} mic"]]) == []
        return len(statements)

    assert begun(first.name) == begun(*(machine.name for machine in others))
