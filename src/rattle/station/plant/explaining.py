"""Explain incidents behind the ears: what differs in the sound, and what the detector reacts to.

    scribe -- recording written --> queue of 64 -- Explainer -- explanation --> incident's row

It takes a second of a core an incident. Where more wait, the oldest goes without: a person who
looks at it hears the recording all the same. Where the database is away it waits for it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from sqlalchemy import update

from rattle.bundle import read_bundle
from rattle.errors import RattleError, StorageError
from rattle.runtime.explanation import explain
from rattle.runtime.picture import bars_of, marks_of
from rattle.runtime.said import differences_said, near_said, reactions_said
from rattle.runtime.scorer import Scorer
from rattle.station.store.database import Database
from rattle.station.store.tables import IncidentRow

_log = logging.getLogger(__name__)

MOST_WAITING = 64
# Differences that a page lists.
MOST_SAID = 5
# A database that is away is asked again so often.
AGAIN_S = 10.0


@dataclass(frozen=True)
class Due:
    """An incident to explain by a recording, with the bundle of the release that raised it."""

    incident_id: str
    recording: Path
    bundle: Path
    scorer: Scorer


class Explainer:
    """The thread that explains; ``told`` is called with each incident that was explained."""

    def __init__(self, database: Database, told: Callable[[str], None]) -> None:
        self._database, self._told = database, told
        self._waiting: deque[Due] = deque(maxlen=MOST_WAITING)
        self._changed = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, name="explainer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """Finish the one in work, and no other."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(patience_s)

    def put(self, due: Due) -> None:
        """Ask for an explanation; returns at once."""
        with self._changed:
            self._waiting.append(due)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                due = self._waiting.popleft()
            try:
                document = document_of(due)
                if self._is_stored(due, document):
                    self._told(due.incident_id)
            except RattleError as error:
                _log.warning("incident %s is not explained: %s", due.incident_id, error)
            except Exception:
                # A fault of the program in one incident is not to leave all others unexplained.
                _log.exception("incident %s is not explained", due.incident_id)

    def _is_stored(self, due: Due, document: Mapping[str, Any]) -> bool:
        """Store it as soon as the database is there; False where the station stops before."""
        while True:
            try:
                with self._database.writing() as session:
                    found = update(IncidentRow).where(IncidentRow.id == due.incident_id)
                    session.execute(found.values(explanation=document))
                return True
            except StorageError:  # the scribe says so
                with self._changed:
                    if self._changed.wait_for(lambda: self._stopped, AGAIN_S):
                        return False


def document_of(due: Due) -> Mapping[str, Any]:
    """Explain a recording: sentences, and what a picture of it takes (``pages.explained``)."""
    explanation = explain(read_bundle(due.bundle), due.scorer, due.recording)
    seen = explanation.spectrum
    return {
        "sentences": [
            *differences_said(explanation, MOST_SAID),
            *reactions_said(explanation, MOST_SAID),
            *near_said(explanation),
        ],
        "healthy": explanation.healthy,
        "score": explanation.score.score,
        "start_s": explanation.start_s,
        "end_s": explanation.end_s,
        **{
            name: [round(float(value), 2) for value in getattr(seen, name)]
            for name in ("hz", "clip", "lowest", "middle", "highest")
        },
        "marks": [vars(mark) for mark in marks_of(explanation, MOST_SAID)],
        "bars": [
            {"low_hz": bar.low_hz, "high_hz": bar.high_hz, "fall": round(bar.fall, 4)}
            for bar in bars_of(explanation)
        ],
    }
