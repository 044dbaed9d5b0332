"""Let the demo begin as if it had listened before: an alarm needs two hours at the least.

Two of its machines were heard for a week, the other two for three hours.

The minutes were computed beforehand, by the same ear, of the same synthetic machines
(``benchmarks/week.py``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import insert, select

from rattle.scoring.budget.minutes import MINUTE_S
from rattle.station.config.model import Plant
from rattle.station.demo.kit import history_of
from rattle.station.plant.beginning import enter, take
from rattle.station.plant.releases import take_into_use
from rattle.station.store.database import Database, open_database
from rattle.station.store.tables import MinuteRow

MINUTE = timedelta(seconds=MINUTE_S)


def write_history(plant: Plant, now: datetime) -> None:
    """Write each machine's minutes up to ``now``; nothing where the plant has heard any before.

    Then people may have chosen other releases meanwhile: the bundles are not taken into use again.
    """
    database = open_database(plant.database.get_secret_value(), plant.data)
    try:
        with database.reading() as session:
            if session.scalar(select(MinuteRow.at).limit(1)) is not None:
                return
        _write(database, plant, plant.data, now)
    finally:
        database.close()


def _write(database: Database, plant: Plant, data: Path, now: datetime) -> None:
    releases = {
        machine.name: take_into_use(machine.bundle, data / "releases") for machine in plant.machine
    }
    until = now.replace(second=0, microsecond=0) - MINUTE
    with database.writing() as session:
        enter(session, plant, now)
        ids = take(session, plant, plant.machine, releases, now).ids
        for machine in plant.machine:
            (source,) = machine.sources
            source_id = ids.sources[source.name]
            history = history_of(machine.name)
            session.execute(
                insert(MinuteRow),
                [
                    {
                        "source_id": source_id,
                        "at": until - (len(history) - heard) * MINUTE,
                        "release_id": ids.releases[machine.name],
                        "scores": np.empty(0, np.float32),
                        "highest": float(highest),
                        "minutes": np.array([highest]),
                        "heard": heard,
                        "level_db": None,
                        "running_s": MINUTE_S,
                        "lost_s": 0.0,
                        "operating": "running",
                        "fitness": "",
                    }
                    for heard, highest in enumerate(history, start=1)
                ],
            )
