"""What the budget counts of minutes stays whole where their time goes back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import select

from made_up_heard import Heard
from rattle.scoring.budget.ledger import Account
from rattle.station.records import MinuteHeard
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.tables import MinuteRow
from rattle.station.store.writing import write_all

BEFORE = 20


def recalled(database: Database, heard: Heard) -> Account:
    with database.reading() as session:
        return account_of(session, heard.source_id, heard.release_id)


def set_back(heard: Heard, by: int, more: int) -> list[MinuteHeard]:
    """Minutes of a source whose clock is set back after twenty: the numbers go on."""
    before = [heard.minute(place, heard=place + 1) for place in range(BEFORE)]
    after = [
        heard.minute(
            BEFORE - by + each,
            heard=BEFORE + each + 1,
            minutes=(100.0 + each,),
            scores=np.full(60, 100.0 + each, np.float32),
        )
        for each in range(more)
    ]
    return before + after


@pytest.mark.parametrize("by", [5, BEFORE, 3 * BEFORE])
@pytest.mark.parametrize("at_once", [1, 7, 100])
@pytest.mark.parametrize("more", [3, BEFORE])
def test_the_account_is_whole_after_a_clock_was_set_back(
    database: Database, heard: Heard, by: int, at_once: int, more: int
) -> None:
    minutes = set_back(heard, by, more)
    for first in range(0, len(minutes), at_once):
        with database.writing() as session:
            write_all(session, minutes[first : first + at_once])
    account = recalled(database, heard)
    assert account.heard == BEFORE + more
    assert account.minutes.tolist() == [value for each in minutes for value in each.minutes]


def test_what_is_written_again_after_the_clock_was_set_back_changes_nothing(
    database: Database, heard: Heard
) -> None:
    minutes = set_back(heard, 10, 4)
    for part in (minutes, minutes[-5:], minutes[-1:], minutes):
        with database.writing() as session:
            write_all(session, part)
    account = recalled(database, heard)
    assert (account.heard, len(account.minutes)) == (BEFORE + 4, BEFORE + 4)
    with database.reading() as session:
        rows = session.scalars(select(MinuteRow).order_by(MinuteRow.at)).all()
    assert len(rows) == BEFORE
    # Both times were heard, and both are there to be seen.
    assert [len(row.scores) for row in rows[9:15]] == [60, 120, 120, 120, 120, 60]


@pytest.mark.parametrize("is_written_at_once", [True, False])
def test_minutes_without_running_take_no_place_from_those_they_share_a_row_with(
    database: Database, heard: Heard, *, is_written_at_once: bool
) -> None:
    before = set_back(heard, 0, 0)
    idle = [
        heard.minute(place, minutes=(), heard=BEFORE, scores=np.full(60, np.nan, np.float32))
        for place in range(5, 9)
    ]
    parts: Sequence[Sequence[MinuteHeard]] = (
        [before + idle] if is_written_at_once else [before, idle]
    )
    for part in parts:
        with database.writing() as session:
            write_all(session, part)
    account = recalled(database, heard)
    assert (account.heard, len(account.minutes)) == (BEFORE, BEFORE)


def test_another_sources_minutes_stay_where_they_are(database: Database, heard: Heard) -> None:
    other = [
        heard.minute(place, source_id=heard.other_source_id, heard=place + 1) for place in range(3)
    ]
    with database.writing() as session:
        write_all(session, [*set_back(heard, 0, 0), *other])
        rows = session.scalars(
            select(MinuteRow).where(MinuteRow.source_id == heard.other_source_id)
        ).all()
        assert [len(row.minutes) for row in rows] == [1, 1, 1]
