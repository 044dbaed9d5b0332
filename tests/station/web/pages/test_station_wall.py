"""The wall: the worst first, and nothing that shouts when all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rattle.station.board import MachineNow, SourceNow
from rattle.station.store.reading.wall import Heard
from rattle.station.web.pages.wall import Wall, spark, wall

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def machine(name: str, *, level: Any = None, **said: Any) -> MachineNow:
    usual: dict[str, Any] = {
        "state": "live",
        "operating": "running",
        "stage": "settled",
        "y": 0.5,
        "alarm": 1.0,
        "watch": 0.8,
    }
    source = SourceNow(f"{name}-S", "mic", name, "device", "USB", **{**usual, **said})
    return MachineNow(name, name, 1.0, "always", "R", (source,), level)


def shown(*machines: MachineNow) -> Wall:
    return wall(machines, {}, {}, NOW)


def test_the_worst_come_first_and_others_keep_the_order_of_the_file() -> None:
    view = shown(
        machine("b"),
        machine("a"),
        machine("idle", operating="idle"),
        machine("lost", state="lost"),
        machine("watch", level="watch"),
        machine("alarm", level="alarm"),
    )
    assert [tile.name for tile in view.tiles] == ["alarm", "watch", "lost", "b", "a", "idle"]
    assert view.counts == ["1 alarm", "1 watch", "1 lost", "2 running", "1 idle"]


@pytest.mark.parametrize(
    ("machines", "sentence"),
    [
        ([machine("a"), machine("b", operating="off")], "All that runs sounds healthy."),
        ([machine("a", operating="off")], "Nothing runs."),
        ([machine("a", stage="learning")], "Learning what healthy sounds like."),
        ([machine("a", level="alarm", y=1.1)], "Alarm: a sounds anomalous."),
        ([machine("a", level="alarm", y=0.2)], "Alarm: a sounded anomalous."),
        ([machine("a", level="alarm")] * 2, "2 machines sound anomalous."),
        ([machine("a", level="watch")], "a sounds a little odd."),
        ([machine("a", state="lost")], "a is not heard as it should be."),
        (
            [machine("a", state="lost"), machine("b", state="unfit")],
            "2 machines are not heard as they should be.",
        ),
    ],
)
def test_one_sentence_says_how_the_plant_is(machines: list[MachineNow], sentence: str) -> None:
    assert shown(*machines).sentence == sentence


@pytest.mark.parametrize(("count", "size"), [(6, "few"), (7, "some"), (25, "many"), (61, "crowd")])
def test_many_machines_have_smaller_tiles(count: int, size: str) -> None:
    assert shown(*[machine(str(number)) for number in range(count)]).size == size


def test_figures_are_those_of_the_source_that_is_nearest_to_its_alarm() -> None:
    one = machine("a", y=0.9, alarm=2.0).sources[0]
    other = machine("b", y=0.6, alarm=1.0).sources[0]
    (tile,) = shown(MachineNow("M", "m", 1.0, "always", "R", (one, other))).tiles
    assert (tile.source_id, tile.score, tile.alarm) == ("b-S", "0.60", "1.00")


def test_the_alarm_is_at_one_height_on_every_tile_and_a_missing_minute_is_a_gap() -> None:
    heard = [
        Heard(NOW - timedelta(minutes=minute), 0.5) for minute in range(30, 0, -1) if minute != 10
    ]
    drawn = [spark(machine("a", alarm=alarm).sources[0], heard, NOW) for alarm in (0.7, 2.0)]
    assert drawn[0].alarm == drawn[1].alarm
    assert len(drawn[0].lines) == 2


def test_a_machine_without_a_source_has_a_tile() -> None:
    (tile,) = shown(MachineNow("M", "m", 1.0, "always", "R")).tiles
    assert (tile.state.word, tile.score) == ("no source", "–")
