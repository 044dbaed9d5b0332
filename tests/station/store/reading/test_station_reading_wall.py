"""What the wall reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from made_up_station import MadeUpStation
from sqlalchemy import event

from rattle.station.store.reading.wall import highest_since


def test_the_minutes_of_the_last_hour_come_by_source_in_time_order(
    station: MadeUpStation,
) -> None:
    now = station.context.now()
    asked = [station.sources["press cam"], station.sources["pump plc"]]
    with station.context.database.reading() as session:
        heard = highest_since(session, now - timedelta(hours=1), asked)
    assert set(heard) == set(asked)
    for minutes in heard.values():
        times = [each.at for each in minutes]
        assert times == sorted(times)
        assert now - timedelta(hours=1) <= times[0]
        assert 58 <= len(times) <= 60


@pytest.mark.parametrize("station", ["sqlite"], indirect=True)
def test_years_of_minutes_are_not_read_for_it(station: MadeUpStation) -> None:
    asked: list[tuple[str, Any]] = []
    with station.context.database.reading() as session:
        engine = session.get_bind()

        def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
            if "FROM minute" in statement:
                asked.append((statement, values))

        event.listen(engine, "before_cursor_execute", note)
        highest_since(session, station.context.now(), list(station.sources.values()))
        event.remove(engine, "before_cursor_execute", note)
        ((statement, values),) = asked
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        steps = [row[-1] for row in plan]
    assert any(step.startswith("SEARCH minute") for step in steps), steps
    assert not any(step.startswith("SCAN minute") for step in steps), steps
