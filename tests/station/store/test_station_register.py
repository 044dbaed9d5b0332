"""What plant.toml names gets rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from made_up_heard import NOW, PLANT, bundles
from rattle.station.config.model import Plant
from rattle.station.store.database import Database
from rattle.station.store.leases import join
from rattle.station.store.register import Registered, register
from rattle.station.store.tables import MachineRow, ReleaseRow, SourceRow

HOUR = timedelta(hours=1)


def without_pump() -> Plant:
    return PLANT.model_copy(update={"machine": PLANT.machine[:1]})


def registered(database: Database, plant: Plant = PLANT, identity: str = "one") -> Registered:
    with database.writing() as session:
        ids = register(session, plant, bundles(plant, identity), NOW)
        join(session, "one", "one", "", [*ids.sources.values()], NOW, NOW + HOUR)
        return ids


def test_machines_sources_and_releases_get_rows_in_the_order_of_the_file(
    database: Database,
) -> None:
    ids = registered(database)
    with database.reading() as session:
        machines = session.scalars(select(MachineRow).order_by(MachineRow.place)).all()
        assert [machine.name for machine in machines] == ["fan", "pump"]
        assert [machine.id for machine in machines] == list(ids.machines.values())
        assert [machine.live_release_id for machine in machines] == list(ids.releases.values())
        source = session.get_one(SourceRow, ids.sources["cam"])
        assert (source.kind, source.place, source.listed) == ("url", "rtsp://c", True)
        release = session.get_one(ReleaseRow, ids.releases["fan"])
        assert (release.identity, release.state, release.created) == ("one-fan", "live", NOW)


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    assert registered(database) == registered(database)
    with database.reading() as session:
        assert len(session.scalars(select(ReleaseRow)).all()) == 2


def test_what_left_the_file_is_unlisted_and_comes_back_with_its_past(database: Database) -> None:
    ids = registered(database)
    assert registered(database, without_pump()).machines == {"fan": ids.machines["fan"]}
    with database.reading() as session:
        assert not session.get_one(MachineRow, ids.machines["pump"]).listed
        assert not session.get_one(SourceRow, ids.sources["mic"]).listed
        assert session.get_one(MachineRow, ids.machines["fan"]).listed
    assert registered(database) == ids
    with database.reading() as session:
        assert session.get_one(SourceRow, ids.sources["mic"]).listed


def test_a_changed_bundle_is_a_new_release_and_the_old_one_can_return(database: Database) -> None:
    first = registered(database)
    second = registered(database, identity="two")
    assert second.machines == first.machines
    assert second.releases["fan"] != first.releases["fan"]
    with database.reading() as session:
        assert session.get_one(ReleaseRow, first.releases["fan"]).state == "retired"
        assert session.get_one(ReleaseRow, second.releases["fan"]).state == "live"
        # The other machine's releases are its own.
        states = [row.state for row in session.scalars(select(ReleaseRow))]
        assert sorted(states) == ["live", "live", "retired", "retired"]
    assert registered(database) == first
    with database.reading() as session:
        assert session.get_one(ReleaseRow, first.releases["fan"]).state == "live"
        assert session.get_one(ReleaseRow, second.releases["fan"]).state == "retired"


def test_a_release_names_the_one_that_it_was_adapted_from(database: Database) -> None:
    first = registered(database)
    adapted = {
        name: replace(facts, parent=facts.identity, identity=f"{facts.identity} adapted")
        for name, facts in bundles(PLANT, "one").items()
    }
    with database.writing() as session:
        second = register(session, PLANT, adapted, NOW)
    with database.reading() as session:
        assert session.get_one(ReleaseRow, first.releases["fan"]).parent_id is None
        # Another machine's release has the same identity, and is not its parent.
        parent = session.get_one(ReleaseRow, second.releases["fan"]).parent_id
        assert parent == first.releases["fan"]
