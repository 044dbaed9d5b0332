"""Keep what people say of incidents: rows are added, never changed; an undo is a row too.

An incident's verdict is that of its newest review that stands: that no undo took back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from rattle.errors import DataError
from rattle.scoring.budget.ledger import Verdict
from rattle.station.ids import new_id
from rattle.station.store.audit import note
from rattle.station.store.tables import ClipRow, IncidentRow, ReviewRow

VERDICTS = get_args(Verdict)
UNDO = "undo"
STEP = timedelta(microseconds=1)


def add(
    session: Session,
    incident_ids: Sequence[str],
    verdict: str,
    who: str,
    at: datetime,
    fault: str | None = None,
    comment: str | None = None,
) -> list[str]:
    """Review incidents, all or none; gives the reviews' ids in their order.

    Their recordings are protected from then on. Raises ``DataError`` for an incident that is not
    there, and for what is no verdict.
    """
    if verdict not in VERDICTS:
        raise DataError(f"{verdict!r} is no verdict; expected {', '.join(VERDICTS)}")
    reviews = []
    for incident_id in dict.fromkeys(incident_ids):
        incident = _incident(session, incident_id)
        review = ReviewRow(
            id=new_id(at),
            incident_id=incident_id,
            at=_after_the_last(session, incident_id, at),
            who=who,
            verdict=verdict,
            fault=fault or None,
            comment=comment or None,
        )
        session.add(review)
        _follow(session, incident)
        reviews.append(review.id)
    note(session, at, who, "review", incidents=[*dict.fromkeys(incident_ids)], verdict=verdict)
    return reviews


def undo(session: Session, review_id: str, who: str, at: datetime) -> str:
    """Take a review back, so that the one before it counts again; gives the undo's id.

    Raises ``DataError`` for a review that is not there, was taken back already, or is an undo.
    """
    review = session.get(ReviewRow, review_id)
    if review is None:
        raise DataError(f"there is no review {review_id}; reload the page and look again")
    if review.verdict == UNDO:
        raise DataError(f"{review_id} takes a review back itself; review the incident anew instead")
    if session.scalar(select(ReviewRow.id).where(ReviewRow.undoes == review_id)) is not None:
        raise DataError(f"the review {review_id} was taken back already")
    incident = _incident(session, review.incident_id)
    taken_back = ReviewRow(
        id=new_id(at),
        incident_id=review.incident_id,
        at=_after_the_last(session, review.incident_id, at),
        who=who,
        verdict=UNDO,
        undoes=review_id,
    )
    session.add(taken_back)
    _follow(session, incident)
    note(session, at, who, "undo", incidents=[review.incident_id], review=review_id)
    return taken_back.id


def _incident(session: Session, incident_id: str) -> IncidentRow:
    incident = session.get(IncidentRow, incident_id)
    if incident is None:
        raise DataError(f"there is no incident {incident_id}; reload the page and look again")
    return incident


def _after_the_last(session: Session, incident_id: str, at: datetime) -> datetime:
    """Give the time, or one just after the last review where the clock went back."""
    last = session.scalar(
        select(func.max(ReviewRow.at)).where(ReviewRow.incident_id == incident_id)
    )
    return at if last is None else max(at, last + STEP)


def _follow(session: Session, incident: IncidentRow) -> None:
    """Let the incident, and whether its recordings are protected, follow the newest review."""
    session.flush()
    undone = aliased(ReviewRow)
    newest = session.scalar(
        select(ReviewRow)
        .outerjoin(undone, undone.undoes == ReviewRow.id)
        .where(ReviewRow.incident_id == incident.id, ReviewRow.verdict != UNDO, undone.id.is_(None))
        .order_by(ReviewRow.at.desc())
        .limit(1)
    )
    incident.verdict = None if newest is None else newest.verdict
    incident.fault = None if newest is None else newest.fault
    incident.comment = None if newest is None else newest.comment
    of_incident = ClipRow.incident_id == incident.id
    session.execute(update(ClipRow).where(of_incident).values(protected=newest is not None))
    session.flush()
