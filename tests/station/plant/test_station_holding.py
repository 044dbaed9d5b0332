"""A machine that a station holds is heard, whatever goes wrong while it begins to listen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from made_up_heard import NOW, Heard
from rattle.errors import StorageError
from rattle.station.config.model import Plant
from rattle.station.plant.holding import AT_ONCE, LEASE, Holding
from rattle.station.store.database import Database, open_database
from rattle.station.store.leases import join
from rattle.station.store.rows import SourcesLeft
from rattle.station.store.tables import SourceRow
from rattle.station.store.writing import write_all

MACHINES = 20


@dataclass
class Hearing:
    """A station of twenty machines that can be made to fail with its second group."""

    database: Database
    fails: bool = True
    heard: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        names = [f"fan {number}" for number in range(MACHINES)]
        of = [
            {"name": name, "bundle": "f", "sources": [{"name": f"{name} mic", "device": ""}]}
            for name in names
        ]
        plant = Plant.model_validate({"plant": "hall", "machine": of})
        ids = Heard.of(self.database, plant).registered
        sources = {ids.machines[name]: [ids.sources[f"{name} mic"]] for name in names}
        with self.database.writing() as session:
            join(session, "one", "one", "", [*ids.sources.values()], NOW, NOW + LEASE)
        self.holding = Holding(
            self.database,
            "one",
            sources,
            bring_in=self.bring_in,
            stop=self.heard.difference_update,
            tell=self.tell,
            gone=self.heard.discard,
            now=lambda: NOW,
        )

    def bring_in(self, machines: Sequence[str]) -> None:
        if self.heard and self.fails:
            raise StorageError("the database is away")
        self.heard |= {*machines}

    def tell(self, left: SourcesLeft) -> None:
        with self.database.writing() as session:
            write_all(session, [left])

    def nodes(self) -> dict[str | None, int]:
        """How many machines each station has in the database."""
        count = select(SourceRow.node, func.count()).group_by(SourceRow.node)
        with self.database.reading() as session:
            return dict(session.execute(count).all())  # type: ignore[arg-type]


@pytest.fixture
def hearing(postgresql: Any, tmp_path: Path) -> Iterator[Hearing]:
    with closing(open_database(postgresql.empty(), tmp_path)) as database:
        yield Hearing(database)


def test_where_a_group_cannot_be_brought_in_it_and_those_after_it_are_free(
    hearing: Hearing,
) -> None:
    with pytest.raises(StorageError, match="is away"):
        hearing.holding.look()
    assert hearing.holding.machines == hearing.heard
    assert len(hearing.heard) == AT_ONCE
    assert hearing.nodes() == {"one": AT_ONCE, None: MACHINES - AT_ONCE}


def test_what_could_not_be_brought_in_is_taken_again_at_the_next_look(hearing: Hearing) -> None:
    with pytest.raises(StorageError):
        hearing.holding.look()
    hearing.fails = False
    hearing.holding.look()
    assert hearing.holding.machines == hearing.heard
    assert len(hearing.heard) == MACHINES
    assert hearing.nodes() == {"one": MACHINES}
