"""The demo's last day is heard anew: the sound that its minutes are of, hour by hour."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event

import numpy as np
import pytest
from sqlalchemy import select

from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.config.model import Plant
from rattle.station.demo.history import write_history
from rattle.station.demo.kit import history_of, unpack
from rattle.station.demo.machines import MACHINES
from rattle.station.demo.past import hear_past
from rattle.station.demo.run import demo_plant
from rattle.station.learn.replay import Voice, hop_seconds, replay
from rattle.station.store import embedding_files
from rattle.station.store.database import open_database
from rattle.station.store.tables import SourceRow

# Not on the hour: the hour that goes on is left to what is heard live.
BEGINS = datetime(2026, 11, 2, 12, 20, tzinfo=UTC)
LAST_WHOLE = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """A demo that begins, of whose past an hour is to be heard."""
    folder = tmp_path_factory.mktemp("demo")
    for machine in MACHINES:
        unpack(machine.name, folder / "bundles" / f"{machine.name}.rattle")
    plant = demo_plant(folder, 0)
    write_history(plant, BEGINS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rattle.station.demo.past.HOURS", 1)
        hear_past(plant, Event())
    return plant


def sources(plant: Plant) -> dict[str, str]:
    with closing(open_database("sqlite", plant.data)) as database, database.reading() as session:
        return {row.name: row.id for row in session.scalars(select(SourceRow))}


def test_what_is_stored_scores_as_the_minutes_that_were_heard(plant: Plant) -> None:
    until = BEGINS - timedelta(minutes=1)
    for machine in (plant.machine[0], plant.machine[3]):
        scorer = Scorer.load(machine.bundle)
        stored = embedding_files.read(
            plant.data, sources(plant)[machine.sources[0].name], until - timedelta(hours=9), until
        )
        (past,) = replay(stored, [Voice.of(scorer)], hop_seconds(scorer), AlarmRule())
        assert 57 <= len(past.minutes) <= 60
        first, last = (datetime.fromtimestamp(at, UTC) for at in past.ends[[0, -1]])
        assert timedelta(hours=1) > LAST_WHOLE - first > timedelta(minutes=57)
        assert LAST_WHOLE - last < timedelta(minutes=2)
        # The last minutes before that of the kit, of windows that lie a little otherwise.
        history = history_of(machine.name)
        since_end = np.rint((until.timestamp() - past.ends) / 60).astype(int)
        heard = history[len(history) - 1 - since_end]
        ranks = [np.argsort(np.argsort(values)) for values in (past.minutes, heard)]
        assert np.corrcoef(*ranks)[0, 1] > 0.6


def test_machines_that_were_heard_for_hours_have_no_day(plant: Plant) -> None:
    stored = {path.parent.parent.name for path in embedding_files.files(plant.data)}
    names = [plant.machine[place].sources[0].name for place in (0, 3)]
    assert stored == {sources(plant)[name] for name in names}


def test_hours_that_are_there_are_not_heard_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in embedding_files.files(plant.data)}
    monkeypatch.setattr("rattle.station.demo.past.HOURS", 1)
    hear_past(plant, Event())
    assert {path: path.read_bytes() for path in embedding_files.files(plant.data)} == before
    gone = sorted(before)[-1]
    gone.unlink()
    ended = Event()
    ended.set()
    hear_past(plant, ended)
    assert not gone.exists()
    hear_past(plant, Event())
    assert gone.read_bytes() == before[gone]
