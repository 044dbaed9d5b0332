"""A source's minutes as a line over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from made_up_station import MadeUpStation
from sqlalchemy import select

from rattle.scoring.budget.rule import AlarmRule
from rattle.station.store.reading.minutes import thresholds, timeline
from rattle.station.store.tables import MinuteRow


def minutes_of(station: MadeUpStation, source: str) -> list[MinuteRow]:
    with station.context.database.reading() as session:
        query = select(MinuteRow).where(MinuteRow.source_id == station.sources[source])
        return list(session.scalars(query.order_by(MinuteRow.at)))


def test_days_are_read_by_minutes_and_each_stretch_has_its_highest_and_lowest(
    station: MadeUpStation,
) -> None:
    now = station.context.now()
    begin = now - timedelta(days=2)
    with station.context.database.reading() as session:
        line = timeline(session, station.sources["press cam"], begin, now, points=100)
    assert line.step_s % 60 == 0
    assert len(line.at) <= 102
    expected: dict[int, list[float]] = {}
    for row in minutes_of(station, "press cam"):
        if begin <= row.at < now and row.highest is not None:
            place = int((row.at.timestamp() - line.at[0]) // line.step_s)
            expected.setdefault(place, []).append(row.highest)
    for place in range(len(line.at)):
        said = expected.get(place)
        if said is None:
            assert np.isnan(line.highest[place])
        else:
            assert line.highest[place] == max(said)
            assert line.lowest[place] == min(said)


def test_shares_and_states_are_of_the_stretch(station: MadeUpStation) -> None:
    now = station.context.now()
    with station.context.database.reading() as session:
        cam = timeline(
            session, station.sources["press cam"], now - timedelta(days=1), now, points=24
        )
    assert cam.step_s == 3600
    hours = [datetime.fromtimestamp(at, UTC).hour for at in cam.at]
    night = [place for place, hour in enumerate(hours) if hour in (0, 1, 2, 3)]
    day = [place for place, hour in enumerate(hours) if hour in (8, 9, 10)]
    assert {cam.operating[place] for place in night} == {"idle"}
    assert {cam.operating[place] for place in day} == {"running"}
    assert all(cam.running[place] == 0 for place in night)
    assert all(cam.running[place] == 1 for place in day)


def test_lost_sound_and_unfit_sound_show(station: MadeUpStation) -> None:
    now = station.context.now()
    with station.context.database.reading() as session:
        cam = timeline(session, station.sources["press cam"], now - timedelta(days=8), now)
        mic = timeline(session, station.sources["press mic"], now - timedelta(hours=6), now)
    assert np.nansum(cam.lost) * cam.step_s == pytest.approx(15 * 60)
    assert "the sound is silent" in mic.fitness
    before_anything = np.isnan(cam.running)
    assert before_anything.any()
    assert np.isnan(cam.highest[before_anything]).all()


def test_below_two_hours_the_line_is_y_of_every_window(station: MadeUpStation) -> None:
    now = station.context.now()
    begin = now - timedelta(minutes=10)
    with station.context.database.reading() as session:
        line = timeline(session, station.sources["pump plc"], begin, now, points=600)
    assert line.step_s == 1
    rows = [row for row in minutes_of(station, "pump plc") if row.at >= begin - timedelta(hours=1)]
    ys = AlarmRule().statistic(np.concatenate([row.scores for row in rows]).astype(float))
    ats = np.concatenate([row.at.timestamp() + np.arange(60.0) for row in rows])
    expected = dict(zip(ats.tolist(), ys.tolist(), strict=True))
    heard = np.isfinite(line.highest)
    assert heard.sum() > 560
    for at, y in zip(line.at[heard].tolist(), line.highest[heard].tolist(), strict=True):
        assert y == expected[at]


def test_windows_that_were_not_scored_leave_a_gap(station: MadeUpStation) -> None:
    now = station.context.now()
    with station.context.database.reading() as session:
        line = timeline(session, station.sources["press mic"], now - timedelta(minutes=20), now)
    assert np.isnan(line.highest).all()
    assert set(line.fitness) >= {"the sound is silent"}


def test_the_rule_of_the_machine_makes_y(station: MadeUpStation) -> None:
    now = station.context.now()
    source, begin = station.sources["pump plc"], now - timedelta(minutes=10)
    with station.context.database.reading() as session:
        strict = timeline(session, source, begin, now, rule=AlarmRule(5, 5))
        loose = timeline(session, source, begin, now, rule=AlarmRule(1, 5))
    assert np.nanmax(loose.highest) > np.nanmax(strict.highest)


def test_a_source_that_never_was_gives_an_empty_line(station: MadeUpStation) -> None:
    now = station.context.now()
    with station.context.database.reading() as session:
        for span in (timedelta(minutes=1), timedelta(days=300)):
            line = timeline(session, "nobody", now - span, now)
            assert np.isnan(line.highest).all()
            assert set(line.operating) == {"unknown"}


def test_the_threshold_that_held_at_the_beginning_is_among_those_of_a_span(
    station: MadeUpStation,
) -> None:
    now = station.context.now()
    source = station.sources["press cam"]
    with station.context.database.reading() as session:
        held = thresholds(session, source, now - timedelta(hours=1), now)
        all_of_them = thresholds(session, source, now - timedelta(days=30), now)
        between = thresholds(session, source, now - timedelta(days=8), now - timedelta(days=1))
    assert sorted(each.level for each in held) == ["alarm", "watch"]
    assert {each.reason for each in held} == {"reviewed"}
    assert len(all_of_them) == 6
    assert [each.active_from for each in all_of_them] == sorted(
        each.active_from for each in all_of_them
    )
    assert {each.reason for each in between} == {
        "first threshold, 2 h of running heard",
        "fitted anew: a quarter more was heard",
    }
