"""One incident a machine, whichever of its sources hear it; it ends with the last stretch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread

import numpy as np

from rattle.scoring.budget.ledger import Level
from rattle.station.board import Board, MachineNow
from rattle.station.events import Hub
from rattle.station.judge.incidents import MOST_CLIPS, MachineIncidents, Noted, Passed
from rattle.station.records import IncidentChanged

BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ORDER: tuple[Level, ...] = ("watch", "alarm")


@dataclass
class Machine:
    restored: IncidentChanged | None = None
    told: list[IncidentChanged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board, self.hub = Board(), Hub()
        self.board.add(MachineNow("fan", "fan", 1.0, "always", "r1"))
        self.incidents = MachineIncidents(
            "fan",
            tell=self.told.append,  # type: ignore[arg-type]
            board=self.board,
            hub=self.hub,
            restored=self.restored,
        )

    def passed(self, level: Level, y: float, minute: float = 0, source: str = "mic") -> Noted:
        at = BEGAN + timedelta(minutes=minute)
        threshold = f"threshold of {level}"
        passed = Passed(source, level, at, y, np.full(2, y, np.float32), "r1", threshold)
        return self.incidents.passed(passed, ORDER[: ORDER.index(level) + 1])

    def calm(self, level: Level, minute: float, source: str = "mic") -> None:
        self.incidents.calm(source, level, BEGAN + timedelta(minutes=minute))


def test_an_incident_opens_with_the_first_window_above_and_is_on_the_board() -> None:
    machine = Machine()
    events = machine.hub.subscribe(lambda: None)
    noted = machine.passed("watch", 0.4)
    assert noted.is_clip_due
    [told] = machine.told
    assert (told.id, told.state, told.level, told.kind) == (
        noted.incident_id,
        "open",
        "watch",
        "machine",
    )
    assert (told.peak, told.peak_at, told.subject) == (0.4, BEGAN, "fan")
    now = machine.board.machine("fan")
    assert now is not None
    assert (now.level, now.incident_id) == ("watch", noted.incident_id)
    assert [(event.kind, event.data["level"]) for event in events.take()] == [("machine", "watch")]


def test_a_second_source_joins_the_open_incident_and_it_ends_with_the_last_of_them() -> None:
    machine = Machine()
    first = machine.passed("watch", 0.4, 0)
    second = machine.passed("watch", 0.3, 1, source="camera")
    assert second == Noted(first.incident_id, is_clip_due=False)
    machine.calm("watch", 12)
    assert machine.told[-1].state == "open"
    machine.calm("watch", 14, source="camera")
    assert (machine.told[-1].state, machine.told[-1].ended) == (
        "ended",
        BEGAN + timedelta(minutes=14),
    )
    now = machine.board.machine("fan")
    assert now is not None
    assert (now.level, now.incident_id) == (None, None)


def test_its_level_is_the_highest_that_was_reached_with_the_threshold_of_that() -> None:
    machine = Machine()
    machine.passed("watch", 0.4)
    assert machine.passed("alarm", 0.6, 1).is_clip_due
    machine.calm("alarm", 12)
    machine.calm("watch", 15)
    assert [told.level for told in machine.told] == ["watch", "alarm", "alarm"]
    assert machine.told[-1].threshold_id == "threshold of alarm"
    assert machine.told[-1].state == "ended"


def test_its_peak_follows_the_highest_y_and_is_told_once_a_minute() -> None:
    machine = Machine()
    machine.passed("alarm", 0.6)
    for second in range(1, 30):
        machine.passed("alarm", 0.6 + second / 100, second / 60)
    machine.passed("alarm", 0.2, 1)
    assert len(machine.told) == 1
    machine.incidents.minute()
    machine.incidents.minute()
    assert len(machine.told) == 2
    told = machine.told[-1]
    assert told.peak == 0.6 + 29 / 100
    assert told.peak_at == BEGAN + timedelta(seconds=29)
    assert told.peak_z is not None
    assert told.peak_z.dtype == np.float16
    assert told.peak_z[0] == np.float16(0.89)


def test_recordings_are_due_at_new_peaks_ten_minutes_apart_and_four_times_in_all() -> None:
    machine = Machine()
    due = [machine.passed("watch", 0.4 + minute / 100, minute).is_clip_due for minute in range(60)]
    assert [minute for minute, is_due in enumerate(due) if is_due] == [0, 10, 20, 30]
    assert sum(due) == MOST_CLIPS
    machine.calm("watch", 70)
    assert machine.passed("watch", 0.4, 80).is_clip_due


def test_one_that_was_open_when_the_station_ended_goes_on() -> None:
    before = Machine()
    before.passed("alarm", 0.6)
    after = Machine(restored=before.told[-1])
    assert after.incidents.goes_on("mic", ["watch", "alarm"]) == before.told[-1].id
    after.incidents.settle(BEGAN + timedelta(minutes=2))
    assert after.told == []
    after.passed("alarm", 0.7, 3)
    after.calm("alarm", 20)
    after.calm("watch", 20)
    assert [(told.id, told.state, told.peak) for told in after.told] == [
        (before.told[-1].id, "ended", 0.7)
    ]


def test_one_that_no_source_goes_on_with_ends_as_interrupted() -> None:
    before = Machine()
    before.passed("alarm", 0.6)
    after = Machine(restored=before.told[-1])
    now = after.board.machine("fan")
    assert now is not None
    assert now.level == "alarm"
    after.incidents.settle(BEGAN + timedelta(minutes=2))
    assert [told.state for told in after.told] == ["interrupted"]
    now = after.board.machine("fan")
    assert now is not None
    assert now.level is None


def test_sources_in_threads_of_their_own_make_one_incident() -> None:
    machine = Machine()

    def hear(source: str) -> None:
        for number in range(200):
            machine.passed("watch", 0.4, number / 60, source=source)
        machine.calm("watch", 20, source=source)

    machine.passed("watch", 0.3, 0, source="first")
    threads = [Thread(target=hear, args=(f"mic {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    machine.calm("watch", 20, source="first")
    assert len({told.id for told in machine.told}) == 1
    assert [told.state for told in machine.told].count("ended") == 1
