"""What plant.toml names gets rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from made_up_heard import NOW, PLANT, Heard, bundles
from rattle.station.config.model import Plant
from rattle.station.store.database import Database
from rattle.station.store.leases import join
from rattle.station.store.register import Registered, name_of_past, register
from rattle.station.store.tables import MachineRow, MinuteRow, ReleaseRow, SourceRow
from rattle.station.store.writing import write_all

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


def of(*machines: tuple[str, str]) -> Plant:
    """A plant of machines, each with a source."""
    tables = [
        {"name": name, "bundle": "b.rattle", "sources": [{"name": source, "device": ""}]}
        for name, source in machines
    ]
    return Plant.model_validate({"plant": "hall", "machine": tables})


def test_what_a_machine_was_heard_by_stays_with_it_where_another_has_the_source_now(
    database: Database,
) -> None:
    before = registered(database, of(("saw", "mic"), ("fan", "cam")))
    heard = Heard(before)
    with database.writing() as session:
        write_all(session, [heard.minute(0), heard.incident(kind="source", subject="mic")])
    moved = registered(database, of(("lathe", "mic"), ("fan", "cam")))
    assert moved.sources["mic"] != before.sources["mic"]
    assert moved.sources["cam"] == before.sources["cam"]
    with database.reading() as session:
        left = session.get_one(SourceRow, before.sources["mic"])
        assert (left.name, left.machine_id) == ("mic (of saw)", before.machines["saw"])
        assert not left.listed
        of_lathe = SourceRow.machine_id == moved.machines["lathe"]
        heard_of_lathe = select(MinuteRow).join(SourceRow, SourceRow.id == MinuteRow.source_id)
        assert session.scalars(heard_of_lathe.where(of_lathe)).all() == []
    # And back: each finds its own again.
    assert registered(database, of(("saw", "mic"), ("fan", "cam"))).sources == before.sources
    assert registered(database, of(("lathe", "mic"), ("fan", "cam"))).sources == moved.sources


def test_two_machines_that_change_their_sources_begin_anew(database: Database) -> None:
    before = registered(database, of(("saw", "mic"), ("fan", "cam")))
    after = registered(database, of(("saw", "cam"), ("fan", "mic")))
    assert not set(before.sources.values()) & set(after.sources.values())
    assert registered(database, of(("saw", "mic"), ("fan", "cam"))) == before


def test_a_past_has_a_name_that_fits_and_that_no_other_has() -> None:
    names = {
        name_of_past(f"{'s' * 62}{source}", f"{'m' * 62}{machine}")
        for source in "ab"
        for machine in "cd"
    }
    assert len(names) == 4
    assert {len(name) for name in names} == {64}
    assert all("(" in name for name in names)


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
