"""Take a release into use while its machine is listened to: what it makes of the past, then ears.

all stored sound ── replay by its head ──┐
minutes of which none is stored ─ carried ┴── its account: rows ── ears swap between two windows
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from rattle.bundle.known import stacked
from rattle.errors import DataError
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.station.config.model import Plant
from rattle.station.learn.candidate import past_of
from rattle.station.learn.carry import carried
from rattle.station.learn.gate import Source
from rattle.station.learn.incidents import incidents_of
from rattle.station.learn.labels import Base
from rattle.station.learn.replay import Voice, hop_seconds
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import allowed_by
from rattle.station.plant.learnable import Learnable, Learnables
from rattle.station.plant.releases import Release
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.releases import Past, promote
from rattle.station.store.tables import MachineRow, ReleaseRow, StretchRow


@dataclass(frozen=True)
class Chosen:
    """A release that takes the place of its machine's live one, by whom and why."""

    release_id: str
    machine_id: str
    who: str
    reason: str


class Promoting:
    """Takes releases into use."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        ears: Assembly,
        learnables: Learnables,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._ears, self._now = database, file, ears, now
        self._learnables = learnables

    def chosen(self, release_id: str, who: str, reason: str) -> Chosen:
        """Check that a release can be taken into use; ``DataError`` where it cannot."""
        with self._database.reading() as session:
            row = session.get(ReleaseRow, release_id)
            machine = None if row is None else session.get(MachineRow, row.machine_id)
        if row is None or machine is None:
            raise DataError(f"there is no release {release_id}; reload the page and look again")
        if machine.id not in self._ears.ears_of:
            raise DataError(
                f"{machine.name} is not listened to by this station; choose the release on the "
                "page of the one that does"
            )
        if machine.live_release_id == row.id:
            raise DataError(f"{machine.name} uses this release already")
        if not (self._file.data / row.path).exists():
            raise DataError("the file of this release is not there any more; choose another")
        return Chosen(release_id, machine.id, who, reason)

    def promote(self, chosen: Chosen) -> None:
        """Take it into use.

        Raises ``BundleError`` where its file is damaged; then all stays as it was.
        """
        with self._database.reading() as session:
            row = session.get_one(ReleaseRow, chosen.release_id)
            of = self._learnables.of(session, chosen.machine_id)
        if of is None:
            return
        path = self._file.data / row.path
        release = Release(Scorer.load(path), path)
        pasts = self._pasts(of, row.id, row.encoder, release)
        with self._database.writing() as session:
            promote(session, row.id, pasts, chosen.who, chosen.reason, self._now())
            live = session.get_one(ReleaseRow, row.id)
            live.report = {**live.report, **allowed_by(of.machine)}
        with self._database.reading() as session:
            accounts = {
                past.source_id: account_of(session, past.source_id, row.id) for past in pasts
            }
        self._ears.swap(of.machine, of.id, row.id, release, accounts)

    def _pasts(self, of: Learnable, release_id: str, encoder: str, release: Release) -> list[Past]:
        """What the release makes of each source's sound before."""
        with self._database.reading() as session:
            stood = incidents_of(session, of.id, self._now())
        new, rule = Voice.of(release.scorer), AlarmRule.parse(of.machine.alarm)
        base = Base(release_id, encoder, new, rule)
        kept = self._learnables.stored(of, encoder, stood)
        (heard,) = kept.heard_by([new], base, hop_seconds(release.scorer))
        return [_past(each, self._earlier(of, base, each), release_id) for each in heard]

    def _earlier(self, of: Learnable, base: Base, source: Source) -> Values:
        """Minutes that the live release heard, and of which no embedding is kept any more."""
        if base.encoder != of.encoder:
            return np.empty(0)
        with self._database.reading() as session:
            minutes = account_of(session, source.source_id, of.live_id).minutes
        earlier = minutes[: max(len(minutes) - len(source.heard.minutes), 0)]
        if not len(earlier):
            return earlier
        old = Voice.of(self._ears.releases[of.live_id].scorer)
        held_out = self._learnables.bundle(of).known.held_out
        return carried(earlier, old, base.voice, stacked(held_out, base.voice.head.dimensions))


def _past(source: Source, earlier: Values, release_id: str) -> Past:
    """What a release makes of a source's sound; ``earlier`` minutes are carried over."""
    stretches = [
        StretchRow(
            source_id=source.source_id,
            release_id=release_id,
            level=incident.level,
            first=len(earlier) + incident.first,
            incident_id=incident_id,
            last=len(earlier) + incident.last,
            peak=incident.peak,
            threshold=incident.threshold,
        )
        for incident_id, incident in past_of(source)
    ]
    return Past(source.source_id, np.concatenate([earlier, source.heard.minutes]), stretches)
