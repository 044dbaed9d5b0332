"""What could be heard of a machine is tried on its own sound, once a day, where that is healthy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plant_kit import Given, plant_file, remember_minutes, rows, started, waited_for

from rattle.station.plant.rehearsing import CLIP_S, CLIPS, Rehearsals
from rattle.station.plant.station import Plant
from rattle.station.store.tables import ReleaseRow

RATE_HZ = 16_000
ENOUGH_S = CLIPS * CLIP_S


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def hearing(tmp_path: Path, exported_file: Path) -> Iterator[tuple[Plant, Given]]:
    """A plant whose thresholds are far above whatever comes."""
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, 1e6)
    source = Given()
    plant = started(file, source)
    yield plant, source
    plant.stop()


def rehearsals_of(plant: Plant, now: Clock) -> Rehearsals:
    scorer = next(iter(plant._ears.releases.values())).scorer
    return Rehearsals(plant.database, plant.board, plant._ears.ears, lambda _: scorer, now)


def report_of(plant: Plant) -> dict[str, Any]:
    (release,) = rows(plant, ReleaseRow)
    return dict(release.report)


def hear(plant: Plant, source: Given, seconds: float, level: float = 0.1) -> None:
    """Hear some noise, and wait until all of it was heard."""
    sound = np.random.default_rng(0).normal(0, level, round(seconds * RATE_HZ))
    ends = source.put(sound, datetime.now(UTC) - timedelta(seconds=seconds))
    (ear,) = plant._ears.ears.values()
    waited_for(lambda: ear._reached is not None and ear._reached >= ends.timestamp() - 0.1)


def test_a_machine_is_rehearsed_once_a_day_and_its_page_can_show_it(
    hearing: tuple[Plant, Given],
) -> None:
    plant, source = hearing
    clock = Clock()
    rehearsals = rehearsals_of(plant, clock)
    hear(plant, source, ENOUGH_S + 1)
    rehearsals.do_next()
    found = report_of(plant)["rehearsal"]
    assert set(found) == {"at", "sentences", "levels_db", "found"}
    assert all(len(shares) == len(found["levels_db"]) for shares in found["found"].values())
    # The threshold is above everything.
    assert {share for shares in found["found"].values() for share in shares} == {0.0}
    assert "fewer than half are found" in found["sentences"][0]
    assert "Real faults may be louder" in found["sentences"][-1]
    first = found["at"]
    clock.at += timedelta(hours=23)
    rehearsals.do_next()
    assert report_of(plant)["rehearsal"]["at"] == first
    # Nor after a restart, which knows when it was.
    rehearsals_of(plant, clock).do_next()
    assert report_of(plant)["rehearsal"]["at"] == first
    clock.at += timedelta(hours=2)
    rehearsals.do_next()
    assert report_of(plant)["rehearsal"]["at"] > first


def test_what_is_known_of_a_release_outlives_a_restart(hearing: tuple[Plant, Given]) -> None:
    plant, source = hearing
    hear(plant, source, ENOUGH_S + 1)
    rehearsals_of(plant, Clock()).do_next()
    before = report_of(plant)
    plant.stop()
    again = started(plant.file, Given())
    after = report_of(again)
    again.stop()
    assert after == before


@pytest.mark.parametrize(("seconds", "level"), [(ENOUGH_S - 2, 0.1), (ENOUGH_S + 40, 0.0)])
def test_sound_that_is_too_short_or_not_fit_is_not_rehearsed_with(
    seconds: float, level: float, hearing: tuple[Plant, Given]
) -> None:
    plant, source = hearing
    hear(plant, source, seconds, level)
    rehearsals_of(plant, Clock()).do_next()
    assert "rehearsal" not in report_of(plant)
