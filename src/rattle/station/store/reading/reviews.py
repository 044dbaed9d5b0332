"""Read what people said last, in the acts in which they said it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from rattle.station.store.reading.views import ReviewVerdict
from rattle.station.store.tables import IncidentRow, MachineRow, ReviewRow

# Reviews of one act have ids of one millisecond: so many letters of a ULID are its time.
ACT = 10
MOST_ACTS = 5


@dataclass(frozen=True)
class Given:
    """One act of a person: a verdict on one incident or on several at once.

    review_ids: those of it that still stand. machines: names, one an incident, in the same order as
    ``incident_ids``.
    """

    at: datetime
    who: str
    verdict: ReviewVerdict
    fault: str | None
    review_ids: tuple[str, ...]
    incident_ids: tuple[str, ...]
    machines: tuple[str, ...]


def given(session: Session, review_id: str) -> Given | None:
    """Find the act that a review belongs to; None where there is none, or it was taken back."""
    review = session.get(ReviewRow, review_id)
    if review is None or review.verdict == "undo":
        return None
    acts = _acts(session, ReviewRow.id.startswith(review_id[:ACT]), ReviewRow.who == review.who)
    return next((act for act in acts if review_id in act.review_ids), None)


def last_given(session: Session, who: str) -> list[Given]:
    """List what a person said last, the newest act first, without what was taken back."""
    act = func.substr(ReviewRow.id, 1, ACT)
    newest = (
        select(act)
        .where(ReviewRow.who == who, ReviewRow.verdict != "undo")
        .group_by(act)
        .order_by(act.desc())
        .limit(3 * MOST_ACTS)
    )
    acts = list(session.scalars(newest))
    return _acts(session, act.in_(acts), ReviewRow.who == who)[:MOST_ACTS]


def _acts(session: Session, *conditions: object) -> list[Given]:
    undo = aliased(ReviewRow)
    query = (
        select(ReviewRow, MachineRow.name)
        .join(IncidentRow, ReviewRow.incident_id == IncidentRow.id)
        .join(MachineRow, IncidentRow.machine_id == MachineRow.id)
        .outerjoin(undo, undo.undoes == ReviewRow.id)
        .where(ReviewRow.verdict != "undo", undo.id.is_(None), *conditions)  # type: ignore[arg-type]
        .order_by(func.substr(ReviewRow.id, 1, ACT).desc(), ReviewRow.id)
    )
    acts: dict[tuple[object, ...], list[tuple[ReviewRow, str]]] = {}
    for review, machine in session.execute(query):
        key = (review.id[:ACT], review.verdict, review.fault, review.comment)
        acts.setdefault(key, []).append((review, machine))
    return [_act(reviews) for reviews in acts.values()]


def _act(reviews: Iterable[tuple[ReviewRow, str]]) -> Given:
    rows = list(reviews)
    first = rows[0][0]
    return Given(
        first.at,
        first.who,
        cast(ReviewVerdict, first.verdict),
        first.fault,
        tuple(row.id for row, _ in rows),
        tuple(row.incident_id for row, _ in rows),
        tuple(machine for _, machine in rows),
    )
